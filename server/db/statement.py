"""Statements: written with SQLAlchemy Core, compiled once at import, run as prepared statements.

SQLAlchemy's own execution layer costs three times the statement, so it takes no part at run time. Values go out and
come back as psycopg adapts them: UUID, aware datetime, parsed JSON, lists.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Generic, TypeVar, cast, overload

import psycopg
from psycopg import abc, postgres
from psycopg.adapt import AdaptersMap, Dumper, PyFormat, Transformer
from psycopg.pq.abc import PGresult
from sqlalchemy import (
    ARRAY,
    BindParameter,
    Boolean,
    Float,
    Interval,
    LargeBinary,
    Numeric,
    TableValuedAlias,
    bindparam,
    column,
    func,
)
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import TypeEngine

from server.db.session import ReadTx, WriteTx
from server.db.wire import Prepared

Row = TypeVar("Row")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")

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
# Needs no connection: what it writes depends on none of a connection's settings.
_dumper = Transformer(_adapters)

# Logs of the tests that count statements. Not a context variable: the calls under test run in tasks of their own.
_logs: list[list[str]] = []


@contextmanager
def count_statements() -> Iterator[list[str]]:
    """Collect the SQL of every statement that this process runs meanwhile."""
    log: list[str] = []
    _logs.append(log)
    try:
        yield log
    finally:
        # By identity: two empty logs are equal.
        _logs[:] = [other for other in _logs if other is not log]


def note_statement(sql: str) -> None:
    """Tell the logs of a statement that somebody else runs (the job queue)."""
    for log in _logs:
        log.append(sql)


class Bound(Generic[Row]):
    """A statement with its values, to be run with others by `together`."""

    __slots__ = ("statement", "values")

    def __init__(self, statement: "_Statement[Row]", values: Sequence[bytes | None]) -> None:
        self.statement = statement
        self.values = values


class _Statement(Generic[Row]):
    """What queries and commands have in common."""

    __slots__ = ("_constants", "_convert", "_formats", "_loader", "_make", "_names", "prepared")

    def __init__(self, statement: Executable, make: Callable[..., Row] | None, *, scalar: bool = False) -> None:
        compiled = _compile(statement)
        if _EXPANDED_AT_RUN_TIME in str(compiled):
            raise ValueError(f"write `x = ANY(array)` in place of `x IN (...)`: {compiled}")
        order: list[str] = compiled.positiontup or []
        self.prepared = Prepared(str(compiled), [_type_number(compiled.binds[name]) for name in order])
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
        self._loader: abc.Transformer | None = None
        self._make: Callable[..., Row] | None = make
        if scalar:
            self._make = _first_value

    @property
    def sql(self) -> str:
        """What the server prepares."""
        return self.prepared.sql

    def bind(self, **params: Any) -> Bound[Row]:
        """Hand over the values without running it."""
        return Bound(self, self._values(params))

    def _values(self, params: dict[str, Any]) -> Sequence[bytes | None]:
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

    def _complaint(self, params: Mapping[str, Any]) -> str:
        missing = ", ".join(sorted(set(self._names) - params.keys())) or "none"
        unknown = ", ".join(sorted(params.keys() - set(self._names))) or "none"
        return f"parameters missing: {missing}; unknown: {unknown}; in: {self.sql}"

    async def _execute(self, tx: ReadTx, params: dict[str, Any]) -> PGresult:
        values = self._values(params)
        if _logs:
            note_statement(self.sql)
        return (await tx.run(((self.prepared, values),)))[0]

    def _rows(self, result: PGresult) -> list[Row]:
        loader = self._loader
        if loader is None:
            # A statement's columns have the same types on every connection.
            loader = self._loader = Transformer()
            loader.set_pgresult(result)
        else:
            loader.set_pgresult(result, set_loaders=False)
        tuples = loader.load_rows(0, result.ntuples, tuple)
        make = self._make
        return cast("list[Row]", tuples) if make is None else [make(*values) for values in tuples]

    async def _all(self, tx: ReadTx, params: dict[str, Any]) -> list[Row]:
        return self._rows(await self._execute(tx, params))

    async def _first(self, tx: ReadTx, params: dict[str, Any]) -> Row | None:
        rows = self._rows(await self._execute(tx, params))
        return rows[0] if rows else None

    async def _one(self, tx: ReadTx, params: dict[str, Any]) -> Row:
        rows = self._rows(await self._execute(tx, params))
        if len(rows) != 1:
            raise LookupError(f"{len(rows)} rows where there must be one: {self.sql}")
        return rows[0]


class Query(_Statement[Row]):
    """A SELECT whose rows become `row(*columns)`."""

    __slots__ = ()

    def __init__(self, statement: Executable, row: Callable[..., Row]) -> None:
        super().__init__(statement, row)

    async def all(self, tx: ReadTx, **params: Any) -> list[Row]:
        """Return every row."""
        return await self._all(tx, params)

    async def first(self, tx: ReadTx, **params: Any) -> Row | None:
        """Return the first row, or None."""
        return await self._first(tx, params)

    async def one(self, tx: ReadTx, **params: Any) -> Row:
        """Return the only row. Raises LookupError when there is none or more."""
        return await self._one(tx, params)


class ScalarQuery(Query[Row]):
    """A SELECT of one column, whose rows are the plain values; `value_type` only tells the checker."""

    __slots__ = ()

    def __init__(self, statement: Executable, value_type: type[Row] | None = None) -> None:
        _Statement.__init__(self, statement, None, scalar=True)


class Command(_Statement[Row]):
    """An INSERT, UPDATE or DELETE, whose RETURNING rows, if any, become `row(*columns)`."""

    __slots__ = ()

    @overload
    def __init__(self: "Command[None]", statement: Executable) -> None: ...
    @overload
    def __init__(self, statement: Executable, row: Callable[..., Row]) -> None: ...
    def __init__(self, statement: Executable, row: Callable[..., Any] | None = None) -> None:
        super().__init__(statement, row)

    async def run(self, tx: WriteTx, **params: Any) -> int:
        """Return the number of rows changed."""
        return (await self._execute(tx, params)).command_tuples or 0

    async def all(self, tx: WriteTx, **params: Any) -> list[Row]:
        """Return every returned row."""
        return await self._all(tx, params)

    async def first(self, tx: WriteTx, **params: Any) -> Row | None:
        """Return the first returned row, or None."""
        return await self._first(tx, params)

    async def one(self, tx: WriteTx, **params: Any) -> Row:
        """Return the only returned row. Raises LookupError when there is none or more."""
        return await self._one(tx, params)


class ScalarCommand(Command[Row]):
    """A command that returns one column, whose rows are the plain values."""

    __slots__ = ()

    def __init__(self, statement: Executable, value_type: type[Row] | None = None) -> None:
        _Statement.__init__(self, statement, None, scalar=True)


@overload
async def together(tx: ReadTx, a: Bound[A], b: Bound[B], /) -> tuple[list[A], list[B]]: ...
@overload
async def together(tx: ReadTx, a: Bound[A], b: Bound[B], c: Bound[C], /) -> tuple[list[A], list[B], list[C]]: ...
@overload
async def together(
    tx: ReadTx, a: Bound[A], b: Bound[B], c: Bound[C], d: Bound[D], /
) -> tuple[list[A], list[B], list[C], list[D]]: ...
@overload
async def together(
    tx: ReadTx, a: Bound[A], b: Bound[B], c: Bound[C], d: Bound[D], e: Bound[E], /
) -> tuple[list[A], list[B], list[C], list[D], list[E]]: ...
async def together(tx: ReadTx, *bound: Bound[Any]) -> tuple[list[Any], ...]:
    """Run statements that do not need each other's results in one round trip; they may not all be of one kind.

    Commands among them need a WriteTx, which the checker cannot see here.
    """
    if _logs:
        for one in bound:
            note_statement(one.statement.sql)
    results = await tx.run([(one.statement.prepared, one.values) for one in bound])
    return tuple([one.statement._rows(result) for one, result in zip(bound, results, strict=True)])


def unnest_rows(name: str, /, **columns: TypeEngine[Any]) -> TableValuedAlias:
    """Make a table of bind parameters: each column is an array parameter of the same name.

    One INSERT ... FROM SELECT or UPDATE ... FROM over it handles any number of rows in one statement.
    """
    arrays = [bindparam(column_name, type_=ARRAY(kind)) for column_name, kind in columns.items()]
    table = func.unnest(*arrays).table_valued(*[column(column_name, kind) for column_name, kind in columns.items()])
    return table.render_derived(name=name)


def _first_value(value: Any) -> Any:
    return value


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
