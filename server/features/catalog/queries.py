"""SQL that reads one product with all that belongs to it, and the tree of categories."""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from server.db.rows import JsonRow, columns_of, nested, nullable
from server.db.session import ReadTx
from server.db.statement import Query
from server.db.words import number, word
from server.features.catalog.errors import CategoryNotFound, ProductNotFound
from server.features.catalog.summary_queries import ACTIVE, category, media, product, root_category, stock, variant
from server.features.catalog.tables import Categories, Products, VariantPrices, Variants
from server.features.catalog.values import CategoryNode, ProductDetail, ProductVariant, Shown
from server.features.inventory.tables import StockItems, available_units
from server.kernel.ids import CATEGORY, MEDIA, CategoryId, ProductId
from server.rpc.messages import to_money

_MAX_CATEGORIES: Final = 1000

# Parts that only pass through to the message become its fields at once: to make rows of them first takes 7 % longer.


def _price(currency: str, amount_minor: int, compare_at_amount_minor: int | None) -> Shown:
    compare_at = compare_at_amount_minor
    return {
        "amount": to_money(currency, amount_minor),
        "compare_at_amount": None if compare_at is None else to_money(currency, compare_at),
    }


def _picture(id: str, url: str, alt_text: str) -> Shown:
    return {"id": MEDIA.write_stored(id), "url": url, "alt_text": alt_text}


def _step(id: str, slug: str, name: str) -> Shown:
    return {"id": CATEGORY.write_stored(id), "slug": slug, "name": name}


_variant_price = VariantPrices.__table__.c
_PRICE = JsonRow(
    _price,
    currency=_variant_price.currency,
    amount_minor=_variant_price.amount_minor,
    compare_at_amount_minor=_variant_price.compare_at_amount_minor,
)
_prices = (
    select(func.json_agg(aggregate_order_by(_PRICE.array, _variant_price.currency)))
    .where(_variant_price.variant_id == variant.id)
    .correlate(Variants)
    .scalar_subquery()
)
_VARIANT = JsonRow(
    nested(ProductVariant, prices=_PRICE),
    id=variant.id,
    sku=func.coalesce(variant.sku, word("")),
    option_values=variant.option_values,
    weight_grams=variant.weight_grams,
    requires_shipping=variant.requires_shipping,
    barcode=variant.barcode,
    available=available_units(stock),
    backorder_limit=stock.backorder_limit,
    prices=_prices,
)
_variants = (
    select(func.json_agg(aggregate_order_by(_VARIANT.array, variant.position, variant.id)))
    .select_from(Variants.__table__.outerjoin(StockItems, stock.variant_id == variant.id))
    .where(variant.product_id == product.id, variant.active)
    .correlate(Products)
    .scalar_subquery()
)
_PICTURE = JsonRow(_picture, id=media.id, url=media.url, alt_text=media.alt_text)
_media = (
    select(func.json_agg(aggregate_order_by(_PICTURE.array, media.position)))
    .where(media.product_id == product.id)
    .correlate(Products)
    .scalar_subquery()
)
_STEP = JsonRow(_step, id=category.id, slug=category.slug, name=category.name)


def _category_path() -> ColumnElement[Any]:
    own = Categories.__table__.alias("own").c
    slugs = select(func.string_to_array(own.path, word("/"), type_=ARRAY(Text))).where(own.id == product.category_id)
    return (
        select(func.json_agg(aggregate_order_by(_STEP.array, func.length(category.path))))
        .where(category.slug == any_(cast(slugs.correlate(Products).scalar_subquery(), ARRAY(Text))))
        .correlate(Products)
        .scalar_subquery()
    )


def _detail(name: ColumnElement[bool]) -> Query[ProductDetail]:
    columns = columns_of(ProductDetail, Products, category_path=_category_path(), variants=_variants, media=_media)
    return Query(
        select(*columns).where(name, product.status == ACTIVE),
        nested(ProductDetail, category_path=_STEP, variants=_VARIANT, media=_PICTURE),
    )


_BY_ID = _detail(product.id == bindparam("name", type_=Uuid()))
_BY_SLUG = _detail(product.slug == bindparam("name", type_=Text()))


def _tree(root: FromClause | None) -> Query[CategoryNode | None]:
    slashes = func.length(category.path) - func.length(func.replace(category.path, word("/"), word("")))
    depth = (slashes - number(1)).label("depth")
    rows = select(*columns_of(CategoryNode, Categories, depth=depth))
    if root is not None:
        below = and_(func.starts_with(category.path, root.c.path), category.path != root.c.path)
        # The category itself is a row, with nothing beside it when it has no descendants; an unknown one is none.
        rows = rows.select_from(root.outerjoin(Categories, below))
    rows = rows.order_by(depth, category.position, category.name, category.id).limit(number(_MAX_CATEGORIES))
    return Query(rows, nullable(CategoryNode))


_TREE = _tree(None)
_TREE_BELOW_ID = _tree(root_category(by_id=True))
_TREE_BELOW_SLUG = _tree(root_category(by_id=False))


async def get_product(tx: ReadTx, name: ProductId | str) -> ProductDetail:
    """Return a product that is shown, by its id or slug. Raises ProductNotFound."""
    found = await (_BY_SLUG if isinstance(name, str) else _BY_ID).first(tx, name=name)
    if found is None:
        raise ProductNotFound(name)
    return found


async def list_categories(tx: ReadTx, below: CategoryId | str | None) -> list[CategoryNode]:
    """Return the tree, or what is below a category, parents before children. Raises CategoryNotFound."""
    if below is None:
        return [node for node in await _TREE.all(tx) if node is not None]
    nodes = await (_TREE_BELOW_SLUG if isinstance(below, str) else _TREE_BELOW_ID).all(tx, category=below)
    if not nodes:
        raise CategoryNotFound(below)
    return [node for node in nodes if node is not None]
