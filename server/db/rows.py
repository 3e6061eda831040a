"""Rows: what is made of the values of a statement. Names decide, and never positions.

What makes a row is a dataclass, a NamedTuple, or a function with named parameters. A column goes to the parameter of
its name; states become the StrEnum with which the parameter is annotated. That the names fit is checked when a
statement is made, at import.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from inspect import Parameter, signature
from typing import Any, Final, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from sqlalchemy import ColumnElement, func, label
from sqlalchemy.sql.elements import SQLCoreOperations

from server.db.base import Base

Row = TypeVar("Row")

_BY_NAME: Final = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def row_maker(make: Callable[..., Row], columns: Sequence[str]) -> Callable[..., Row]:
    """Return what makes a row of values in the order of `columns`. Raises TypeError when names do not fit."""
    parameters = signature(make).parameters
    missing = [name for name, one in parameters.items() if one.default is Parameter.empty and name not in columns]
    unknown = [name for name in columns if name not in parameters]
    odd = [name for name, one in parameters.items() if one.kind not in _BY_NAME]
    if missing or unknown or odd or len(set(columns)) != len(columns):
        raise TypeError(f"{make} takes {list(parameters)} and gets {list(columns)}: label the columns with its names")
    states = _states(make)
    in_order = list(columns) == list(parameters)[: len(columns)]
    plain = in_order and not states.keys() & set(columns) and _by_position(parameters, columns)
    if plain and not _is_named_tuple(make, len(columns)):
        return make
    call, known = _call(make, columns, states, {})
    return cast("Callable[..., Row]", _function(columns, call, known))


def nullable(make: Callable[..., Row]) -> Callable[..., Row | None]:
    """Return what makes a row, or None where its first column is NULL: an outer join found nothing."""
    names = list(signature(make).parameters)
    call, known = _call(make, names, _states(make), {})
    return cast("Callable[..., Row | None]", _function(names, f"None if {names[0]} is None else {call}", known))


def nested(make: Callable[..., Row], **rows: "JsonRow[Any] | Callable[[Any], Any]") -> Callable[..., Row]:
    """Return what makes a row some of whose columns are rows in JSON, any number of them: each becomes a list.

    A column of one row, or of none, is read by its `read_one`. Raises TypeError for a column that `make` does not have.
    """
    names = list(signature(make).parameters)
    if unknown := rows.keys() - set(names):
        raise TypeError(f"{make} takes {names}, and no {sorted(unknown)}")
    call, known = _call(make, names, _states(make), rows)
    return cast("Callable[..., Row]", _function(names, call, known))


def columns_of(row: type[Any], table: type[Base], **others: SQLCoreOperations[Any]) -> list[ColumnElement[Any]]:
    """Return the columns for a row type's fields, by their names: those of the table, and the others that are given.

    Raises TypeError for a field that is neither, and for another one that is no field.
    """
    names = list(signature(row).parameters)
    unknown = others.keys() - set(names)
    missing = [name for name in names if name not in others and name not in table.__table__.c]
    if unknown or missing:
        raise TypeError(f"{row.__name__} of {table.__name__}: no column for {missing}; no field for {sorted(unknown)}")
    return [label(name, others[name]) if name in others else table.__table__.c[name] for name in names]


class JsonRow(Generic[Row]):
    """Rows within a row: PostgreSQL makes a JSON array of the columns, and `read` makes a row of its values."""

    __slots__ = ("array", "read")

    def __init__(self, make: Callable[..., Row], **columns: SQLCoreOperations[Any]) -> None:
        """Take a column for each parameter of `make`, by name. Raises TypeError when names do not fit."""
        self.array: ColumnElement[Any] = func.json_build_array(*columns.values())
        self.read = row_maker(make, list(columns))

    def read_one(self, array: Sequence[Any] | None) -> Row | None:
        """Make the row of an array, or None of NULL."""
        return None if array is None else self.read(*array)

    def read_all(self, arrays: Sequence[Sequence[Any]] | None) -> list[Row]:
        """Make the rows of what `json_agg` made of arrays: NULL, when there were none."""
        read = self.read
        return [read(*values) for values in arrays or ()]


def _by_position(parameters: Any, columns: Sequence[str]) -> bool:
    return all(parameters[name].kind is Parameter.POSITIONAL_OR_KEYWORD for name in columns)


def _states(make: Callable[..., Any]) -> dict[str, tuple[type[StrEnum], bool]]:
    """Return the StrEnum of each parameter that is one, and whether it may be None."""
    states = {}
    for name, hint in get_type_hints(make).items():
        inner, optional = hint, False
        if get_origin(hint) in (Union, types.UnionType):
            parts = [part for part in get_args(hint) if part is not type(None)]
            optional = len(parts) < len(get_args(hint))
            inner = parts[0] if len(parts) == 1 else hint
        if isinstance(inner, type) and issubclass(inner, StrEnum):
            states[name] = (inner, optional)
    return states


def _call(
    make: Callable[..., Any],
    columns: Sequence[str],
    states: Mapping[str, tuple[type[StrEnum], bool]],
    rows: Mapping[str, "JsonRow[Any] | Callable[[Any], Any]"],
) -> tuple[str, dict[str, Any]]:
    """Write the call that makes a row of variables named as its columns, and what the names in it mean."""
    # A look into a dictionary takes a third of what a call of the enum does.
    known: dict[str, Any] = {f"_{name}": {str(state): state for state in kind} for name, (kind, _) in states.items()}
    known |= {f"_{name}": row.read_all if isinstance(row, JsonRow) else row for name, row in rows.items()}
    parts = {}
    for name in columns:
        part = name
        if name in rows:
            part = f"_{name}({name})"
        elif name in states:
            part = f"_{name}[{name}]"
            if states[name][1]:
                part = f"None if {name} is None else {part}"
        parts[name] = part
    if _is_named_tuple(make, len(columns)):
        fields = ", ".join([parts[name] for name in signature(make).parameters])
        return f"NEW(MAKE, ({fields},))", {**known, "MAKE": make, "NEW": tuple.__new__}
    return f"MAKE({', '.join(_arguments(make, parts))})", {**known, "MAKE": make}


def _function(columns: Sequence[str], call: str, known: dict[str, Any]) -> Callable[..., Any]:
    """Write the function that does it without a loop: it runs for every row."""
    # Of names that are parameters of our own code.
    return cast("Callable[..., Any]", eval(f"lambda {', '.join(columns)}: {call}", known))  # noqa: S307


def _is_named_tuple(make: Callable[..., Any], field_count: int) -> bool:
    """Whether it is a NamedTuple with so many fields: without its own constructor it takes a fifth less."""
    fields = getattr(make, "_fields", ())
    return isinstance(make, type) and make.__bases__ == (tuple,) and len(fields) == field_count > 0


def _arguments(make: Callable[..., Any], parts: Mapping[str, str]) -> list[str]:
    """Pass by position as far as the parameters stand in the same order: names cost a call a tenth."""
    by_name = dict(parts)
    arguments: list[str] = []
    for name, parameter in signature(make).parameters.items():
        if name not in by_name or parameter.kind is not Parameter.POSITIONAL_OR_KEYWORD:
            break
        arguments.append(by_name.pop(name))
    return [*arguments, *[f"{name}={part}" for name, part in by_name.items()]]
