"""Turns events into jobs: each event once for each task that subscribes to its type."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from server.db.jobs import NewJob, defer_all
from server.db.session import Database, WriteTx
from server.events import queries
from server.events.queries import EventRow

_log = structlog.get_logger(__name__)

_BATCH: Final = 500
# NOTIFY would wake us sooner, but PostgreSQL serializes the commits of all transactions that notify: with 16 clients it
# cut the rate of small transactions to a quarter. Looking ten times a second costs next to nothing.
_IDLE_SECONDS: Final = 0.1
# News is there, but an older transaction still runs, or another dispatcher is at it.
_WAITING_SECONDS: Final = 0.02
_FAILED_SECONDS: Final = 1.0


class Dispatcher:
    """Reads the outbox behind a cursor and queues the subscribed jobs.

    The jobs and the cursor's move commit together, so an event is handed on exactly once, by however many dispatchers.
    A task gets `event_id`, `aggregate_id` (UUIDs as text) and `data`. The jobs of one task about one aggregate run one
    after the other, in the order of the events.
    """

    def __init__(
        self, db: Database, subscriptions: Mapping[str, Sequence[str]], *, cursor: str = "jobs", batch: int = _BATCH
    ) -> None:
        self._db = db
        self._subscriptions = subscriptions
        self._cursor = cursor
        self._batch = batch

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
        async with self._db.write() as tx:
            cursor = await queries.LOCK_CURSOR.first(tx, name=self._cursor)
            if cursor is None:
                return 0
            rows = await queries.LIST_AFTER.all(
                tx, transaction_id=cursor.transaction_id, position=cursor.position, limit=self._batch
            )
            settled = [row for row in rows if row.settled]
            if settled:
                await self._hand_on(tx, settled)
        return len(settled)

    async def start(self) -> None:
        """Make the cursor when there is none yet: it begins with the first event ever."""
        async with self._db.write_single() as tx:
            await queries.INSERT_CURSOR.run(tx, name=self._cursor)

    async def _turn(self) -> float:
        async with self._db.read() as tx:
            if not await queries.HAS_NEWS.one(tx, name=self._cursor):
                return _IDLE_SECONDS
        return 0 if await self.dispatch() else _WAITING_SECONDS

    async def _hand_on(self, tx: WriteTx, rows: list[EventRow]) -> None:
        jobs = [self._job(row, task_name) for row in rows for task_name in self._subscriptions.get(row.type, ())]
        await defer_all(tx, jobs)
        last = rows[-1]
        await queries.MOVE_CURSOR.run(
            tx, transaction_id=last.transaction_id, to_position=last.position, of_name=self._cursor
        )

    @staticmethod
    def _job(row: EventRow, task_name: str) -> NewJob:
        args = {"event_id": str(row.id), "aggregate_id": str(row.aggregate_id), "data": row.data}
        return NewJob(task_name, args, lock=f"{task_name}:{row.aggregate_id}")
