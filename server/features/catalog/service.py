"""Browsing and searching: from what a caller asks to one statement and a page."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server.db.session import Database
from server.db.statement import together
from server.features.catalog.errors import CategoryNotFound
from server.features.catalog.list_queries import Order, Shape, list_statement
from server.features.catalog.search_queries import ACCEPT_SIMILAR, SearchShape, search_statement
from server.features.catalog.values import ProductListing, ProductPage
from server.kernel.ids import CategoryId
from server.kernel.pages import decode_page_token, encode_page_token, filter_hash, not_a_token

_WORD = re.compile(r"[^\W_]+")
_MAX_WORDS = 10
# A single letter begins too many words for it to be looked up as the beginning of one.
_SHORTEST_BEGINNING = 2
_READERS: dict[type, Callable[[str], datetime | int | str]] = {datetime: datetime.fromisoformat, int: int, str: str}


@dataclass(frozen=True, slots=True)
class ListFilter:
    """Which products a list shows, in which order. A category is given by its id or its slug."""

    currency: str
    order: Order = Order.NEWEST
    category: CategoryId | str | None = None
    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool = False
    tags: tuple[str, ...] = ()
    vendor: str = ""


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """What to search for, and among which products."""

    text: str
    currency: str
    category: CategoryId | str | None = None
    in_stock: bool = False


class BrowseService:
    """Lists of products."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list_products(self, wanted: ListFilter, *, count: int, page_token: str) -> ProductPage:
        """Return a page of the products that are shown. Raises CategoryNotFound, InvalidArgument."""
        digest = filter_hash("products", wanted)
        params: dict[str, Any] = {"currency": wanted.currency, "limit": count + 1}
        if page_token:
            params |= _after(decode_page_token(page_token, digest), wanted.order.key_type)
        shape = Shape(
            order=wanted.order,
            after=bool(page_token),
            category=_put_category(params, wanted.category),
            min_price=wanted.min_price is not None,
            max_price=wanted.max_price is not None,
            in_stock=wanted.in_stock,
            tags=bool(wanted.tags),
            vendor=bool(wanted.vendor),
        )
        if shape.min_price:
            params["min_price"] = wanted.min_price
        if shape.max_price:
            params["max_price"] = wanted.max_price
        if shape.tags:
            params["tags"] = list(wanted.tags)
        if shape.vendor:
            params["vendor"] = wanted.vendor
        async with self._db.read() as tx:
            rows = await list_statement(shape).all(tx, **params)
        return _page(_of_category(rows, wanted.category), count, digest, wanted.currency)

    async def search_products(self, wanted: SearchFilter, *, count: int, page_token: str) -> ProductPage:
        """Return a page of what was found, the best match first; when nothing is, of what is similar.

        Raises CategoryNotFound, InvalidArgument.
        """
        words = _WORD.findall(wanted.text.lower())[:_MAX_WORDS]
        digest = filter_hash("search", words, wanted.currency, wanted.category, wanted.in_stock)
        params: dict[str, Any] = {"currency": wanted.currency, "limit": count + 1}
        similar = False
        if page_token:
            kind, *key = decode_page_token(page_token, digest)
            similar = kind == "similar"
            params |= _after(key, int)
        category = _put_category(params, wanted.category)
        shape = SearchShape(similar=similar, after=bool(page_token), category=category, in_stock=wanted.in_stock)
        found: list[ProductListing] = []
        if words and not similar:
            # The last word may be the beginning of one: somebody is still typing.
            ending = ":*" if len(words[-1]) >= _SHORTEST_BEGINNING else ""
            asked = {"words": _tsquery(words), "ending": ending, "text": " ".join(words)}
            async with self._db.read() as tx:
                rows = await search_statement(shape).all(tx, **asked, **params)
            found = _of_category(rows, wanted.category)
        if similar or not (found or page_token):
            similar = True
            found = _of_category(await self._search_similar(shape, {**params, "each_word": words}), wanted.category)
        prefix = ("similar" if similar else "exact",)
        return _page(found, count, digest, wanted.currency, prefix, corrected=similar and bool(found))

    async def _search_similar(self, shape: SearchShape, params: dict[str, Any]) -> list[ProductListing | None]:
        statement = search_statement(
            SearchShape(similar=True, after=shape.after, category=shape.category, in_stock=shape.in_stock)
        )
        async with self._db.snapshot() as tx:
            _, found = await together(tx, ACCEPT_SIMILAR.bind(), statement.bind(**params))
        return list(found)


def _tsquery(words: list[str]) -> str:
    """Ask for all words. They are letters and digits: safe to quote."""
    return " & ".join(f"'{word}'" for word in words)


def _put_category(params: dict[str, Any], category: CategoryId | str | None) -> str:
    if category is None:
        return ""
    params["category"] = category
    return "slug" if isinstance(category, str) else "id"


def _of_category(rows: list[ProductListing | None], category: CategoryId | str | None) -> list[ProductListing]:
    """Tell an unknown category from an empty one: see `list_statement`."""
    if category is not None and not rows:
        raise CategoryNotFound(str(category))
    return [row for row in rows if row is not None]


def _after(key: list[str | int], key_type: type[datetime | int | str]) -> dict[str, Any]:
    try:
        value, id = key
        last = _READERS[key_type](str(value))
        if isinstance(last, int) and not -(2**63) <= last < 2**63:
            raise not_a_token()
        return {"after_key": last, "after_id": UUID(str(id))}
    except (TypeError, ValueError):
        raise not_a_token() from None


def _page(
    rows: list[ProductListing],
    count: int,
    digest: str,
    currency: str,
    prefix: tuple[str, ...] = (),
    *,
    corrected: bool = False,
) -> ProductPage:
    if len(rows) <= count:
        return ProductPage(tuple(rows), currency, "", corrected)
    rows = rows[:count]
    key = rows[-1].sort_key
    token_key = key.isoformat() if isinstance(key, datetime) else key
    token = encode_page_token([*prefix, token_key, str(rows[-1].id)], digest)
    return ProductPage(tuple(rows), currency, token, corrected)
