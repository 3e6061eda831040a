"""The statement that loads a cart with all that its price depends on, and pieces of it that others share."""

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, cast, func, or_, select
from sqlalchemy.dialects.postgresql import CHAR, aggregate_order_by
from sqlalchemy.sql.base import Executable

from server.db.rows import JsonRow, columns_of, nested
from server.db.session import ReadTx
from server.db.statement import Bound, Query
from server.db.words import TRUE, number, word
from server.features.cart.delivery_queries import ADDRESS_COUNTRY, METHOD_COLUMNS, goes_to, offered_in
from server.features.cart.queries import ForOwner
from server.features.cart.tables import CartItems, Carts
from server.features.cart.values import CartLine, CartSnapshot, Option, Owner, Picture
from server.features.catalog.tables import ProductMedia, Products, VariantPrices, Variants
from server.features.inventory.tables import StockItems, available_units, obtainable_units
from server.features.pricing.tables import ShippingMethods, ShippingPrices, TaxRates
from server.features.pricing.tax_values import TaxRate
from server.features.pricing.values import ShippingMethod
from server.kernel.ids import CART_ITEM, PRODUCT, SHIPPING_METHOD, VARIANT

available = available_units(StockItems)
obtainable = obtainable_units(StockItems)
purchasable = and_(Variants.active, Products.status == word("ACTIVE"), VariantPrices.amount_minor.is_not(None))

# Looked up once and not for each line.
_read_item_id, _read_product_id, _read_variant_id = CART_ITEM.read_stored, PRODUCT.read_stored, VARIANT.read_stored


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
    compare_at_amount_minor: int | None,
    tax_class: str,
    requires_shipping: bool,
    weight_grams: int,
    available: int | None,
    backorder_limit: int | None,
) -> CartLine:
    return CartLine(
        _read_item_id(item_id),
        _read_product_id(product_id),
        _read_variant_id(variant_id),
        quantity,
        title,
        sku,
        tuple(map(Option, option_names, option_values)) if option_names else (),
        None if picture_id is None else Picture(picture_id, picture_url, picture_alt_text),
        purchasable,
        amount_minor if purchasable and amount_minor is not None else 0,
        compare_at_amount_minor if purchasable else None,
        tax_class,
        requires_shipping,
        weight_grams,
        available,
        backorder_limit or 0,
    )


def _make_method(
    id: str,
    code: str,
    name: str,
    description: str,
    amount_minor: int,
    free_from_amount_minor: int | None,
    tax_class: str,
) -> ShippingMethod:
    return ShippingMethod(
        SHIPPING_METHOD.read_stored(id), code, name, description, amount_minor, free_from_amount_minor, tax_class
    )


_picture = (
    select(ProductMedia.id, ProductMedia.url, ProductMedia.alt_text)
    .where(ProductMedia.product_id == Products.id)
    .order_by(ProductMedia.position)
    .limit(number(1))
    .lateral("picture")
)
_has_options = func.cardinality(Variants.option_values) > number(0)
_LINE = JsonRow(
    _make_line,
    item_id=CartItems.id,
    product_id=Products.id,
    variant_id=Variants.id,
    quantity=CartItems.quantity,
    title=Products.title,
    sku=func.coalesce(Variants.sku, word("")),
    option_names=case((_has_options, func.jsonb_path_query_array(Products.options, word("$[*].name")))),
    option_values=Variants.option_values,
    picture_id=_picture.c.id,
    picture_url=_picture.c.url,
    picture_alt_text=_picture.c.alt_text,
    purchasable=purchasable,
    amount_minor=VariantPrices.amount_minor,
    compare_at_amount_minor=VariantPrices.compare_at_amount_minor,
    tax_class=Variants.tax_class,
    requires_shipping=Variants.requires_shipping,
    weight_grams=Variants.weight_grams,
    available=available,
    backorder_limit=StockItems.backorder_limit,
)
_METHOD = JsonRow(_make_method, **{column.name: column for column in METHOD_COLUMNS})
_RATE = JsonRow(
    TaxRate,
    name=TaxRates.name,
    rate_ppm=TaxRates.rate_ppm,
    tax_class=TaxRates.tax_class,
    included=TaxRates.included,
    applies_to_shipping=TaxRates.applies_to_shipping,
)


def _lines() -> ColumnElement[Any]:
    priced = and_(VariantPrices.variant_id == Variants.id, VariantPrices.currency == Carts.currency)
    return (
        select(func.json_agg(aggregate_order_by(_LINE.array, CartItems.id)))
        .select_from(CartItems)
        .join(Variants, Variants.id == CartItems.variant_id)
        .join(Products, Products.id == Variants.product_id)
        .outerjoin(VariantPrices, priced)
        .outerjoin(StockItems, StockItems.variant_id == Variants.id)
        .outerjoin(_picture, TRUE)
        .where(CartItems.cart_id == Carts.id)
        .correlate(Carts)
        .scalar_subquery()
    )


def _rates() -> ColumnElement[Any]:
    """Collect the rates at the address; without one, at home, so that prices show the tax that they contain."""
    country = func.coalesce(ADDRESS_COUNTRY, cast(bindparam("default_country", type_=CHAR(2)), CHAR(2)))
    region = func.upper(Carts.shipping_address[word("administrative_area")].astext)
    return (
        select(func.json_agg(aggregate_order_by(_RATE.array, TaxRates.region, TaxRates.name)))
        .where(TaxRates.country == country, or_(TaxRates.region == word(""), TaxRates.region == region))
        .correlate(Carts)
        .scalar_subquery()
    )


def _method() -> ColumnElement[Any]:
    return (
        select(_METHOD.array)
        .select_from(ShippingMethods)
        .join(ShippingPrices, offered_in(Carts.currency))
        .where(ShippingMethods.id == Carts.shipping_method_id, ShippingMethods.active, goes_to(ADDRESS_COUNTRY))
        .correlate(Carts)
        .scalar_subquery()
    )


def _load(owned: ColumnElement[bool]) -> Executable:
    columns = columns_of(CartSnapshot, Carts, shipping_method=_method(), lines=_lines(), rates=_rates())
    return select(*columns).where(owned)


_make_snapshot = nested(CartSnapshot, shipping_method=_METHOD.read_one, lines=_LINE, rates=_RATE)
_LOAD = ForOwner(lambda owned: Query(_load(owned), _make_snapshot))


async def find_cart(tx: ReadTx, owner: Owner, *, default_country: str) -> CartSnapshot | None:
    """Return an owner's open cart; `default_country` is the one whose taxes it shows as long as it has no address."""
    return await _LOAD.of(owner).first(tx, owner_id=owner.id, default_country=default_country)


def loading_cart(owner: Owner, *, default_country: str) -> Bound[CartSnapshot | None]:
    """Return the statement of `find_cart`."""
    return _LOAD.of(owner).bind_first(owner_id=owner.id, default_country=default_country)
