"""Notifications: one connection a process listens for what other processes committed."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self

import structlog
from psycopg import AsyncConnection, Error, OperationalError, sql

_log = structlog.get_logger(__name__)

_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 5.0
# A silent connection is asked for a sign of life this often.
_CHECK_SECONDS: Final = 20.0

_CONNECTION: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    # A peer that vanished without a word is given up after seconds, not after the kernel's quarter of an hour.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

OnNotify = Callable[[str], None]
OnReconnect = Callable[[], Awaitable[None]]


def _end_process() -> None:
    # In good order, as when an operator ends it; whoever keeps the processes running starts it again.
    os.kill(os.getpid(), signal.SIGTERM)


class Listener:
    """Calls back for notifications. Register with `on`, then `start`.

    Notifications that were sent while the connection was down are lost; `on_reconnect` makes up for them. It also runs
    after the first connect, and always after LISTEN, so nothing falls between loading and listening.

    A process that hears nothing any more would take ended sessions for good ones: when listening fails for good, for
    another reason than the database, `on_end` ends the process.
    """

    def __init__(self, dsn: str, *, on_end: Callable[[], None] = _end_process) -> None:
        self._dsn = dsn
        self._on_end = on_end
        self._callbacks: dict[str, list[OnNotify]] = {}
        self._on_reconnect: list[OnReconnect] = []
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    def on(self, channel: str, callback: OnNotify, on_reconnect: OnReconnect | None = None) -> None:
        """Call back with the payload of every notification on a channel."""
        self._callbacks.setdefault(channel, []).append(callback)
        if on_reconnect is not None:
            self._on_reconnect.append(on_reconnect)

    async def start(self) -> Self:
        """Start listening; return when the first connection listens and everything is loaded."""
        self._task = asyncio.create_task(self._run(), name="listen")
        waiter = asyncio.create_task(self._listening.wait())
        await asyncio.wait({self._task, waiter}, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        if self._task.done():
            self._task.result()
        self._task.add_done_callback(self._ended)
        return self

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            return
        _log.critical("listen.ended", exc_info=task.exception())
        self._on_end()

    async def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        started = False
        while True:
            try:
                async with await AsyncConnection.connect(self._dsn, autocommit=True, **_CONNECTION) as connection:
                    await self._subscribe(connection)
                    started = True
                    pause = _FIRST_PAUSE_SECONDS
                    await self._receive(connection)
            except (Error, OSError) as error:
                if not started and not isinstance(error, OperationalError | OSError):
                    # Such as a table that is missing: a process that cannot load must not start.
                    raise
                self._listening.clear()
                _log.warning("listen.lost", error=str(error), retry_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _subscribe(self, connection: AsyncConnection) -> None:
        for channel in self._callbacks:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        for reload in self._on_reconnect:
            await reload()
        self._listening.set()

    async def _receive(self, connection: AsyncConnection) -> None:
        while True:
            async for notification in connection.notifies(timeout=_CHECK_SECONDS):
                self._dispatch(notification.channel, notification.payload)
            await connection.execute("SELECT 1")

    def _dispatch(self, channel: str, payload: str) -> None:
        for callback in self._callbacks.get(channel, ()):
            try:
                callback(payload)
            except Exception:
                # One subscriber's defect must not take the notifications from the others.
                _log.exception("listen.callback_failed", channel=channel)
