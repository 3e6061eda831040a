"""The job queue: procrastinate, on the same PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import procrastinate
import procrastinate.jobs

from server.db.session import WriteTx
from server.db.statement import note_statement

# Never opened: it only writes jobs on connections of others, so its own connector needs no address.
_deferrer = procrastinate.App(connector=procrastinate.PsycopgConnector())

# For tasks that talk to others: eleven tries in a day, after 3, 9, 27, ... seconds.
RETRY: Final = procrastinate.RetryStrategy(max_attempts=10, exponential_wait=3)


def make_job_app(dsn: str, max_size: int = 4) -> procrastinate.App:
    """Make the app in which a worker's features register their tasks."""
    return procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn, min_size=1, max_size=max_size))


async def defer(tx: WriteTx, task_name: str, /, **args: Any) -> None:
    """Queue a job in the caller's transaction: it runs only if that commits. Arguments are JSON values."""
    await defer_at(tx, task_name, None, **args)


async def defer_at(tx: WriteTx, task_name: str, at: datetime | None, /, **args: Any) -> None:
    """Queue a job that runs at a time, or at once."""
    note_statement(f"defer {task_name}")
    job = _deferrer.configure_task(task_name, connection=await tx.psycopg(), schedule_at=at)
    await job.defer_async(**args)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be queued. Jobs of one lock run one after the other, in the order in which they were queued."""

    task_name: str
    args: dict[str, Any]
    lock: str | None = None


async def defer_all(tx: WriteTx, jobs: Sequence[NewJob]) -> None:
    """Queue jobs of any tasks in the caller's transaction, in one statement, in the order given."""
    if not jobs:
        return
    note_statement("defer " + ", ".join(sorted({job.task_name for job in jobs})))
    queued = [
        procrastinate.jobs.Job(
            queue=procrastinate.jobs.DEFAULT_QUEUE,
            task_name=job.task_name,
            task_kwargs=job.args,
            lock=job.lock,
            queueing_lock=None,
        )
        for job in jobs
    ]
    await _deferrer.job_manager.batch_defer_jobs_async(queued, connection=await tx.psycopg())
