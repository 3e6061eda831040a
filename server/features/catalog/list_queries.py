"""SQL that lists products: one statement for each combination of order and filters, compiled when first used.

Each reads a page through an index in the order of the list and stops when the page is full; only then it looks up
prices, pictures and stock. A filter that nothing supports costs as many rows as it skips.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

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
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from server.db.statement import Query
from server.features.catalog.queries import (
    ACTIVE,
    TRUE,
    currency_parameter,
    in_category,
    product,
    product_price,
    root_category,
    sold_now,
    summarize,
)
from server.features.catalog.tables import Categories, ProductPrices, Products
from server.features.catalog.values import ProductListing
from server.kernel.ids import ProductId
from server.kernel.pages import MAX_PAGE_SIZE

_TEXTS: TypeEngine[Any] = ARRAY(Text())
# The most that a page asks for: one more than it shows.
_BOUND = literal_column(str(MAX_PAGE_SIZE + 1), Integer)


class Order(StrEnum):
    """The order of a list."""

    NEWEST = "NEWEST"
    PRICE_ASC = "PRICE_ASC"
    PRICE_DESC = "PRICE_DESC"
    TITLE = "TITLE"

    @property
    def by_price(self) -> bool:
        """Whether products without a price in the currency are left out."""
        return self in (Order.PRICE_ASC, Order.PRICE_DESC)

    @property
    def descending(self) -> bool:
        """Whether the sort key falls."""
        return self in (Order.NEWEST, Order.PRICE_DESC)

    @property
    def key_type(self) -> type[datetime | int | str]:
        """The type of the sort key."""
        if self is Order.NEWEST:
            return datetime
        return str if self is Order.TITLE else int


@dataclass(frozen=True, slots=True)
class Shape:
    """What tells one statement from another: the order, and which filters there are."""

    order: Order = Order.NEWEST
    after: bool = False
    # 'id', 'slug' or empty.
    category: str = ""
    min_price: bool = False
    max_price: bool = False
    in_stock: bool = False
    tags: bool = False
    vendor: bool = False

    @property
    def priced(self) -> bool:
        """Whether the price takes part in choosing the products."""
        return self.order.by_price or self.min_price or self.max_price


@cache
def list_statement(shape: Shape) -> Query[ProductListing | None]:
    """Return the statement of a shape.

    Its parameters: `currency`, `limit`; `after_key` and `after_id`; and one named like each filter. With a category it
    returns no row for an unknown one, and one row of nothing for an empty one.
    """
    if not shape.category:
        page = _page(shape, None).subquery("page")
        return Query(summarize(page, _order(shape, page.c.sort_key, page.c.id)), ProductListing)
    root = root_category(by_id=shape.category == "id")
    lateral = _page(shape, root).lateral("page")
    rows = summarize(lateral, _order(shape, lateral.c.sort_key, lateral.c.id))
    return Query(with_root(rows, root, lateral), listing)


def listing(id: ProductId | None, *values: Any) -> ProductListing | None:
    """Make a row; None of the row that stands for a category without products."""
    return None if id is None else ProductListing(id, *values)


def with_root(rows: Select[Any], root: FromClause, page: FromClause) -> Select[Any]:
    """Keep the category's row when the page is empty, so that the answer tells it from an unknown category."""
    return rows.select_from(root.outerjoin(page, TRUE))


def _page(shape: Shape, root: FromClause | None) -> Select[Any]:
    if root is not None and shape.order is Order.NEWEST:
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


def _products(shape: Shape) -> Select[Any]:
    key = _key(shape.order)
    rows = select(product.id, product.slug, product.title, product.vendor, key.label("sort_key")).select_from(Products)
    if shape.priced:
        priced = and_(product_price.product_id == product.id, product_price.currency == currency_parameter())
        rows = rows.join(ProductPrices, priced)
    return rows.where(product.status == ACTIVE, *_filters(shape)).order_by(*_order(shape, key, _id(shape)))


def _newest_of_each_category(shape: Shape, root: FromClause) -> Select[Any]:
    """Merge the newest of each category below: reading a page of each is bounded, whatever their sizes."""
    below = Categories.__table__.alias("below")
    newest = _products(shape).where(product.category_id == below.c.id).limit(_BOUND).lateral("newest")
    return (
        select(newest)
        .select_from(below.join(newest, TRUE))
        .where(func.starts_with(below.c.path, root.c.path))
        .order_by(*_order(shape, newest.c.sort_key, newest.c.id))
    )


def _key(order: Order) -> ColumnElement[Any]:
    if order is Order.NEWEST:
        return product.created_time
    return product.title if order is Order.TITLE else product_price.min_amount_minor


def _id(shape: Shape) -> ColumnElement[Any]:
    # The same value; the index that gives the order holds this one.
    return product_price.product_id if shape.order.by_price else product.id


def _order(shape: Shape, key: ColumnElement[Any], id: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    return (key.desc(), id.desc()) if shape.order.descending else (key, id)


def _filters(shape: Shape) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if shape.after:
        filters.append(_after(shape))
    if shape.min_price:
        filters.append(product_price.max_amount_minor >= bindparam("min_price", type_=BigInteger()))
    if shape.max_price:
        filters.append(product_price.min_amount_minor <= bindparam("max_price", type_=BigInteger()))
    if shape.tags:
        filters.append(product.tags.contains(bindparam("tags", type_=_TEXTS)))
    if shape.vendor:
        filters.append(product.vendor == bindparam("vendor", type_=Text()))
    if shape.in_stock:
        filters.append(sold_now(product.id))
    return filters


def _after(shape: Shape) -> ColumnElement[bool]:
    key_types: dict[type, TypeEngine[Any]] = {datetime: DateTime(timezone=True), int: BigInteger(), str: Text()}
    here = tuple_(_key(shape.order), _id(shape))
    last = tuple_(bindparam("after_key", type_=key_types[shape.order.key_type]), bindparam("after_id", type_=Uuid()))
    return here < last if shape.order.descending else here > last
