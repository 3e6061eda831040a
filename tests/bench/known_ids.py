"""Ids of made-up users and carts: computed from a number, so that Python and a pgbench script agree without a look-up.

A batch is all that is made at once; the next one gets other ids.
"""

from enum import IntEnum
from uuid import UUID


class Kind(IntEnum):
    """What an id names."""

    USER = 1
    SESSION = 2
    CART = 3
    ORDER = 4


def made_id(kind: Kind, batch: int, number: int) -> UUID:
    """Return the id of the thing with this number."""
    return UUID(f"{_prefix(kind, batch)}{number:012x}")


def id_sql(kind: Kind, batch: int, number: str) -> str:
    """Return the SQL expression, of type text, of the same id; `number` is SQL too."""
    return f"'{_prefix(kind, batch)}' || lpad(to_hex(({number})::bigint), 12, '0')"


def _prefix(kind: Kind, batch: int) -> str:
    # Looks like a UUIDv7 of some day in 2024.
    return f"018d{kind:04x}-{batch:04x}-7000-8000-"
