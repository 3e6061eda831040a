"""Prepared statements over libpq itself: as many as wanted in one round trip.

psycopg opens the connections, adapts the values and makes the errors. Its cursors take no part: what they do around a
statement (objects of their own, a lock, a reader of the socket that comes and goes, looking up the types of the columns
each time) costs three times the exchange with the server.
"""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, errors, pq
from psycopg.abc import Transformer
from psycopg.pq.abc import PGconn, PGresult

# A caller that goes away leaves statements behind. Most end by themselves before anything is done about them.
_ENDS_BY_ITSELF_SECONDS: Final = 0.1
_ENDS_CANCELLED_SECONDS: Final = 5.0

# The server no longer has a statement, or its columns are others now: it is prepared anew on another connection.
_OUTDATED: Final = (errors.InvalidSqlStatementName, errors.FeatureNotSupported)

_numbers = count(1)


class Prepared:
    """A statement, and the name under which each connection prepares it.

    Its parameters are `$1`, `$2`, ...; `types` are PostgreSQL's numbers of their types, 0 where the statement tells.
    """

    __slots__ = ("loader", "name", "sql", "text", "types")

    def __init__(self, sql: str, types: Sequence[int] = ()) -> None:
        self.sql = sql
        self.text = sql.encode()
        self.types = types
        # What reads its rows, from the first one on; forgotten when the server says that its columns have changed.
        self.loader: Transformer | None = None
        self.name = b"kontor_%d" % next(_numbers)


# A statement with its values, each as PostgreSQL reads it; None is NULL.
Sending = tuple[Prepared, Sequence[bytes | None]]


class Connection(AsyncConnection[tuple[Any, ...]]):
    """A connection of psycopg's that can also be used by a wire, never by both at once."""

    def __init__(self, pgconn: PGconn, *args: Any, **options: Any) -> None:
        super().__init__(pgconn, *args, **options)
        self.wire = Wire(self)

    async def close(self) -> None:
        """Close it, whoever uses it."""
        # A socket closed under its reader would leave the event loop deaf for the next one that gets its number.
        self.wire.detach()
        await super().close()


class Wire:
    """Runs prepared statements on a connection, in libpq's pipeline mode and with one reader for all of them."""

    __slots__ = ("_connection", "_exchange", "_loop", "_pgconn", "_prepared", "_socket")

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._prepared: set[bytes] = set()
        # The number of the socket while it is read here; None: psycopg has the connection.
        self._socket: int | None = None
        self._exchange: _Exchange | None = None

    async def run(self, sendings: Sequence[Sending]) -> list[PGresult]:
        """Run statements in one round trip and return their results; none runs after one that failed.

        Where no transaction is open they are one together. Raises psycopg.Error, of which OperationalError means that
        the connection may be lost too.
        """
        if self._exchange is not None:
            raise RuntimeError("two tasks use one transaction at the same time")
        exchange = self._exchange = _Exchange(self._loop)
        try:
            if self._socket is None:
                self._attach()
            self._send(sendings, exchange)
        except BaseException:
            self._give_up()
            raise
        try:
            await exchange.ended
        except asyncio.CancelledError:
            await self._come_to_rest(exchange)
            raise
        try:
            return exchange.results()
        except _OUTDATED as error:
            self._give_up()
            for statement, _ in sendings:
                statement.loader = None
            # What a lost connection is: the same call may succeed on the next one.
            raise psycopg.OperationalError(f"a statement is out of date: {error}") from error
        except psycopg.Error as error:
            if self._pgconn.status == pq.ConnStatus.OK or isinstance(error, psycopg.OperationalError):
                raise
            # What came was no answer of PostgreSQL's.
            raise psycopg.OperationalError(str(error)) from error

    @property
    def busy(self) -> bool:
        """Whether statements are under way."""
        return self._exchange is not None

    def detach(self) -> None:
        """Leave the connection to psycopg, whose methods wait for the socket in a way of their own.

        Statements that are still under way are lost, and the connection with them.
        """
        if self._exchange is not None:
            self._lose(psycopg.OperationalError("the connection was taken away from its statements"))
        elif self._socket is not None:
            self._stop_reading()
            self._pgconn.exit_pipeline_mode()

    def _attach(self) -> None:
        self._pgconn.enter_pipeline_mode()
        self._socket = self._pgconn.socket
        self._loop.add_reader(self._socket, self._read)

    def _stop_reading(self) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket = None

    def _send(self, sendings: Sequence[Sending], exchange: "_Exchange") -> None:
        pgconn = self._pgconn
        for statement, values in sendings:
            name = statement.name
            if name not in self._prepared:
                pgconn.send_prepare(name, statement.text, statement.types)
                exchange.expected.append(name)
                self._prepared.add(name)
            pgconn.send_query_prepared(name, values)
            exchange.expected.append(None)
        pgconn.pipeline_sync()
        if pgconn.flush():
            # The server reads slower than we write; what it has to say meanwhile is read too.
            self._loop.add_writer(pgconn.socket, self._write)

    def _write(self) -> None:
        try:
            if self._pgconn.flush():
                return
        except psycopg.Error as error:
            self._lose(error)
        else:
            self._loop.remove_writer(self._pgconn.socket)

    def _read(self) -> None:
        pgconn = self._pgconn
        exchange = self._exchange
        try:
            pgconn.consume_input()
            # Unasked, the server only says that it ends, or that a setting has changed.
            while exchange is not None and not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    # Between two results; or for ever, when what came was no answer of PostgreSQL's.
                    if pgconn.status == pq.ConnStatus.BAD:
                        raise psycopg.OperationalError(pgconn.get_error_message())
                    continue
                if result.status == pq.ExecStatus.PIPELINE_SYNC:
                    self._exchange = None
                    self._prepared.difference_update(exchange.unprepared())
                    exchange.end()
                    return
                exchange.received.append(result)
        except psycopg.Error as error:
            self._lose(error)

    async def _come_to_rest(self, exchange: "_Exchange") -> None:
        """Wait until the statements have ended, so that the connection can go on; make an end of it if they do not."""
        for seconds in (_ENDS_BY_ITSELF_SECONDS, _ENDS_CANCELLED_SECONDS):
            if self._exchange is not exchange:
                return
            exchange.ended = self._loop.create_future()
            try:
                await asyncio.wait([exchange.ended], timeout=seconds)
                if self._exchange is exchange and seconds == _ENDS_BY_ITSELF_SECONDS:
                    await self._connection.cancel_safe(timeout=_ENDS_CANCELLED_SECONDS)
            except (asyncio.CancelledError, psycopg.Error):
                break
        if self._exchange is exchange:
            self._give_up()

    def _lose(self, error: psycopg.Error) -> None:
        """End the exchange at hand, if any: the connection is gone."""
        exchange = self._exchange
        self._give_up()
        if exchange is not None:
            exchange.end(error)

    def _give_up(self) -> None:
        """Close the connection; its pool puts another in its place."""
        self._stop_reading()
        self._exchange = None
        self._pgconn.finish()


class _Exchange:
    """What was sent at once, and what came back for it."""

    __slots__ = ("ended", "expected", "received")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ended: asyncio.Future[None] = loop.create_future()
        # The name of a statement that is prepared; None for one that is run.
        self.expected: list[bytes | None] = []
        self.received: list[PGresult] = []

    def end(self, error: psycopg.Error | None = None) -> None:
        """Wake up who waits for it. What the server had said before it went away says more than that it went."""
        if self.ended.done():
            return
        if error is None or self._failed() is not None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)

    def results(self) -> list[PGresult]:
        """Return the result of each statement that was run. Raises psycopg.Error for the first one that failed."""
        failed = self._failed()
        if failed is not None:
            raise errors.error_from_result(failed)
        if len(self.received) != len(self.expected):
            raise psycopg.OperationalError("the server closed the connection in the middle of its answer")
        return [result for result, name in zip(self.received, self.expected, strict=True) if name is None]

    def unprepared(self) -> list[bytes]:
        """Return the names of the statements that could not be prepared."""
        pairs = zip(self.expected, self.received, strict=False)
        return [name for name, result in pairs if name is not None and result.status != pq.ExecStatus.COMMAND_OK]

    def _failed(self) -> PGresult | None:
        for result in self.received:
            if result.status == pq.ExecStatus.FATAL_ERROR:
                return result
        return None
