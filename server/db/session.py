"""Connections and transactions."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

import psycopg
from psycopg.errors import InFailedSqlTransaction
from psycopg.pq.abc import PGresult
from psycopg_pool import AsyncConnectionPool

from server.db.wire import Connection, Prepared, Sending
from server.metrics.meters import Figure, counter, gauge

Pool = AsyncConnectionPool[Connection]

_BEGIN: Final = Prepared("BEGIN")
_BEGIN_SNAPSHOT: Final = Prepared("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
_COMMIT: Final = Prepared("COMMIT")
_ROLLBACK: Final = Prepared("ROLLBACK")

_in_transaction: ContextVar[bool] = ContextVar("in_transaction", default=False)

# How long a call waits for a free connection before it is told to come back.
_POOL_TIMEOUT_SECONDS: Final = 5.0
_SERVER_SETTINGS: Final = {
    # A statement that takes longer is a defect; it ends before the caller's patience does.
    "statement_timeout": "10s",
    # Waiting longer for a row means that somebody holds it across something slow.
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "15s",
    # Whoever hangs up in the middle of a statement, or is killed, holds no locks for longer.
    "client_connection_check_interval": "1s",
}
# How values are written and read, whatever the role, the database or libpq's environment prefers.
_FORMATS: Final = (
    "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'"
)


class ReadTx:
    """Where queries run: a connection, and the BEGIN that goes out with the first of them, if there is to be one."""

    __slots__ = ("_begin", "_connection")

    def __init__(self, connection: Connection, begin: Prepared | None = None) -> None:
        self._connection = connection
        self._begin = begin

    async def run(self, sendings: Sequence[Sending]) -> Sequence[PGresult]:
        """Run statements in one round trip, for `server.db.statement`. Raises psycopg.Error."""
        begin = self._begin
        if begin is None:
            return await self._connection.wire.run(sendings)
        self._begin = None
        return (await self._connection.wire.run([(begin, ()), *sendings]))[1:]

    async def psycopg(self) -> Connection:
        """Hand over the connection in this transaction, for what only psycopg does: COPY, and the job queue's SQL."""
        if self._begin is not None:
            await self.run(())
        self._connection.wire.detach()
        return self._connection

    async def commit(self) -> None:
        """Make it last, unless nothing ran. Raises psycopg.Error; also when a statement failed and nobody minded."""
        if self._begin is not None:
            return
        (result,) = await self._connection.wire.run(((_COMMIT, ()),))
        if result.command_status != b"COMMIT":
            raise InFailedSqlTransaction("a statement of the transaction had failed, so that it was rolled back")

    async def roll_back(self) -> None:
        """Undo it."""
        wire = self._connection.wire
        if wire.busy:
            # A task of the transaction has left another one behind. Nothing can be sent: to hang up undoes it too.
            wire.detach()
        elif self._begin is None and not self._connection.closed:
            with suppress(psycopg.Error):
                await wire.run(((_ROLLBACK, ()),))


class WriteTx(ReadTx):
    """Where commands run too."""

    __slots__ = ()


T = TypeVar("T", bound=ReadTx)


def assert_no_transaction() -> None:
    """Raise when the calling task has a write transaction open: nobody waits for the network inside one."""
    if _in_transaction.get():
        raise RuntimeError("a call over the network was started inside a database transaction")


async def _living(pool: Pool) -> Connection:
    """Take a connection of which nobody has heard that it is dead. Raises PoolTimeout."""
    while True:
        connection = await pool.getconn()
        if not connection.closed:
            return connection
        # The pool opens another one in its place.
        await pool.putconn(connection)


class _Autocommit(Generic[T]):
    """A connection on which each round trip is its own transaction."""

    __slots__ = ("_connection", "_kind", "_pool")

    def __init__(self, pool: Pool, kind: type[T]) -> None:
        self._pool = pool
        self._kind = kind

    async def __aenter__(self) -> T:
        self._connection = await _living(self._pool)
        return self._kind(self._connection)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.putconn(self._connection)


class _Transaction(Generic[T]):
    """BEGIN, then COMMIT on success or ROLLBACK on any exception."""

    __slots__ = ("_begin", "_connection", "_kind", "_pool", "_token", "_tx")

    _token: Token[bool]

    def __init__(self, pool: Pool, kind: type[T], begin: Prepared) -> None:
        self._pool = pool
        self._kind = kind
        self._begin = begin

    async def __aenter__(self) -> T:
        self._connection = await _living(self._pool)
        self._tx = self._kind(self._connection, self._begin)
        self._token = _in_transaction.set(True)
        return self._tx

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _in_transaction.reset(self._token)
        try:
            if error is None:
                await self._tx.commit()
            else:
                await self._tx.roll_back()
        finally:
            # A connection that is broken or still in a transaction is not handed out again: the pool sees to it.
            await self._pool.putconn(self._connection)


class Database:
    """The pool of connections of one process."""

    def __init__(self, pool: Pool, dsn: str) -> None:
        self._pool = pool
        self.dsn = dsn

    @classmethod
    async def open(cls, dsn: str, min_size: int = 1, max_size: int = 10) -> Self:
        """Connect. Raises psycopg.OperationalError when PostgreSQL does not answer."""
        # A first connection of our own names what is wrong (host, password, database) where the pool only times out.
        probe = await Connection.connect(dsn, connect_timeout=10)
        await probe.close()
        pool: Pool = AsyncConnectionPool(
            dsn,
            connection_class=Connection,
            # psycopg prepares nothing by itself: after DDL it would throw away our prepared statements with its own.
            kwargs={
                "autocommit": True,
                "options": _server_options(),
                "client_encoding": "UTF8",
                "prepare_threshold": None,
            },
            min_size=min_size,
            max_size=max_size,
            configure=_configure,
            timeout=_POOL_TIMEOUT_SECONDS,
            open=False,
        )
        await pool.open(wait=True, timeout=30)
        return cls(pool, dsn)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    def figures(self) -> Sequence[Figure]:
        """Return what the pool tells about itself."""

        def stat(name: str) -> Callable[[], float]:
            return lambda: self._pool.get_stats().get(name, 0)

        waited = stat("requests_wait_ms")
        return (
            gauge("kontor_pool_connections", "Connections to PostgreSQL.", stat("pool_size")),
            gauge("kontor_pool_connections_free", "Connections that nobody uses.", stat("pool_available")),
            gauge("kontor_pool_waiting", "How many wait for a connection.", stat("requests_waiting")),
            counter("kontor_pool_waits_total", "How often somebody waited for one.", stat("requests_queued")),
            counter(
                "kontor_pool_wait_seconds_total", "How long they waited until they got it.", lambda: waited() / 1000
            ),
            counter("kontor_pool_failures_total", "How often somebody got none in time.", stat("requests_errors")),
        )

    def read(self) -> _Autocommit[ReadTx]:
        """Run single statements, each seeing what is committed when it starts."""
        return _Autocommit(self._pool, ReadTx)

    def snapshot(self) -> _Transaction[ReadTx]:
        """Run several statements that see one state of the database."""
        return _Transaction(self._pool, ReadTx, _BEGIN_SNAPSHOT)

    def write(self) -> _Transaction[WriteTx]:
        """Run statements that commit together or not at all."""
        return _Transaction(self._pool, WriteTx, _BEGIN)

    def write_single(self) -> _Autocommit[WriteTx]:
        """Run one command that needs no other beside it: it commits by itself, in one round trip."""
        return _Autocommit(self._pool, WriteTx)


def _server_options() -> str:
    return " ".join(f"-c {name}={value}" for name, value in _SERVER_SETTINGS.items())


async def _configure(connection: Connection) -> None:
    await connection.execute(_FORMATS)
