"""Frozen values as JSON and back: what is kept of an event, and what a job is told.

The form is that of the contract: ids as the outside sees them, amounts as
`{"currency_code": ..., "amount_minor": ...}`, times in ISO 8601, states by their names. Numbers stay numbers.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from server.kernel import ids
from server.kernel.errors import AppError
from server.kernel.money import Money

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"
T = TypeVar("T")

_PLAIN: Final = (str, int, bool, float)
_ID_KINDS: Final[Mapping[Any, ids.IdKind[Any]]] = {
    kind.type: kind for kind in vars(ids).values() if isinstance(kind, ids.IdKind)
}


class PayloadUnreadable(Exception):
    """What was kept does not fit its class: another version of the program wrote it."""


def to_json(value: object) -> dict[str, JsonValue]:
    """Write a frozen dataclass: its fields by name."""
    return {name: write(getattr(value, name)) for name, write, _ in _codec(cast(type, type(value)))}


def from_json(kind: type[T], data: Mapping[str, Any]) -> T:
    """Read a frozen dataclass. Fields that it does not have are left. Raises PayloadUnreadable."""
    try:
        return kind(**{name: read(data[name]) for name, _, read in _codec(cast(type, kind)) if name in data})
    # The last one: an id in another form.
    except (TypeError, ValueError, KeyError, AttributeError, AppError) as error:
        raise PayloadUnreadable(f"{kind.__name__}: {error!r}") from error


Write: TypeAlias = Callable[[Any], JsonValue]
Read: TypeAlias = Callable[[Any], Any]


@cache
def _codec(kind: type) -> tuple[tuple[str, Write, Read], ...]:
    if not is_dataclass(kind):
        raise TypeError(f"{kind} is no dataclass")
    hints = get_type_hints(kind)
    return tuple([(field.name, *_pair(hints[field.name])) for field in fields(kind)])


def _pair(hint: Any) -> tuple[Write, Read]:
    """Return what writes and what reads the values of an annotation. Raises TypeError for one that has no form."""
    if hint in _PLAIN:
        return _as_is, _as_is
    if hint in _ID_KINDS:
        kind = _ID_KINDS[hint]
        return kind.write, lambda text: kind.read(text, "id")
    if hint is UUID:
        return str, UUID
    if hint is Money:
        return _write_money, _read_money
    if hint is datetime:
        return datetime.isoformat, datetime.fromisoformat
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _value_of, hint
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple and len(inner) == 2 and inner[1] is Ellipsis:
        write, read = _pair(inner[0])
        return lambda values: [write(value) for value in values], lambda values: tuple(map(read, values))
    if origin in (Union, types.UnionType) and len(inner) == 2 and type(None) in inner:
        write, read = _pair(inner[0] if inner[1] is type(None) else inner[1])
        return _unless_none(write), _unless_none(read)
    raise TypeError(f"{hint} has no form in JSON")


def _as_is(value: Any) -> Any:
    return value


def _value_of(state: StrEnum) -> str:
    return str(state.value)


def _unless_none(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else change(value)


def _write_money(money: Money) -> JsonValue:
    return {"currency_code": money.currency, "amount_minor": money.amount_minor}


def _read_money(data: Mapping[str, Any]) -> Money:
    return Money(data["currency_code"], data["amount_minor"])
