"""SQL that reads one product, the tree of categories, and the pieces that lists and searches share."""

from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, CHAR, aggregate_order_by

from server.db.session import ReadTx
from server.db.statement import Query
from server.features.catalog.errors import CategoryNotFound, ProductNotFound
from server.features.catalog.tables import Categories, ProductMedia, ProductPrices, Products, VariantPrices, Variants
from server.features.catalog.values import CategoryNode, ProductDetail
from server.features.inventory.tables import StockItems
from server.kernel.ids import CategoryId, ProductId

category = Categories.__table__.c
product = Products.__table__.c
media = ProductMedia.__table__.c
variant = Variants.__table__.c
product_price = ProductPrices.__table__.c
_variant_price = VariantPrices.__table__.c
_stock = StockItems.__table__.c

# Words and limits are written into statements and not bound: a bound one keeps a generic plan from using partial
# indexes, and from knowing that only few rows are wanted.
ACTIVE = literal_column("'ACTIVE'", Text)
TRUE = literal_column("true", Boolean)
ZERO = literal_column("0", Integer)
MAX_CATEGORIES = 1000

_available = _stock.on_hand - _stock.reserved - _stock.safety
# What is not counted never runs out.
_can_be_bought = or_(_stock.id.is_(None), _available + _stock.backorder_limit > ZERO)


def sold_now(product_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether any variant of a product can be bought now."""
    counted = Variants.__table__.outerjoin(StockItems, _stock.variant_id == variant.id)
    return exists(
        select(literal_column("1"))
        .select_from(counted)
        .where(variant.product_id == product_id, variant.active, _can_be_bought)
        .correlate_except(Variants, StockItems)
    )


def summarize(page: FromClause, order: tuple[ColumnElement[Any], ...]) -> Select[Any]:
    """Add price, picture and stock to the few products of a page (id, slug, title, vendor, sort_key)."""
    picture = (
        select(media.id, media.url, media.alt_text)
        .where(media.product_id == page.c.id)
        .order_by(media.position)
        .limit(literal_column("1", Integer))
        .lateral("picture")
    )
    priced = and_(product_price.product_id == page.c.id, product_price.currency == currency_parameter())
    return (
        select(
            page.c.id,
            page.c.slug,
            page.c.title,
            page.c.vendor,
            picture.c.id,
            picture.c.url,
            picture.c.alt_text,
            product_price.min_amount_minor,
            product_price.max_amount_minor,
            product_price.compare_at_amount_minor,
            sold_now(page.c.id),
            page.c.sort_key,
        )
        .select_from(page)
        .outerjoin(ProductPrices, priced)
        .outerjoin(picture, TRUE)
        .order_by(*order)
    )


def currency_parameter() -> ColumnElement[str]:
    """Make the parameter of the currency in which prices are asked for."""
    return cast(bindparam("currency", type_=CHAR(3)), CHAR(3))


def root_category(*, by_id: bool) -> FromClause:
    """Make the one-row table of the category that a list is limited to."""
    name = category.id == bindparam("category", type_=Uuid()) if by_id else category.slug == bindparam("category")
    return select(category.path).where(name).cte("root")


def in_category(root: FromClause) -> ColumnElement[bool]:
    """Whether a product lies in the category or below it."""
    below = Categories.__table__.alias("below").c
    # Not LIKE: a slug may contain its wildcards.
    ids = select(below.id).where(func.starts_with(below.path, root.c.path)).scalar_subquery()
    return product.category_id == any_(func.array(ids, type_=ARRAY(Uuid())))


def _category_path() -> ColumnElement[Any]:
    own = Categories.__table__.alias("own").c
    node = func.json_build_array(category.id, category.slug, category.name)
    slugs = select(func.string_to_array(own.path, literal_column("'/'"), type_=ARRAY(Text))).where(
        own.id == product.category_id
    )
    return (
        select(func.json_agg(aggregate_order_by(node, func.length(category.path))))
        .where(category.slug == any_(cast(slugs.correlate(Products).scalar_subquery(), ARRAY(Text))))
        .correlate(Products)
        .scalar_subquery()
    )


def _variants() -> ColumnElement[Any]:
    price = func.json_build_array(
        _variant_price.currency, _variant_price.amount_minor, _variant_price.compare_at_amount_minor
    )
    prices = (
        select(func.json_agg(aggregate_order_by(price, _variant_price.currency)))
        .where(_variant_price.variant_id == variant.id)
        .correlate(Variants)
        .scalar_subquery()
    )
    row = func.json_build_array(
        variant.id,
        func.coalesce(variant.sku, literal_column("''")),
        variant.option_values,
        variant.weight_grams,
        variant.requires_shipping,
        variant.barcode,
        _available,
        _stock.backorder_limit,
        prices,
    )
    return (
        select(func.json_agg(aggregate_order_by(row, variant.position, variant.id)))
        .select_from(Variants.__table__.outerjoin(StockItems, _stock.variant_id == variant.id))
        .where(variant.product_id == product.id, variant.active)
        .correlate(Products)
        .scalar_subquery()
    )


def _media() -> ColumnElement[Any]:
    row = func.json_build_array(media.id, media.url, media.alt_text)
    return (
        select(func.json_agg(aggregate_order_by(row, media.position)))
        .where(media.product_id == product.id)
        .correlate(Products)
        .scalar_subquery()
    )


def _detail(name: ColumnElement[bool]) -> Query[ProductDetail]:
    columns = (
        product.id,
        product.slug,
        product.title,
        product.description_html,
        product.vendor,
        product.product_type,
        product.tags,
        product.options,
        product.seo_title,
        product.seo_description,
        product.version,
        product.created_time,
        product.updated_time,
        _category_path(),
        _variants(),
        _media(),
    )
    return Query(select(*columns).where(name, product.status == ACTIVE), ProductDetail)


_BY_ID = _detail(product.id == bindparam("name", type_=Uuid()))
_BY_SLUG = _detail(product.slug == bindparam("name", type_=Text()))


def _node(id: CategoryId | None, *values: Any) -> CategoryNode | None:
    return None if id is None else CategoryNode(id, *values)


def _tree(root: FromClause | None) -> Query[CategoryNode | None]:
    depth = func.length(category.path) - func.length(
        func.replace(category.path, literal_column("'/'"), literal_column("''"))
    )
    columns = (
        category.id,
        category.slug,
        category.name,
        category.parent_id,
        (depth - literal_column("1")).label("depth"),
    )
    rows = select(*columns)
    if root is not None:
        below = and_(func.starts_with(category.path, root.c.path), category.path != root.c.path)
        # The category itself is a row, with nothing beside it when it has no descendants; an unknown one is none.
        rows = rows.select_from(root.outerjoin(Categories, below))
    order = (literal_column("depth", Integer), category.position, category.name, category.id)
    return Query(rows.order_by(*order).limit(literal_column(str(MAX_CATEGORIES), Integer)), _node)


_TREE = _tree(None)
_TREE_BELOW_ID = _tree(root_category(by_id=True))
_TREE_BELOW_SLUG = _tree(root_category(by_id=False))


async def get_product(tx: ReadTx, name: ProductId | str) -> ProductDetail:
    """Return a product that is shown, by its id or slug. Raises ProductNotFound."""
    found = await (_BY_SLUG if isinstance(name, str) else _BY_ID).first(tx, name=name)
    if found is None:
        raise ProductNotFound(str(name))
    return found


async def list_categories(tx: ReadTx, below: CategoryId | str | None) -> list[CategoryNode]:
    """Return the tree, or what is below a category, parents before children. Raises CategoryNotFound."""
    if below is None:
        return [node for node in await _TREE.all(tx) if node is not None]
    nodes = await (_TREE_BELOW_SLUG if isinstance(below, str) else _TREE_BELOW_ID).all(tx, category=below)
    if not nodes:
        raise CategoryNotFound(str(below))
    return [node for node in nodes if node is not None]
