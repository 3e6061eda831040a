"""SQL that lists products: one statement for each combination of order and filters, compiled when first used.

Each reads a page through an index in the order of the list and stops when the page is full; only then it looks up
prices, pictures and stock. A filter that nothing supports costs as many rows as it skips.
"""

from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from server.db.session import ReadTx
from server.db.statement import Query
from server.db.words import TRUE, number
from server.features.catalog.summary_queries import (
    ACTIVE,
    currency_parameter,
    in_category,
    in_known_category,
    page_values,
    product,
    product_price,
    root_category,
    sold_now,
    summarize,
)
from server.features.catalog.tables import Categories, ProductPrices, Products
from server.features.catalog.values import ListPlace, ListShape, ProductFilter, ProductListing, ProductOrder
from server.kernel.pages import MAX_PAGE_SIZE

# The most that a page asks for: one more than it shows.
_BOUND: Final = number(MAX_PAGE_SIZE + 1)


async def list_products(
    tx: ReadTx, wanted: ProductFilter, *, count: int, after: ListPlace | None = None
) -> list[ProductListing]:
    """Return products that are shown, from the beginning of a list or after a place in it. Raises CategoryNotFound."""
    given = page_values(wanted, count=count, after=after)
    if wanted.min_price_minor is not None:
        given["min_price"] = wanted.min_price_minor
    if wanted.max_price_minor is not None:
        given["max_price"] = wanted.max_price_minor
    if wanted.tags:
        given["tags"] = list(wanted.tags)
    if wanted.vendor:
        given["vendor"] = wanted.vendor
    rows = await _statement(ListShape.of(wanted, after=after is not None)).all(tx, **given)
    return in_known_category(rows, wanted.category)


@cache
def _statement(shape: ListShape) -> Query[ProductListing | None]:
    """Return the statement of a shape.

    Its parameters: `currency`, `limit`; `after_key` and `after_id`; and one named like each filter.
    """
    if not shape.category:
        page = _page(shape, None).subquery("page")
        return summarize(page, _order(shape, page.c.sort_key, page.c.id))
    root = root_category(by_id=shape.category == "id")
    lateral = _page(shape, root).lateral("page")
    return summarize(lateral, _order(shape, lateral.c.sort_key, lateral.c.id), root)


def _page(shape: ListShape, root: FromClause | None) -> Select[Any]:
    if root is not None and shape.order is ProductOrder.NEWEST:
        inner = _newest_of_each_category(shape, root)
    else:
        inner = _products(shape)
        if root is not None:
            inner = inner.where(in_category(root))
    bounded = inner.limit(_BOUND).subquery("bounded")
    # The literal bound tells the planner that a page is short; the parameter, of which it knows nothing, cuts it.
    return (
        select(bounded)
        .order_by(*_order(shape, bounded.c.sort_key, bounded.c.id))
        .limit(bindparam("limit", type_=Integer()))
    )


def _products(shape: ListShape) -> Select[Any]:
    key = _key(shape.order)
    rows = select(product.id, product.slug, product.title, product.vendor, key.label("sort_key")).select_from(Products)
    if shape.priced:
        priced = and_(product_price.product_id == product.id, product_price.currency == currency_parameter())
        rows = rows.join(ProductPrices, priced)
    return rows.where(product.status == ACTIVE, *_filters(shape)).order_by(*_order(shape, key, _id(shape)))


def _newest_of_each_category(shape: ListShape, root: FromClause) -> Select[Any]:
    """Merge the newest of each category below: reading a page of each is bounded, whatever their sizes."""
    below = Categories.__table__.alias("below")
    newest = _products(shape).where(product.category_id == below.c.id).limit(_BOUND).lateral("newest")
    return (
        select(newest)
        .select_from(below.join(newest, TRUE))
        .where(func.starts_with(below.c.path, root.c.path))
        .order_by(*_order(shape, newest.c.sort_key, newest.c.id))
    )


def _key(order: ProductOrder) -> ColumnElement[Any]:
    if order is ProductOrder.NEWEST:
        return product.created_time
    return product.title if order is ProductOrder.TITLE else product_price.min_amount_minor


def _id(shape: ListShape) -> ColumnElement[Any]:
    # The same value; the index that gives the order holds this one.
    return product_price.product_id if shape.order.by_price else product.id


def _order(shape: ListShape, key: ColumnElement[Any], id: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    return (key.desc(), id.desc()) if shape.order.descending else (key, id)


def _filters(shape: ListShape) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if shape.after:
        filters.append(_after(shape))
    if shape.min_price:
        filters.append(product_price.max_amount_minor >= bindparam("min_price", type_=BigInteger()))
    if shape.max_price:
        filters.append(product_price.min_amount_minor <= bindparam("max_price", type_=BigInteger()))
    if shape.tags:
        filters.append(product.tags.contains(bindparam("tags", type_=ARRAY(Text()))))
    if shape.vendor:
        filters.append(product.vendor == bindparam("vendor", type_=Text()))
    if shape.in_stock:
        filters.append(sold_now(product.id))
    return filters


def _after(shape: ListShape) -> ColumnElement[bool]:
    key_types: dict[type, TypeEngine[Any]] = {datetime: DateTime(timezone=True), int: BigInteger(), str: Text()}
    here = tuple_(_key(shape.order), _id(shape))
    last = tuple_(bindparam("after_key", type_=key_types[shape.order.key_type]), bindparam("after_id", type_=Uuid()))
    return here < last if shape.order.descending else here > last
