"""Tells a process of what happened anywhere, soon after it was committed.

It looks into the outbox many times a second. That costs one index probe a look, where NOTIFY would serialize the
commits of every transaction that notifies. What happened while the database was away counts as lost.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from server.db.session import Database
from server.features.events import queries
from server.features.events.values import News
from server.kernel.event import Event, known_events
from server.kernel.payload import PayloadUnreadable, from_json

_log = structlog.get_logger(__name__)

_PAUSE_SECONDS: Final = 0.05
_AWAY_SECONDS: Final = 0.2
# A transaction that stays open keeps everything since it in sight; to read all that again and again helps nobody.
_FLOODED_SECONDS: Final = 1.0


class _Flooded(Exception):
    """More events are in sight than can be followed."""


class Follower:
    """Calls back with every event once, in any order between transactions.

    `on_lost` is called when the database is away, `on_found` when every event from then on will be seen.
    """

    def __init__(
        self,
        db: Database,
        *,
        on_events: Callable[[Sequence[Event]], None],
        on_found: Callable[[], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._db = db
        # Those that this program does not know were told by a newer one, and concern nobody here.
        self._kinds = known_events()
        self._on_events = on_events
        self._on_found = on_found
        self._on_lost = on_lost
        # Every event of a transaction before it was seen, or was there before the first look.
        self._floor: str | None = None
        # Those from the floor on that were seen already: transactions commit in any order.
        self._seen: frozenset[int] = frozenset()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look once, then go on in the background."""
        with suppress(_Flooded):
            await self._look()
        self._task = asyncio.create_task(self._run(), name="follow events")

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                await self._look()
                pause = _PAUSE_SECONDS
            except (psycopg.Error, PoolTimeout, PayloadUnreadable, _Flooded) as error:
                if self._floor is not None:
                    _log.warning("events.follower_lost", error=repr(error))
                self._floor = None
                self._on_lost()
                pause = _FLOODED_SECONDS if isinstance(error, _Flooded) else _AWAY_SECONDS
            await asyncio.sleep(pause)

    async def _look(self) -> None:
        async with self._db.read() as tx:
            found = self._floor is None
            floor = self._floor or await queries.get_horizon(tx)
            news = await queries.list_news(tx, floor=floor)
        if len(news) > queries.MAX_NEWS:
            raise _Flooded
        fresh = [event for event in news if event.position is not None and event.position not in self._seen]
        self._floor = news[0].horizon
        self._seen = frozenset(event.position for event in news if event.position is not None and not event.settled)
        if found:
            # What is there already is old: whoever is told of it begins now.
            self._on_found()
        elif fresh:
            self._tell(fresh)

    def _tell(self, fresh: Sequence[News]) -> None:
        events = [from_json(self._kinds[one.type], one.data) for one in fresh if one.type in self._kinds]
        if events:
            self._on_events(events)
