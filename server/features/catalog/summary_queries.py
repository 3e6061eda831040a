"""The SQL that lists and searches share: which products they may show, and what they show of each."""

from typing import Any, Final, cast

from sqlalchemy import ColumnElement, FromClause, Uuid, and_, any_, bindparam, exists, func, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, CHAR

from server.db.rows import nullable
from server.db.statement import Query
from server.db.words import TRUE, number, word
from server.features.catalog.errors import CategoryNotFound
from server.features.catalog.tables import Categories, ProductMedia, ProductPrices, Products, Variants
from server.features.catalog.values import ListPlace, ProductFilter, ProductListing, ProductStatus, SearchFilter
from server.features.inventory.tables import StockItems, obtainable_units, suffices
from server.kernel.ids import CategoryId

category = Categories.__table__.c
media = ProductMedia.__table__.c
product = Products.__table__.c
product_price = ProductPrices.__table__.c
stock = StockItems.__table__.c
variant = Variants.__table__.c

ACTIVE: Final = word(ProductStatus.ACTIVE)


def sold_now(product_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether any variant of a product can be bought now."""
    counted = Variants.__table__.outerjoin(StockItems, stock.variant_id == variant.id)
    return exists(
        select(number(1))
        .select_from(counted)
        .where(variant.product_id == product_id, variant.active, suffices(obtainable_units(stock), number(1)))
        .correlate_except(Variants, StockItems)
    )


def summarize(
    page: FromClause, order: tuple[ColumnElement[Any], ...], root: FromClause | None = None
) -> Query[ProductListing | None]:
    """Add price, picture and stock to the few products of a page (id, slug, title, vendor, sort_key).

    With the category to which the page is limited, there is no row when it is unknown, and a row of nothing when it
    is empty: see `in_known_category`.
    """
    picture = (
        select(media.id, media.url, media.alt_text)
        .where(media.product_id == page.c.id)
        .order_by(media.position)
        .limit(number(1))
        .lateral("picture")
    )
    priced = and_(product_price.product_id == page.c.id, product_price.currency == currency_parameter())
    rows = (
        select(
            page.c.id,
            page.c.slug,
            page.c.title,
            page.c.vendor,
            picture.c.id.label("picture_id"),
            picture.c.url.label("picture_url"),
            picture.c.alt_text.label("picture_alt_text"),
            product_price.min_amount_minor,
            product_price.max_amount_minor,
            product_price.compare_at_amount_minor,
            sold_now(page.c.id).label("in_stock"),
            page.c.sort_key,
        )
        .select_from(page)
        .outerjoin(ProductPrices, priced)
        .outerjoin(picture, TRUE)
        .order_by(*order)
    )
    if root is None:
        return Query(rows, ProductListing)
    return Query(rows.select_from(root.outerjoin(page, TRUE)), nullable(ProductListing))


def in_known_category(rows: list[ProductListing | None], wanted: CategoryId | str | None) -> list[ProductListing]:
    """Return the rows of `summarize`. Raises CategoryNotFound for a category that there is not."""
    if wanted is None:
        return cast("list[ProductListing]", rows)
    if not rows:
        raise CategoryNotFound(wanted)
    return [row for row in rows if row is not None]


def page_values(wanted: ProductFilter | SearchFilter, *, count: int, after: ListPlace | None) -> dict[str, Any]:
    """Return the values that every page takes: `currency`, `limit`, `after_key` and `after_id`, and `category`."""
    values: dict[str, Any] = {"currency": wanted.currency, "limit": count}
    if after is not None:
        values |= {"after_key": after.key, "after_id": after.id}
    if wanted.category is not None:
        values["category"] = wanted.category
    return values


def currency_parameter() -> ColumnElement[str]:
    """Make the parameter of the currency in which prices are asked for."""
    return sql_cast(bindparam("currency", type_=CHAR(3)), CHAR(3))


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
