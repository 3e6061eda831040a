"""All other SQL about carts. Every write of an owner's cart comes as commands to be run with `LOAD` by `together`."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import CHAR, JSONB, insert
from sqlalchemy.sql.base import Executable

from server.db.batches import BatchDelete
from server.db.statement import Command, Query, ScalarCommand, ScalarQuery
from server.features.cart.load_queries import (
    ONE,
    OPEN,
    ORDERED,
    OwnerCommand,
    address_country,
    cart,
    goes_to,
    item,
    method,
    method_price,
    obtainable,
    product,
    purchasable,
    stock,
    variant,
    variant_price,
)
from server.features.cart.rules import MAX_LINES, MAX_QUANTITY, AddFacts
from server.features.cart.tables import CartItems, Carts
from server.features.catalog.tables import Products, VariantPrices, Variants
from server.features.inventory.tables import StockItems, suffices
from server.features.pricing.tables import ShippingMethods, ShippingPrices
from server.features.pricing.values import ShippingMethod as PricedMethod
from server.features.users.tables import Users
from server.kernel.ids import CartId, CartItemId, VariantId


@dataclass(frozen=True, slots=True)
class CartRow:
    """A cart that is locked now."""

    id: CartId
    status: str
    currency: str


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What was found when an item's quantity was to be set."""

    variant_id: VariantId
    # How many can be had, backorders included; None: not counted.
    obtainable: int | None
    changed: bool


@dataclass(frozen=True, slots=True)
class MethodFacts:
    """What was found when a shipping method was to be chosen."""

    addressed: bool
    known: bool
    offered: bool


_user = Users.__table__.c
_NOW = bindparam("now", type_=DateTime(timezone=True))
_EXPIRES = bindparam("expires_time", type_=DateTime(timezone=True))
_QUANTITY = bindparam("quantity", type_=Integer())
_CURRENCY = bindparam("currency", type_=CHAR(3))
_TOUCHED: dict[str, ColumnElement[datetime]] = {"updated_time": _NOW, "expires_time": _EXPIRES}
_COLUMNS = (cart.id, cart.status, cart.currency)


def _open_user_cart() -> Executable:
    """Find or make the user's open cart, and lock it: the unique index decides between two that make it at once."""
    columns = ["id", "user_id", "currency", "email", "created_time", "updated_time", "expires_time"]
    currency = cast(_CURRENCY, CHAR(3))
    values = select(bindparam("new_id", type_=Uuid()), _user.id, currency, _user.email, _NOW, _NOW, _EXPIRES)
    new = insert(Carts).from_select(columns, values.where(_user.id == bindparam("user_id", type_=Uuid())))
    return new.on_conflict_do_update(
        index_elements=["user_id"], index_where=text("status = 'OPEN'"), set_=_TOUCHED
    ).returning(*_COLUMNS)


def _open_guest_cart() -> Executable:
    new = insert(Carts).values(id=bindparam("cart_id", type_=Uuid()), currency=_CURRENCY, created_time=_NOW, **_TOUCHED)
    return new.on_conflict_do_update(
        index_elements=["id"], set_=_TOUCHED, where=and_(cart.status == OPEN, cart.user_id.is_(None))
    ).returning(*_COLUMNS)


def _touch(owned: ColumnElement[bool]) -> Executable:
    return update(Carts).where(owned).values(_TOUCHED).returning(*_COLUMNS)


def _add(owned: ColumnElement[bool]) -> Executable:
    others = CartItems.__table__.alias("others").c
    present = item.quantity
    target = (
        select(
            cart.id.label("cart_id"),
            cart.currency,
            product.status,
            variant.active,
            variant_price.amount_minor.is_not(None).label("has_price"),
            obtainable.label("obtainable"),
            present.label("present"),
            select(func.count())
            .where(others.cart_id == cart.id)
            .correlate(Carts)
            .scalar_subquery()
            .label("line_count"),
            purchasable.label("purchasable"),
        )
        .select_from(Carts)
        .join(Variants, variant.id == bindparam("variant_id", type_=Uuid()))
        .join(Products, product.id == variant.product_id)
        .outerjoin(VariantPrices, and_(variant_price.variant_id == variant.id, variant_price.currency == cart.currency))
        .outerjoin(StockItems, stock.variant_id == variant.id)
        .outerjoin(CartItems, and_(item.cart_id == cart.id, item.variant_id == variant.id))
        .where(owned)
        .cte("target")
    )
    wanted = func.coalesce(target.c.present, literal_column("0")) + _QUANTITY
    asked = bindparam("asked_currency", type_=Text())
    rows = select(
        bindparam("item_id", type_=Uuid()),
        target.c.cart_id,
        bindparam("variant_id", type_=Uuid()),
        cast(_QUANTITY, Integer),
        _NOW,
    ).where(
        target.c.purchasable,
        or_(asked == literal_column("''"), asked == target.c.currency),
        suffices(target.c.obtainable, wanted),
        or_(target.c.present.is_not(None), target.c.line_count < literal_column(str(MAX_LINES))),
        wanted <= literal_column(str(MAX_QUANTITY)),
    )
    new = insert(CartItems).from_select(["id", "cart_id", "variant_id", "quantity", "created_time"], rows)
    added = (
        new.on_conflict_do_update(
            index_elements=["cart_id", "variant_id"], set_={"quantity": item.quantity + new.excluded.quantity}
        )
        .returning(item.id)
        .cte("added")
    )
    return select(
        target.c.currency,
        target.c.status,
        target.c.active,
        target.c.has_price,
        target.c.obtainable,
        target.c.present,
        target.c.line_count,
        exists(select(added.c.id)),
    )


def _set_quantity(owned: ColumnElement[bool]) -> Executable:
    target = (
        select(item.id, item.variant_id, obtainable.label("obtainable"))
        .select_from(CartItems)
        .join(Carts, cart.id == item.cart_id)
        .outerjoin(StockItems, stock.variant_id == item.variant_id)
        .where(item.id == bindparam("item_id", type_=Uuid()), owned)
        .cte("target")
    )
    changed = (
        update(CartItems)
        .where(item.id == target.c.id, suffices(target.c.obtainable, _QUANTITY))
        .values(quantity=_QUANTITY)
        .returning(item.id)
        .cte("changed")
    )
    return select(target.c.variant_id, target.c.obtainable, exists(select(changed.c.id)))


def _remove(owned: ColumnElement[bool]) -> Executable:
    return (
        delete(CartItems)
        .where(item.id == bindparam("item_id", type_=Uuid()), item.cart_id == cart.id, owned)
        .returning(item.id)
    )


def _set_email(owned: ColumnElement[bool]) -> Executable:
    return update(Carts).where(owned).values(email=bindparam("email"), **_TOUCHED).returning(*_COLUMNS)


def _set_addresses(owned: ColumnElement[bool]) -> Executable:
    country = cast(bindparam("country", type_=CHAR(2)), CHAR(2))
    still_offered = (
        select(method.id)
        .join(ShippingPrices, _offered_in_currency())
        .where(method.id == cart.shipping_method_id, method.active, goes_to(country))
        .correlate(Carts)
        .scalar_subquery()
    )
    return (
        update(Carts)
        .where(owned)
        .values(
            shipping_address=bindparam("shipping", type_=JSONB(none_as_null=True)),
            billing_address=bindparam("billing", type_=JSONB(none_as_null=True)),
            shipping_method_id=still_offered,
            **_TOUCHED,
        )
        .returning(*_COLUMNS)
    )


def _adopt_currency(owned: ColumnElement[bool]) -> Executable:
    empty = ~exists(select(item.id).where(item.cart_id == cart.id).correlate(Carts))
    other = cart.currency != cast(_CURRENCY, CHAR(3))
    return update(Carts).where(owned, other, empty).values(currency=_CURRENCY).returning(*_COLUMNS)


def _offered_in_currency() -> ColumnElement[bool]:
    return and_(method_price.shipping_method_id == method.id, method_price.currency == cart.currency)


def _set_method(owned: ColumnElement[bool]) -> Executable:
    offered = and_(method_price.amount_minor.is_not(None), goes_to(address_country))
    target = (
        select(
            cart.id,
            method.id.label("method_id"),
            cart.shipping_address.is_not(None).label("addressed"),
            method.id.is_not(None).label("known"),
            func.coalesce(offered, literal_column("false")).label("offered"),
        )
        .select_from(Carts)
        .outerjoin(ShippingMethods, and_(method.id == bindparam("method_id", type_=Uuid()), method.active))
        .outerjoin(ShippingPrices, _offered_in_currency())
        .where(owned)
        .cte("target")
    )
    changed = (
        update(Carts)
        .where(cart.id == target.c.id, target.c.addressed, target.c.offered)
        .values(shipping_method_id=target.c.method_id)
        .cte("changed")
    )
    return select(target.c.addressed, target.c.known, target.c.offered).add_cte(changed)


def _move_items() -> Executable:
    """Add a guest's items to another cart: never more than can be had, never fewer than lay there, at least one."""
    own = CartItems.__table__.alias("own").c
    into = bindparam("into_id", type_=Uuid())
    both = item.quantity + func.coalesce(own.quantity, literal_column("0"))
    # PostgreSQL's least() passes over the NULL of what is not counted.
    quantity = func.greatest(own.quantity, ONE, func.least(both, obtainable, literal_column(str(MAX_QUANTITY))))
    rows = (
        select(func.uuidv7(type_=Uuid()), into, item.variant_id, cast(quantity, Integer), _NOW)
        .select_from(CartItems)
        .outerjoin(own.id.table, and_(own.cart_id == into, own.variant_id == item.variant_id))
        .outerjoin(StockItems, stock.variant_id == item.variant_id)
        .where(item.cart_id == bindparam("guest_id", type_=Uuid()))
        .order_by(item.id)
    )
    new = insert(CartItems).from_select(["id", "cart_id", "variant_id", "quantity", "created_time"], rows)
    return new.on_conflict_do_update(
        index_elements=["cart_id", "variant_id"], set_={"quantity": new.excluded.quantity}
    ).returning(item.id)


def _take_over() -> Executable:
    """Copy what the guest said and the user did not, and close the guest's cart, in one statement."""
    guest = (
        update(Carts)
        .where(cart.id == bindparam("guest_id", type_=Uuid()))
        .values(status=literal_column("'MERGED'"), updated_time=_NOW)
        .returning(cart.shipping_address, cart.billing_address, cart.shipping_method_id)
        .cte("guest")
    )
    unsaid = cart.shipping_address.is_(None)
    return (
        update(Carts)
        .where(cart.id == bindparam("into_id", type_=Uuid()))
        .values(
            shipping_address=func.coalesce(cart.shipping_address, guest.c.shipping_address),
            billing_address=case((unsaid, guest.c.billing_address), else_=cart.billing_address),
            shipping_method_id=func.coalesce(cart.shipping_method_id, guest.c.shipping_method_id),
        )
        .returning(*_COLUMNS)
    )


OPEN_USER_CART = Command(_open_user_cart(), CartRow)
OPEN_GUEST_CART = Command(_open_guest_cart(), CartRow)
TOUCH = OwnerCommand(_touch, CartRow)
ADD = OwnerCommand(_add, AddFacts)
SET_QUANTITY = OwnerCommand(_set_quantity, ItemFacts)
REMOVE = OwnerCommand(_remove, CartItemId)
SET_EMAIL = OwnerCommand(_set_email, CartRow)
SET_ADDRESSES = OwnerCommand(_set_addresses, CartRow)
SET_METHOD = OwnerCommand(_set_method, MethodFacts)
LOCK = OwnerCommand(lambda owned: select(*_COLUMNS).where(owned).with_for_update(of=Carts, key_share=True), CartRow)
LOCK_GUEST_CART = Command(
    select(*_COLUMNS)
    .where(cart.id == bindparam("cart_id"), cart.user_id.is_(None))
    .with_for_update(of=Carts, key_share=True),
    CartRow,
)
# An empty cart takes the currency of what comes in. A statement of its own: it has to see what was put in by whoever
# held the cart until now.
ADOPT_CURRENCY = OwnerCommand(_adopt_currency, CartRow)
MOVE_ITEMS = ScalarCommand(_move_items(), UUID)
TAKE_OVER = Command(_take_over(), CartRow)
LIST_METHODS = Query(
    select(
        method.id,
        method.code,
        method.name,
        method.description,
        method_price.amount_minor,
        method_price.free_from_amount_minor,
        method.tax_class,
    )
    .join(
        ShippingPrices,
        and_(
            method_price.shipping_method_id == method.id, method_price.currency == bindparam("currency", type_=CHAR(3))
        ),
    )
    .where(method.active, goes_to(cast(bindparam("country", type_=CHAR(2)), CHAR(2))))
    .order_by(method.position, method.id)
    .limit(literal_column("100", Integer)),
    PricedMethod,
)
CLOSE = Command(
    update(Carts).where(cart.id == bindparam("cart_id"), cart.status == OPEN).values(status=ORDERED, updated_time=_NOW)
)
GUEST_STATUS = ScalarQuery(select(cart.status).where(cart.id == bindparam("cart_id"), cart.user_id.is_(None)), str)
USER_EMAIL = ScalarQuery(select(_user.email).where(_user.id == bindparam("user_id")), str)
_CLOSED = cart.status.in_([literal_column("'ORDERED'", Text), literal_column("'MERGED'", Text)])
_BEFORE = bindparam("before", type_=DateTime(timezone=True))


def _forget_ordered() -> Executable:
    """Empty some guests' carts that were ordered long ago; their rows stay, see `tables.Carts`."""
    some = (
        select(cart.id)
        .where(_CLOSED, cart.status == ORDERED, cart.user_id.is_(None), cart.updated_time <= _BEFORE)
        .limit(bindparam("batch_rows", type_=Integer()))
        .with_for_update(skip_locked=True)
        .cte("some")
    )
    emptied = delete(CartItems).where(item.cart_id.in_(select(some.c.id))).cte("emptied")
    nothing = {"email": literal_column("''"), "shipping_address": null(), "billing_address": null()}
    return (
        update(Carts)
        .where(cart.id.in_(select(some.c.id)))
        .values(status=literal_column("'FORGOTTEN'"), shipping_method_id=null(), **nothing)
        .add_cte(emptied)
    )


EXPIRED = BatchDelete(Carts, and_(cart.status == OPEN, cart.expires_time <= _NOW))
FORGET_ORDERED = Command(_forget_ordered())
# A user's ordered carts and all merged ones: no order can ever be made of them again.
CLOSED = BatchDelete(
    Carts,
    and_(
        _CLOSED, cart.updated_time <= _BEFORE, or_(cart.user_id.is_not(None), cart.status == literal_column("'MERGED'"))
    ),
)
