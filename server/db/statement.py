"""Statements: written with SQLAlchemy Core, compiled once at import, run by psycopg as prepared statements.

SQLAlchemy's own execution layer costs three times the statement, so it takes no part at run time. Values come back as
psycopg reads them: UUID, aware datetime, parsed JSON, lists.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, cast, overload

from psycopg import AsyncCursor
from sqlalchemy import ARRAY, TableValuedAlias, bindparam, column, func
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import TypeEngine

from server.db.session import ReadTx, WriteTx

Row = TypeVar("Row")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")

Cursor = AsyncCursor[tuple[Any, ...]]

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it without annotations.
# SQLAlchemy marks with it what it would expand at run time; here nothing does.
_EXPANDED_AT_RUN_TIME = "__[POSTCOMPILE"

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

    __slots__ = ("params", "statement")

    def __init__(self, statement: "_Statement[Row]", params: dict[str, Any]) -> None:
        self.statement = statement
        self.params = params


class _Statement(Generic[Row]):
    """What queries and commands have in common."""

    __slots__ = ("_constants", "_convert", "_make", "_names", "sql")

    def __init__(self, statement: Executable, make: Callable[..., Row] | None, *, scalar: bool = False) -> None:
        compiled = _compile(statement)
        self.sql = str(compiled)
        if _EXPANDED_AT_RUN_TIME in self.sql:
            raise ValueError(f"write `x = ANY(array)` in place of `x IN (...)`: {self.sql}")
        processors = _bind_processors(compiled)
        required = {name for name, bind in compiled.binds.items() if bind.required}
        self._names = frozenset(required)
        self._constants = {
            name: processors[name](value) if name in processors else value
            for name, value in compiled.params.items()
            if name not in required
        }
        self._convert = {name: processors[name] for name in required if name in processors}
        self._make: Callable[..., Row] | None = _first_value if scalar else make

    def bind(self, **params: Any) -> Bound[Row]:
        """Hand over the values without running it."""
        return Bound(self, self._values(params))

    def _values(self, params: dict[str, Any]) -> dict[str, Any]:
        if params.keys() != self._names:
            raise TypeError(self._complaint(params))
        for name, convert in self._convert.items():
            params[name] = convert(params[name])
        return {**self._constants, **params} if self._constants else params

    def _complaint(self, params: Mapping[str, Any]) -> str:
        missing = ", ".join(sorted(self._names - params.keys())) or "none"
        unknown = ", ".join(sorted(params.keys() - self._names)) or "none"
        return f"parameters missing: {missing}; unknown: {unknown}; in: {self.sql}"

    async def _execute(self, tx: ReadTx, params: dict[str, Any]) -> Cursor:
        values = self._values(params)
        if _logs:
            note_statement(self.sql)
        return await tx.connection.execute(self.sql, values, prepare=True)

    def _rows(self, tuples: list[tuple[Any, ...]]) -> list[Row]:
        make = self._make
        if make is None:
            return cast("list[Row]", tuples)
        return [make(*values) for values in tuples]

    async def _all(self, tx: ReadTx, params: dict[str, Any]) -> list[Row]:
        return self._rows(await (await self._execute(tx, params)).fetchall())

    async def _first(self, tx: ReadTx, params: dict[str, Any]) -> Row | None:
        values = await (await self._execute(tx, params)).fetchone()
        if values is None:
            return None
        return cast("Row", values) if self._make is None else self._make(*values)

    async def _one(self, tx: ReadTx, params: dict[str, Any]) -> Row:
        tuples = await (await self._execute(tx, params)).fetchall()
        if len(tuples) != 1:
            raise LookupError(f"{len(tuples)} rows where there must be one: {self.sql}")
        return self._rows(tuples)[0]


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
        return (await self._execute(tx, params)).rowcount

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
    cursors = []
    async with tx.connection.pipeline():
        for one in bound:
            if _logs:
                note_statement(one.statement.sql)
            cursors.append(await tx.connection.execute(one.statement.sql, one.params, prepare=True))
    return tuple([one.statement._rows(await cursor.fetchall()) for one, cursor in zip(bound, cursors, strict=True)])


def unnest_rows(name: str, /, **columns: TypeEngine[Any]) -> TableValuedAlias:
    """Make a table of bind parameters: each column is an array parameter of the same name.

    One INSERT ... FROM SELECT or UPDATE ... FROM over it handles any number of rows in one statement.
    """
    arrays = [bindparam(column_name, type_=ARRAY(kind)) for column_name, kind in columns.items()]
    table = func.unnest(*arrays).table_valued(*[column(column_name, kind) for column_name, kind in columns.items()])
    return table.render_derived(name=name)


def _first_value(value: Any) -> Any:
    return value


def _compile(statement: Executable) -> SQLCompiler:
    if isinstance(statement, Insert) and not statement._returning:
        # Else SQLAlchemy adds a RETURNING of generated keys that nobody reads.
        statement = statement.inline()
    return cast("SQLCompiler", cast("ClauseElement", statement).compile(dialect=_DIALECT))


def _bind_processors(compiled: SQLCompiler) -> dict[str, Callable[[Any], Any]]:
    processors: dict[str, Callable[[Any], Any]] = {}
    for name, bind in compiled.binds.items():
        processor = bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
        if processor is not None:
            processors[name] = processor
    return processors
