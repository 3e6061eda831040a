"""Connections and transactions."""

from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

Connection = AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]

_in_transaction: ContextVar[bool] = ContextVar("in_transaction", default=False)

# How long a call waits for a free connection before it is told to come back.
_POOL_TIMEOUT_SECONDS: Final = 5.0
_SERVER_SETTINGS: Final = {
    # A statement that takes longer is a defect; it ends before the caller's patience does.
    "statement_timeout": "10s",
    # Waiting longer for a row means that somebody holds it across something slow.
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "15s",
    "timezone": "UTC",
}


class ReadTx:
    """Where queries run."""

    __slots__ = ("connection",)

    def __init__(self, connection: Connection) -> None:
        self.connection = connection


class WriteTx(ReadTx):
    """Where commands run too."""

    __slots__ = ()


T = TypeVar("T", bound=ReadTx)


def assert_no_transaction() -> None:
    """Raise when the calling task has a write transaction open: nobody waits for the network inside one."""
    if _in_transaction.get():
        raise RuntimeError("a call over the network was started inside a database transaction")


class _Autocommit(Generic[T]):
    """A connection on which each statement is its own transaction."""

    __slots__ = ("_connection", "_kind", "_pool")

    def __init__(self, pool: Pool, kind: type[T]) -> None:
        self._pool = pool
        self._kind = kind

    async def __aenter__(self) -> T:
        self._connection = await self._pool.getconn()
        return self._kind(self._connection)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.putconn(self._connection)


class _Transaction(Generic[T]):
    """BEGIN, then COMMIT on success or ROLLBACK on any exception."""

    __slots__ = ("_begin", "_connection", "_kind", "_pool", "_token")

    _token: Token[bool]

    def __init__(self, pool: Pool, kind: type[T], begin: str) -> None:
        self._pool = pool
        self._kind = kind
        self._begin = begin

    async def __aenter__(self) -> T:
        self._connection = connection = await self._pool.getconn()
        try:
            # Prepared, it costs less than psycopg's own transaction(), which also minds savepoints.
            await connection.execute(self._begin, prepare=True)
        except BaseException:
            await self._pool.putconn(connection)
            raise
        self._token = _in_transaction.set(True)
        return self._kind(connection)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _in_transaction.reset(self._token)
        connection = self._connection
        try:
            if error is None:
                await connection.execute("COMMIT", prepare=True)
            elif not connection.broken:
                await connection.rollback()
        finally:
            # A connection that is broken or still in a transaction is not handed out again: the pool sees to it.
            await self._pool.putconn(connection)


class Database:
    """The pool of connections of one process."""

    def __init__(self, pool: Pool, dsn: str) -> None:
        self._pool = pool
        self.dsn = dsn

    @classmethod
    async def open(cls, dsn: str, min_size: int = 1, max_size: int = 10) -> Self:
        """Connect. Raises psycopg.OperationalError when PostgreSQL does not answer."""
        # A first connection of our own names what is wrong (host, password, database) where the pool only times out.
        probe = await AsyncConnection.connect(dsn, connect_timeout=10)
        await probe.close()
        pool: Pool = AsyncConnectionPool(
            dsn,
            kwargs={"autocommit": True, "options": _server_options()},
            min_size=min_size,
            max_size=max_size,
            timeout=_POOL_TIMEOUT_SECONDS,
            configure=_configure,
            open=False,
        )
        await pool.open(wait=True, timeout=30)
        return cls(pool, dsn)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    def read(self) -> _Autocommit[ReadTx]:
        """Run single statements, each seeing what is committed when it starts: one round trip each."""
        return _Autocommit(self._pool, ReadTx)

    def snapshot(self) -> _Transaction[ReadTx]:
        """Run several statements that see one state of the database."""
        return _Transaction(self._pool, ReadTx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def write(self) -> _Transaction[WriteTx]:
        """Run statements that commit together or not at all."""
        return _Transaction(self._pool, WriteTx, "BEGIN")

    def write_single(self) -> _Autocommit[WriteTx]:
        """Run one command that needs no other beside it: it commits by itself, in one round trip."""
        return _Autocommit(self._pool, WriteTx)


def _server_options() -> str:
    return " ".join(f"-c {name}={value}" for name, value in _SERVER_SETTINGS.items())


async def _configure(connection: Connection) -> None:
    # The statements of this program are a fixed set, all worth preparing.
    connection.prepared_max = None
