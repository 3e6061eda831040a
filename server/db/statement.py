"""Statements: written with SQLAlchemy Core, compiled once at import, run as prepared statements.

SQLAlchemy's own execution layer costs three times the statement, so it takes no part at run time. Values go out and
come back as psycopg adapts them: UUID, aware datetime, parsed JSON, lists.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, cast, overload

from psycopg.pq.abc import PGresult
from sqlalchemy import ARRAY, TableValuedAlias, bindparam, column, func
from sqlalchemy.sql.base import Executable
from sqlalchemy.types import TypeEngine

from server.db.compiled import Compiled
from server.db.rows import row_maker
from server.db.session import ReadTx, WriteTx

Row = TypeVar("Row")
Result_co = TypeVar("Result_co", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")

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


class Bound(Generic[Result_co]):
    """A statement with its values, to be run with others by `together`, and what is made of its result."""

    __slots__ = ("read", "statement", "values")

    def __init__(
        self, statement: "_Statement[Any]", values: Sequence[bytes | None], read: Callable[[PGresult], Result_co]
    ) -> None:
        self.statement = statement
        self.values = values
        self.read = read


class _Statement(Generic[Row]):
    """What queries and commands have in common."""

    __slots__ = ("_make", "compiled")

    def __init__(self, statement: Executable, make: Callable[..., Row] | None, *, scalar: bool = False) -> None:
        self.compiled = Compiled(statement)
        self._make: Callable[..., Row] | None = None if make is None else row_maker(make, self.compiled.columns)
        if scalar:
            self._make = _first_value

    @property
    def sql(self) -> str:
        """What the server prepares."""
        return self.compiled.sql

    def bind(self, **params: Any) -> Bound[list[Row]]:
        """Hand over the values without running it; its result is every row."""
        return Bound(self, self.compiled.values(params), self._rows)

    def bind_first(self, **params: Any) -> Bound[Row | None]:
        """Hand over the values without running it; its result is the first row, or None."""
        return Bound(self, self.compiled.values(params), self._first_row)

    def bind_one(self, **params: Any) -> Bound[Row]:
        """Hand over the values without running it; its result is the only row, and LookupError without one."""
        return Bound(self, self.compiled.values(params), self._only_row)

    async def _execute(self, tx: ReadTx, params: dict[str, Any]) -> PGresult:
        compiled = self.compiled
        values = compiled.values(params)
        if _logs:
            note_statement(compiled.sql)
        return (await tx.run(((compiled.prepared, values),)))[0]

    def _rows(self, result: PGresult) -> list[Row]:
        tuples = self.compiled.tuples(result)
        make = self._make
        return cast("list[Row]", tuples) if make is None else [make(*values) for values in tuples]

    def _first_row(self, result: PGresult) -> Row | None:
        rows = self._rows(result)
        return rows[0] if rows else None

    def _only_row(self, result: PGresult) -> Row:
        rows = self._rows(result)
        if len(rows) != 1:
            raise LookupError(f"{len(rows)} rows where there must be one: {self.sql}")
        return rows[0]

    async def _all(self, tx: ReadTx, params: dict[str, Any]) -> list[Row]:
        return self._rows(await self._execute(tx, params))

    async def _first(self, tx: ReadTx, params: dict[str, Any]) -> Row | None:
        return self._first_row(await self._execute(tx, params))

    async def _one(self, tx: ReadTx, params: dict[str, Any]) -> Row:
        return self._only_row(await self._execute(tx, params))


class Query(_Statement[Row]):
    """A SELECT whose rows are made by `row`: see `server.db.rows`."""

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
    """An INSERT, UPDATE or DELETE, whose RETURNING rows, if any, are made by `row`: see `server.db.rows`."""

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
async def together(tx: ReadTx, a: Bound[A], b: Bound[B], /) -> tuple[A, B]: ...
@overload
async def together(tx: ReadTx, a: Bound[A], b: Bound[B], c: Bound[C], /) -> tuple[A, B, C]: ...
@overload
async def together(tx: ReadTx, a: Bound[A], b: Bound[B], c: Bound[C], d: Bound[D], /) -> tuple[A, B, C, D]: ...
@overload
async def together(
    tx: ReadTx, a: Bound[A], b: Bound[B], c: Bound[C], d: Bound[D], e: Bound[E], /
) -> tuple[A, B, C, D, E]: ...
@overload
async def together(tx: ReadTx, *bound: Bound[Any]) -> tuple[Any, ...]: ...
async def together(tx: ReadTx, *bound: Bound[Any]) -> tuple[Any, ...]:
    """Run statements that do not need each other's results in one round trip; they may not all be of one kind.

    Commands among them need a WriteTx, which the checker cannot see here.
    """
    if _logs:
        for one in bound:
            note_statement(one.statement.sql)
    results = await tx.run([(one.statement.compiled.prepared, one.values) for one in bound])
    return tuple([one.read(result) for one, result in zip(bound, results, strict=True)])


def unnest_rows(name: str, /, **columns: TypeEngine[Any]) -> TableValuedAlias:
    """Make a table of bind parameters: each column is an array parameter of the same name.

    One INSERT ... FROM SELECT or UPDATE ... FROM over it handles any number of rows in one statement.
    """
    arrays = [bindparam(column_name, type_=ARRAY(kind)) for column_name, kind in columns.items()]
    table = func.unnest(*arrays).table_valued(*[column(column_name, kind) for column_name, kind in columns.items()])
    return table.render_derived(name=name)


def _first_value(value: Any) -> Any:
    return value
