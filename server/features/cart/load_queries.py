"""The statement that loads a cart with all that its price depends on, and the pieces that others share."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from typing import cast as typing_cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import CHAR, aggregate_order_by
from sqlalchemy.sql.base import Executable

from server.db.session import ReadTx, WriteTx
from server.db.statement import Bound, Command
from server.features.cart.tables import CartItems, Carts
from server.features.cart.values import CartLine, CartSnapshot, Option, Owner, Picture
from server.features.catalog.tables import ProductMedia, Products, VariantPrices, Variants
from server.features.inventory.tables import StockItems, available_units, obtainable_units
from server.features.pricing.rules import TaxRate as Rate
from server.features.pricing.tables import ShippingMethods, ShippingPrices, TaxRates
from server.features.pricing.values import ShippingMethod
from server.kernel.ids import CartId, CartItemId, ProductId, ShippingMethodId, UserId, VariantId, read_written_id

Row = TypeVar("Row")

cart = Carts.__table__.c
item = CartItems.__table__.c
product = Products.__table__.c
variant = Variants.__table__.c
variant_price = VariantPrices.__table__.c
stock = StockItems.__table__.c
_media = ProductMedia.__table__.c
method = ShippingMethods.__table__.c
method_price = ShippingPrices.__table__.c
_rate = TaxRates.__table__.c

# Words are written into statements and not bound: a bound one keeps generic plans from using partial indexes.
OPEN = literal_column("'OPEN'", Text)
ORDERED = literal_column("'ORDERED'", Text)
ACTIVE = literal_column("'ACTIVE'", Text)
ONE = literal_column("1", Integer)

available = available_units(stock)
obtainable = obtainable_units(stock)
purchasable = and_(variant.active, product.status == ACTIVE, variant_price.amount_minor.is_not(None))
address_country = cast(cart.shipping_address["region_code"].astext, CHAR(2))


def goes_to(country: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a shipping method goes to a country."""
    return or_(func.cardinality(method.countries) == literal_column("0"), country == any_(method.countries))


def _owned_by_user() -> ColumnElement[bool]:
    return and_(cart.user_id == bindparam("user_id", type_=Uuid()), cart.status == OPEN)


def _owned_by_guest() -> ColumnElement[bool]:
    return and_(cart.id == bindparam("cart_id", type_=Uuid()), cart.user_id.is_(None), cart.status == OPEN)


class OwnerCommand(Generic[Row]):
    """A statement about the open cart of an owner, compiled for users and for guests."""

    __slots__ = ("_guest", "_user")

    def __init__(self, make: Callable[[ColumnElement[bool]], Executable], row: Callable[..., Row]) -> None:
        self._user = Command(make(_owned_by_user()), row)
        self._guest = Command(make(_owned_by_guest()), row)

    def bind(self, owner: Owner, **params: Any) -> Bound[list[Row]]:
        """Hand over the values, to be run with others by `together`."""
        if owner.user_id is not None:
            return self._user.bind(user_id=owner.user_id, **params)
        return self._guest.bind(cart_id=owner.cart_id, **params)

    async def first(self, tx: ReadTx, owner: Owner, **params: Any) -> Row | None:
        """Run it and return the first row, or None; one that writes needs a WriteTx."""
        # A command's methods ask for a WriteTx; a statement of this class that only reads runs on either.
        writable = typing_cast(WriteTx, tx)
        if owner.user_id is not None:
            return await self._user.first(writable, user_id=owner.user_id, **params)
        return await self._guest.first(writable, cart_id=owner.cart_id, **params)


def _lines() -> ColumnElement[Any]:
    picture = (
        select(_media.id, _media.url, _media.alt_text)
        .where(_media.product_id == product.id)
        .order_by(_media.position)
        .limit(ONE)
        .lateral("picture")
    )
    line = func.json_build_array(
        item.id,
        product.id,
        variant.id,
        item.quantity,
        product.title,
        func.coalesce(variant.sku, literal_column("''")),
        case(
            (
                func.cardinality(variant.option_values) > literal_column("0"),
                func.jsonb_path_query_array(product.options, literal_column("'$[*].name'")),
            )
        ),
        variant.option_values,
        picture.c.id,
        picture.c.url,
        picture.c.alt_text,
        purchasable,
        variant_price.amount_minor,
        variant_price.compare_at_amount_minor,
        variant.tax_class,
        variant.requires_shipping,
        variant.weight_grams,
        available,
        stock.backorder_limit,
    )
    rows = (
        CartItems.__table__.join(Variants, variant.id == item.variant_id)
        .join(Products, product.id == variant.product_id)
        .outerjoin(VariantPrices, and_(variant_price.variant_id == variant.id, variant_price.currency == cart.currency))
        .outerjoin(StockItems, stock.variant_id == variant.id)
        .outerjoin(picture, literal_column("true"))
    )
    return (
        select(func.json_agg(aggregate_order_by(line, item.id)))
        .select_from(rows)
        .where(item.cart_id == cart.id)
        .correlate(Carts)
        .scalar_subquery()
    )


def _rates() -> ColumnElement[Any]:
    """Collect the rates at the address; without one, at home, so that prices show the tax that they contain."""
    country = func.coalesce(address_country, cast(bindparam("default_country", type_=CHAR(2)), CHAR(2)))
    region = func.upper(cart.shipping_address["administrative_area"].astext)
    rate = func.json_build_array(_rate.name, _rate.rate_ppm, _rate.tax_class, _rate.included, _rate.applies_to_shipping)
    return (
        select(func.json_agg(aggregate_order_by(rate, _rate.region, _rate.name)))
        .where(_rate.country == country, or_(_rate.region == literal_column("''"), _rate.region == region))
        .correlate(Carts)
        .scalar_subquery()
    )


def _method() -> ColumnElement[Any]:
    chosen = func.json_build_array(
        method.id,
        method.code,
        method.name,
        method.description,
        method_price.amount_minor,
        method_price.free_from_amount_minor,
        method.tax_class,
    )
    offered = and_(method_price.shipping_method_id == method.id, method_price.currency == cart.currency)
    return (
        select(chosen)
        .select_from(ShippingMethods.__table__.join(ShippingPrices, offered))
        .where(method.id == cart.shipping_method_id, method.active, goes_to(address_country))
        .correlate(Carts)
        .scalar_subquery()
    )


def _load(owned: ColumnElement[bool]) -> Executable:
    return select(
        cart.id,
        cart.user_id,
        cart.currency,
        cart.email,
        cart.shipping_address,
        cart.billing_address,
        cart.expires_time,
        _method(),
        _lines(),
        _rates(),
    ).where(owned)


def _make_snapshot(
    id: UUID,
    user_id: UserId | None,
    currency: str,
    email: str,
    shipping_address: dict[str, Any] | None,
    billing_address: dict[str, Any] | None,
    expires_time: datetime,
    method: Sequence[Any] | None,
    lines: Sequence[Sequence[Any]] | None,
    rates: Sequence[Sequence[Any]] | None,
) -> CartSnapshot:
    return CartSnapshot(
        CartId(id),
        user_id,
        currency,
        email,
        shipping_address,
        billing_address,
        expires_time,
        None if method is None else ShippingMethod(ShippingMethodId(read_written_id(method[0])), *method[1:]),
        tuple([_make_line(*values) for values in lines or ()]),
        tuple([Rate(*values) for values in rates or ()]),
    )


def _make_line(
    item_id: str,
    product_id: str,
    variant_id: str,
    quantity: int,
    title: str,
    sku: str,
    option_names: list[str] | None,
    option_values: list[str],
    picture_id: str | None,
    picture_url: str,
    picture_alt_text: str,
    purchasable: bool,
    amount_minor: int | None,
    compare_at_minor: int | None,
    tax_class: str,
    requires_shipping: bool,
    weight_grams: int,
    available: int | None,
    backorder_limit: int | None,
) -> CartLine:
    return CartLine(
        CartItemId(read_written_id(item_id)),
        ProductId(read_written_id(product_id)),
        VariantId(read_written_id(variant_id)),
        quantity,
        title,
        sku,
        tuple(map(Option, option_names, option_values)) if option_names else (),
        None if picture_id is None else Picture(picture_id, picture_url, picture_alt_text),
        purchasable,
        amount_minor if purchasable and amount_minor is not None else 0,
        compare_at_minor if purchasable else None,
        tax_class,
        requires_shipping,
        weight_grams,
        available,
        backorder_limit or 0,
    )


LOAD = OwnerCommand(_load, _make_snapshot)
