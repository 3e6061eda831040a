"""Turns events into jobs: each event once for each task that subscribes to its type."""

import asyncio
from collections.abc import Iterable, Sequence
from time import time
from typing import Any, Final

import structlog

from server.db.handlers import AnySubscription, BatchSubscription
from server.db.jobs import NewJob, defer_all
from server.db.session import Database, WriteTx
from server.features.events import queries
from server.features.events.values import RecordedEvent
from server.kernel.event import Event
from server.kernel.ids import EVENT
from server.metrics.meters import Figure, gauge

_log = structlog.get_logger(__name__)

_BATCH: Final = 500
# How many events one job gets at most. A worker that is killed in the middle may do up to all of them twice: for mails,
# that is how many customers hear the same thing again.
_JOB_BATCH: Final = 10
# NOTIFY would wake us sooner, but PostgreSQL serializes the commits of all transactions that notify: with 16 clients it
# cut the rate of small transactions to a quarter. Looking ten times a second costs next to nothing.
_IDLE_SECONDS: Final = 0.1
# After a batch the next one may gather: its jobs, and its turn, cost the same however many events there are.
_GATHERING_SECONDS: Final = 0.25
# News is there, but an older transaction still runs, or another dispatcher is at it.
_WAITING_SECONDS: Final = 0.02
_FAILED_SECONDS: Final = 1.0


class Dispatcher:
    """Reads the outbox behind a cursor and queues the subscribed jobs.

    The jobs and the cursor's move commit together, so an event is handed on exactly once, by however many dispatchers.
    The jobs of one subscription about one aggregate run one after the other, in the order of the events; those of one
    that takes them in batches, as they come.
    """

    def __init__(
        self, db: Database, subscriptions: Iterable[AnySubscription], *, cursor: str = "jobs", batch: int = _BATCH
    ) -> None:
        self._db = db
        self._subscriptions: dict[str, list[AnySubscription]] = {}
        for subscription in subscriptions:
            self._subscriptions.setdefault(subscription.event.name, []).append(subscription)
        self._cursor = cursor
        self._batch = batch
        # What was told before this time is handed on, as far as is known.
        self._handed_on_until = time()

    def subscriptions(self, kind: type[Event]) -> Sequence[AnySubscription]:
        """Return who hears of a kind of event: any number."""
        return tuple(self._subscriptions.get(kind.name, ()))

    def figures(self) -> Sequence[Figure]:
        """Return what it tells about itself."""
        return (
            gauge(
                "kontor_event_lag_seconds",
                "How long ago the oldest event was told that is not handed on yet; without one, the last look.",
                lambda: max(0.0, time() - self._handed_on_until),
            ),
        )

    async def run(self) -> None:
        """Dispatch until cancelled; a database that is away is waited for."""
        while True:
            try:
                pause = await self._turn()
            except Exception:  # The edge of the process: nobody above could do better than try again.
                _log.exception("events.dispatch_failed")
                pause = _FAILED_SECONDS
            await asyncio.sleep(pause)

    async def dispatch(self) -> int:
        """Hand on what can be handed on now, one batch at most; return how many events."""
        looked = time()
        async with self._db.write() as tx:
            cursor = await queries.lock_cursor(tx, self._cursor)
            if cursor is None:
                return 0
            rows = await queries.list_after(tx, cursor, count=self._batch)
            settled = [row for row in rows if row.settled]
            if settled:
                await self._hand_on(tx, settled)
        self._handed_on_until = self._until(rows, len(settled), looked)
        return len(settled)

    async def start(self) -> None:
        """Make the cursor when there is none yet: it begins with the first event ever."""
        async with self._db.write_single() as tx:
            await queries.insert_cursor(tx, self._cursor)

    async def _turn(self) -> float:
        looked = time()
        async with self._db.read() as tx:
            if not await queries.has_news(tx, self._cursor):
                self._handed_on_until = looked
                return _IDLE_SECONDS
        handed_on = await self.dispatch()
        if handed_on == self._batch:
            return 0
        return _GATHERING_SECONDS if handed_on else _WAITING_SECONDS

    def _until(self, rows: list[RecordedEvent], handed_on: int, looked: float) -> float:
        if handed_on < len(rows):
            return rows[handed_on].created_time.timestamp()
        # Behind a full batch there may be more, younger than its last.
        return rows[-1].created_time.timestamp() if handed_on == self._batch else looked

    async def _hand_on(self, tx: WriteTx, rows: list[RecordedEvent]) -> None:
        await defer_all(tx, self._jobs(rows))
        await queries.move_cursor(tx, self._cursor, last=rows[-1])

    def _jobs(self, rows: list[RecordedEvent]) -> list[NewJob]:
        jobs = []
        batches: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            args = {"event_id": EVENT.write(row.id), "data": row.data}
            for subscription in self._subscriptions.get(row.type, ()):
                name = subscription.name
                if isinstance(subscription, BatchSubscription):
                    batches.setdefault(name, []).append(args)
                else:
                    jobs.append(NewJob(name, args, lock=f"{name}:{row.aggregate_id}"))
        for name, events in batches.items():
            parts = [events[start : start + _JOB_BATCH] for start in range(0, len(events), _JOB_BATCH)]
            jobs += [NewJob(name, {"events": part}) for part in parts]
        return jobs
