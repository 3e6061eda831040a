"""Constants in statements: written into them, and not bound.

PostgreSQL plans a prepared statement once for all values. A word that is bound keeps it from a partial index, and a
limit from knowing that only few rows are wanted.
"""

import re
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, Integer, Text, literal_column
from sqlalchemy.types import TypeEngine

_WORD: Final = re.compile(r"[\w. $*\[\]{},/%-]*")

TRUE: Final[ColumnElement[bool]] = literal_column("true", Boolean)
FALSE: Final[ColumnElement[bool]] = literal_column("false", Boolean)


def word(text: str) -> ColumnElement[str]:
    """Write a word of the program's own, such as a state. Raises ValueError for what needs quoting."""
    if not _WORD.fullmatch(text):
        raise ValueError(f"{text!r} is no word")
    return literal_column(f"'{text}'", Text)


def number(value: int, kind: type[TypeEngine[Any]] = Integer) -> ColumnElement[Any]:
    """Write a whole number."""
    return literal_column(str(int(value)), kind)


def words(*texts: str) -> list[ColumnElement[str]]:
    """Write words, for `column.in_(...)`."""
    return [word(text) for text in texts]
