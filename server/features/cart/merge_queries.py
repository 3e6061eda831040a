"""Putting a guest's cart into a user's."""

from datetime import datetime

from sqlalchemy import Integer, Uuid, and_, bindparam, case, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.base import Executable

from server.db.session import WriteTx
from server.db.statement import Bound, Command
from server.db.words import number, word
from server.features.cart.load_queries import obtainable
from server.features.cart.queries import CART_COLUMNS, NOW
from server.features.cart.rules import MAX_QUANTITY
from server.features.cart.tables import CartItems, Carts
from server.features.cart.values import CartRow, CartStatus
from server.features.inventory.tables import StockItems
from server.kernel.ids import CartId

_GUEST = bindparam("guest_id", type_=Uuid())
_INTO = bindparam("into_id", type_=Uuid())


def _move_items() -> Executable:
    """Add a guest's items to another cart: never more than can be had, never fewer than lay there, at least one."""
    own = CartItems.__table__.alias("own")
    both = CartItems.quantity + func.coalesce(own.c.quantity, number(0))
    # PostgreSQL's least() passes over the NULL of what is not counted.
    quantity = func.greatest(own.c.quantity, number(1), func.least(both, obtainable, number(MAX_QUANTITY)))
    rows = (
        select(func.uuidv7(type_=Uuid()), _INTO, CartItems.variant_id, cast(quantity, Integer), NOW)
        .select_from(CartItems)
        .outerjoin(own, and_(own.c.cart_id == _INTO, own.c.variant_id == CartItems.variant_id))
        .outerjoin(StockItems, StockItems.variant_id == CartItems.variant_id)
        .where(CartItems.cart_id == _GUEST)
        .order_by(CartItems.id)
    )
    new = insert(CartItems).from_select(["id", "cart_id", "variant_id", "quantity", "created_time"], rows)
    return new.on_conflict_do_update(index_elements=["cart_id", "variant_id"], set_={"quantity": new.excluded.quantity})


def _take_over() -> Executable:
    """Copy what the guest said and the user did not, and close the guest's cart, in one statement."""
    guest = (
        update(Carts)
        .where(Carts.id == _GUEST)
        .values(status=word(CartStatus.MERGED), updated_time=NOW)
        .returning(Carts.shipping_address, Carts.billing_address, Carts.shipping_method_id)
        .cte("guest")
    )
    unsaid = Carts.shipping_address.is_(None)
    return (
        update(Carts)
        .where(Carts.id == _INTO)
        .values(
            shipping_address=func.coalesce(Carts.shipping_address, guest.c.shipping_address),
            billing_address=case((unsaid, guest.c.billing_address), else_=Carts.billing_address),
            shipping_method_id=func.coalesce(Carts.shipping_method_id, guest.c.shipping_method_id),
        )
    )


_LOCK_GUEST_CART = Command(
    select(*CART_COLUMNS)
    .where(Carts.id == bindparam("cart_id"), Carts.user_id.is_(None))
    .with_for_update(of=Carts, key_share=True),
    CartRow,
)
_MOVE_ITEMS = Command(_move_items())
_TAKE_OVER = Command(_take_over())


async def lock_guest_cart(tx: WriteTx, cart_id: CartId) -> CartRow | None:
    """Lock a guest's cart, open or not."""
    return await _LOCK_GUEST_CART.first(tx, cart_id=cart_id)


def moving_items(guest_id: CartId, *, into_id: CartId, now: datetime) -> Bound[object]:
    """Return the statement that adds the items of a locked guest's cart to a locked user's."""
    return _MOVE_ITEMS.bind(guest_id=guest_id, into_id=into_id, now=now)


def taking_over(guest_id: CartId, *, into_id: CartId, now: datetime) -> Bound[object]:
    """Return the statement that gives a locked user's cart what only the guest said, and closes the guest's."""
    return _TAKE_OVER.bind(guest_id=guest_id, into_id=into_id, now=now)
