"""What lies in a cart: putting in, changing, taking out."""

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.selectable import CTE

from server.db.statement import Bound, Command, ScalarCommand
from server.db.words import number, word
from server.features.cart.load_queries import obtainable, purchasable
from server.features.cart.queries import NOW, ForOwner
from server.features.cart.rules import MAX_LINES, MAX_QUANTITY
from server.features.cart.tables import CartItems, Carts
from server.features.cart.values import AddFacts, ItemFacts, Owner
from server.features.catalog.tables import Products, VariantPrices, Variants
from server.features.inventory.tables import StockItems, suffices
from server.kernel.ids import CART_ITEM, CartItemId, VariantId

_QUANTITY = bindparam("quantity", type_=Integer())
_ITEM = bindparam("item_id", type_=Uuid())
_VARIANT = bindparam("variant_id", type_=Uuid())


def _facts(owned: ColumnElement[bool]) -> CTE:
    """Find what there is to know when something is to be put in."""
    others = CartItems.__table__.alias("others").c
    line_count = select(func.count()).where(others.cart_id == Carts.id).correlate(Carts).scalar_subquery()
    return (
        select(
            Carts.id.label("cart_id"),
            Carts.currency,
            Products.status.label("product_status"),
            Variants.active.label("variant_active"),
            VariantPrices.amount_minor.is_not(None).label("has_price"),
            obtainable.label("obtainable"),
            CartItems.quantity.label("present"),
            line_count.label("line_count"),
            purchasable.label("purchasable"),
        )
        .select_from(Carts)
        .join(Variants, Variants.id == _VARIANT)
        .join(Products, Products.id == Variants.product_id)
        .outerjoin(
            VariantPrices, and_(VariantPrices.variant_id == Variants.id, VariantPrices.currency == Carts.currency)
        )
        .outerjoin(StockItems, StockItems.variant_id == Variants.id)
        .outerjoin(CartItems, and_(CartItems.cart_id == Carts.id, CartItems.variant_id == Variants.id))
        .where(owned)
        .cte("target")
    )


def _add(owned: ColumnElement[bool]) -> Executable:
    target = _facts(owned)
    asked = bindparam("asked_currency", type_=Text())
    wanted = func.coalesce(target.c.present, number(0)) + _QUANTITY
    rows = select(_ITEM, target.c.cart_id, _VARIANT, cast(_QUANTITY, Integer), NOW).where(
        target.c.purchasable,
        or_(asked == word(""), asked == target.c.currency),
        suffices(target.c.obtainable, wanted),
        or_(target.c.present.is_not(None), target.c.line_count < number(MAX_LINES)),
        wanted <= number(MAX_QUANTITY),
    )
    new = insert(CartItems).from_select(["id", "cart_id", "variant_id", "quantity", "created_time"], rows)
    added = (
        new.on_conflict_do_update(
            index_elements=["cart_id", "variant_id"], set_={"quantity": CartItems.quantity + new.excluded.quantity}
        )
        .returning(CartItems.id)
        .cte("added")
    )
    return select(
        target.c.currency,
        target.c.product_status,
        target.c.variant_active,
        target.c.has_price,
        target.c.obtainable,
        target.c.present,
        target.c.line_count,
        exists(select(added.c.id)).label("added"),
    )


def _set_quantity(owned: ColumnElement[bool]) -> Executable:
    target = (
        select(CartItems.id, CartItems.variant_id, obtainable.label("obtainable"))
        .select_from(CartItems)
        .join(Carts, Carts.id == CartItems.cart_id)
        .outerjoin(StockItems, StockItems.variant_id == CartItems.variant_id)
        .where(CartItems.id == _ITEM, owned)
        .cte("target")
    )
    changed = (
        update(CartItems)
        .where(CartItems.id == target.c.id, suffices(target.c.obtainable, _QUANTITY))
        .values(quantity=_QUANTITY)
        .returning(CartItems.id)
        .cte("changed")
    )
    return select(target.c.variant_id, target.c.obtainable, exists(select(changed.c.id)).label("changed"))


def _remove(owned: ColumnElement[bool]) -> Executable:
    return delete(CartItems).where(CartItems.id == _ITEM, CartItems.cart_id == Carts.id, owned).returning(CartItems.id)


_ADD = ForOwner(lambda owned: Command(_add(owned), AddFacts))
_SET_QUANTITY = ForOwner(lambda owned: Command(_set_quantity(owned), ItemFacts))
_REMOVE = ForOwner(lambda owned: ScalarCommand(_remove(owned), CartItemId))


def adding_item(
    owner: Owner, variant_id: VariantId, *, quantity: int, asked_currency: str, now: datetime
) -> Bound[AddFacts | None]:
    """Return the statement that puts some of a variant in unless something stands against it, and tells what.

    `asked_currency` is empty for any. Its result is None when there is no such variant.
    """
    return _ADD.of(owner).bind_first(
        owner_id=owner.id,
        item_id=CART_ITEM.new(),
        variant_id=variant_id,
        quantity=quantity,
        asked_currency=asked_currency,
        now=now,
    )


def setting_quantity(owner: Owner, item_id: CartItemId, *, quantity: int) -> Bound[ItemFacts | None]:
    """Return the statement that sets how many of an item there are unless fewer can be had, and tells how many."""
    return _SET_QUANTITY.of(owner).bind_first(owner_id=owner.id, item_id=item_id, quantity=quantity)


def removing_item(owner: Owner, item_id: CartItemId) -> Bound[CartItemId | None]:
    """Return the statement that takes an item out."""
    return _REMOVE.of(owner).bind_first(owner_id=owner.id, item_id=item_id)
