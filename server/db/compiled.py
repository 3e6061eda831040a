"""A statement as SQLAlchemy compiled it and the server knows it, and the values that go out and come back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import psycopg
from psycopg import postgres
from psycopg.adapt import AdaptersMap, Dumper, PyFormat, Transformer
from psycopg.pq.abc import PGresult
from sqlalchemy import BindParameter, Boolean, Float, Interval, LargeBinary, Numeric
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import TypeEngine

from server.db.wire import Prepared

# SQLAlchemy leaves it without annotations. The server numbers parameters, and so do we.
_DIALECT = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
# A cast is written for all others. Use does not tell these: in `time - $1` it could be a time as well.
_UNCAST: Final[Mapping[type[TypeEngine[Any]], str]] = {
    Interval: "interval",
    Float: "float8",
    Numeric: "numeric",
    Boolean: "bool",
    LargeBinary: "bytea",
}
# SQLAlchemy marks with it what it would expand at run time; here nothing does.
_EXPANDED_AT_RUN_TIME = "__[POSTCOMPILE"


class _HexDumper(Dumper):
    """Writes bytes; psycopg's own has to ask a connection for its settings first."""

    oid = postgres.types["bytea"].oid

    def dump(self, obj: bytes) -> bytes:
        return b"\\x" + obj.hex().encode()


_adapters = AdaptersMap(psycopg.adapters)
_adapters.register_dumper(bytes, _HexDumper)
# Needs no connection: `server.db.session` gives all the same settings for texts and times.
_dumper = Transformer(_adapters)


class Compiled:
    """A statement that was compiled at import."""

    __slots__ = ("_constants", "_convert", "_formats", "_names", "columns", "prepared")

    def __init__(self, statement: Executable) -> None:
        """Compile it. Raises ValueError for what SQLAlchemy would expand at each run."""
        compiled = _compile(statement)
        if _EXPANDED_AT_RUN_TIME in str(compiled):
            raise ValueError(f"write `x = ANY(array)` in place of `x IN (...)`: {compiled}")
        order: list[str] = compiled.positiontup or []
        self.prepared = Prepared(str(compiled), [_type_number(compiled.binds[name]) for name in order])
        # The names of the columns that it returns.
        self.columns = tuple([entry.keyname for entry in compiled._result_columns])
        required = {name for name, bind in compiled.binds.items() if bind.required}
        processors = _bind_processors(compiled)
        # The parameters that callers give, in the order of their numbers, and how each is converted first.
        self._names = tuple(name for name in order if name in required)
        self._convert = {name: processors[name] for name in self._names if name in processors}
        self._formats = [PyFormat.TEXT] * len(self._names)
        # The others, as places among them: from the first to the last, each is put in where it stands.
        self._constants = [
            (place, _dump(compiled.params[name], processors.get(name)))
            for place, name in enumerate(order)
            if name not in required
        ]

    @property
    def sql(self) -> str:
        """What the server prepares."""
        return self.prepared.sql

    def values(self, params: dict[str, Any]) -> Sequence[bytes | None]:
        """Write the values of its parameters, in their order, as PostgreSQL reads them.

        Raises TypeError when parameters are missing or unknown, psycopg.DataError for what no text can hold.
        """
        for name, convert in self._convert.items():
            if name in params:
                params[name] = convert(params[name])
        try:
            given = [params[name] for name in self._names]
        except KeyError:
            raise TypeError(self._complaint(params)) from None
        if len(given) != len(params):
            raise TypeError(self._complaint(params))
        values = list(_dumper.dump_sequence(given, self._formats))
        for place, constant in self._constants:
            values.insert(place, constant)
        return cast("Sequence[bytes | None]", values)

    def tuples(self, result: PGresult) -> list[tuple[Any, ...]]:
        """Read the rows of its result."""
        prepared = self.prepared
        loader = prepared.loader
        if loader is None:
            # The columns have the same types on every connection; see `Prepared.loader`.
            loader = prepared.loader = Transformer()
            loader.set_pgresult(result)
        else:
            loader.set_pgresult(result, set_loaders=False)
        try:
            return loader.load_rows(0, result.ntuples, tuple)
        finally:
            # Else each statement would keep its last answer, however large.
            loader.set_pgresult(None, set_loaders=False)

    def _complaint(self, params: Mapping[str, Any]) -> str:
        missing = ", ".join(sorted(set(self._names) - params.keys())) or "none"
        unknown = ", ".join(sorted(params.keys() - set(self._names))) or "none"
        return f"parameters missing: {missing}; unknown: {unknown}; in: {self.sql}"


def _dump(value: Any, processor: Callable[[Any], Any] | None) -> bytes | None:
    """Write a value as PostgreSQL reads it."""
    converted = value if processor is None else processor(value)
    return cast("bytes | None", _dumper.dump_sequence([converted], [PyFormat.TEXT])[0])


def _compile(statement: Executable) -> SQLCompiler:
    if isinstance(statement, Insert) and not statement._returning:
        # Else SQLAlchemy adds a RETURNING of generated keys that nobody reads.
        statement = statement.inline()
    return cast("SQLCompiler", cast("ClauseElement", statement).compile(dialect=_DIALECT))


def _type_number(bind: BindParameter[Any]) -> int:
    """Return PostgreSQL's number of a parameter's type where SQLAlchemy writes no cast for it; 0: it shows from use."""
    for kind, name in _UNCAST.items():
        if isinstance(bind.type, kind):
            return postgres.types[name].oid
    return 0


def _bind_processors(compiled: SQLCompiler) -> dict[str, Callable[[Any], Any]]:
    processors: dict[str, Callable[[Any], Any]] = {}
    for name, bind in compiled.binds.items():
        processor = bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
        if processor is not None:
            processors[name] = processor
    return processors
