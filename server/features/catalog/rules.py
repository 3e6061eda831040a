"""Lists and searches: the words that are searched for, the tokens that lead on, and the page that answers."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from server.features.catalog.values import ListPlace, ProductListing, ProductPage
from server.kernel.pages import decode_page_token, encode_page_token, not_a_token

_WORD: Final = re.compile(r"[^\W_]+")
_MAX_WORDS: Final = 10
_READERS: Final[Mapping[type, Callable[[str], datetime | int | str]]] = {
    datetime: datetime.fromisoformat,
    int: int,
    str: str,
}
# What the token of a search begins with: what was found is as typed, or only similar.
_EXACT: Final = "exact"
_SIMILAR: Final = "similar"


def search_words(text: str) -> tuple[str, ...]:
    """Return the words of a text, in lower case; they are nothing but letters and digits."""
    return tuple(_WORD.findall(text.lower())[:_MAX_WORDS])


def read_place(token: str, digest: str, key_type: type[datetime | int | str]) -> ListPlace | None:
    """Return where a page of a list begins; None for the first one. Raises InvalidArgument."""
    return _place(decode_page_token(token, digest), key_type) if token else None


def read_search_place(token: str, digest: str) -> tuple[bool, ListPlace | None]:
    """Return where a page of a search begins, and whether it shows what is only similar. Raises InvalidArgument."""
    if not token:
        return False, None
    kind, *key = decode_page_token(token, digest)
    return kind == _SIMILAR, _place(key, int)


def make_page(rows: Sequence[ProductListing], *, count: int, currency: str, digest: str) -> ProductPage:
    """Make a page of a list of its rows, and of one more where there is a next page."""
    return ProductPage(tuple(rows[:count]), currency, _next_token(rows, count, digest))


def make_search_page(
    rows: Sequence[ProductListing], *, count: int, currency: str, digest: str, similar: bool
) -> ProductPage:
    """Make a page of a search, as `make_page` does."""
    token = _next_token(rows, count, digest, _SIMILAR if similar else _EXACT)
    return ProductPage(tuple(rows[:count]), currency, token, corrected=similar and bool(rows))


def _place(key: Sequence[str | int], key_type: type[datetime | int | str]) -> ListPlace:
    try:
        value, id = key
        last = _READERS[key_type](str(value))
        if isinstance(last, int) and not -(2**63) <= last < 2**63:
            raise not_a_token()
        return ListPlace(last, UUID(str(id)))
    except (TypeError, ValueError):
        raise not_a_token() from None


def _next_token(rows: Sequence[ProductListing], count: int, digest: str, *prefix: str) -> str:
    if len(rows) <= count:
        return ""
    last = rows[count - 1]
    key = last.sort_key
    return encode_page_token([*prefix, key.isoformat() if isinstance(key, datetime) else key, str(last.id)], digest)
