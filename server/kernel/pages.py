"""Keyset pages: opaque tokens that carry the sort key of the last row and what the list was filtered by."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from uuid import UUID

from server.kernel.errors import InvalidArgument, invalid_field

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
# Nothing that a list sorts by comes near it.
_MAX_TOKEN_LENGTH = 4096


def page_size(requested: int) -> int:
    """Return the number of rows to give: 0 means the default, more than the maximum means the maximum."""
    if requested < 0:
        raise invalid_field("page_size", "must not be negative")
    return min(requested or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def filter_hash(*parts: object) -> str:
    """Digest what a list is filtered and ordered by; the same parts give the same digest in every process."""
    # The length before each part keeps ("a", "bc") and ("ab", "c") apart.
    texts = [str(part) for part in parts]
    joined = "".join(f"{len(text)}:{text}" for text in texts)
    return hashlib.blake2b(joined.encode(), digest_size=8).hexdigest()


def encode_page_token(sort_key: Sequence[str | int], filter_hash: str) -> str:
    """Make the token of the page after the row with this sort key."""
    text = json.dumps([filter_hash, *sort_key], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode_page_token(token: str, filter_hash: str) -> list[str | int]:
    """Return the sort key in a token. Raises InvalidArgument for a foreign one or one of another filter."""
    if len(token) > _MAX_TOKEN_LENGTH:
        raise not_a_token()
    try:
        padded = token + "=" * (-len(token) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise not_a_token() from None
    if not isinstance(values, list) or len(values) < 2 or not all(map(_fits_a_column, values)):
        raise not_a_token()
    if values[0] != filter_hash:
        raise invalid_field("page_token", "belongs to a list with another filter or order; start again without it")
    return values[1:]


def decode_page_id(token: str, filter_hash: str) -> UUID:
    """Return the id in the token of a list that is sorted by ids alone. Raises InvalidArgument."""
    try:
        (id,) = decode_page_token(token, filter_hash)
        return UUID(str(id))
    except ValueError:
        raise not_a_token() from None


def _fits_a_column(value: object) -> bool:
    """Whether PostgreSQL could have had the value: else somebody edited the token."""
    if type(value) is int:
        return -(2**63) <= value < 2**63
    if type(value) is not str or "\0" in value:
        return False
    # JSON can write half a character, which has no bytes.
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def not_a_token() -> InvalidArgument:
    """Make the refusal of a token that the list never gave."""
    return invalid_field("page_token", "is not a next_page_token that this list returned")
