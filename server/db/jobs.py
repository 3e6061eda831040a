"""The job queue: procrastinate, on the same PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import procrastinate
import procrastinate.jobs

from server.db.session import WriteTx
from server.db.statement import note_statement
from server.kernel.payload import to_json
from server.kernel.task import Task

# Never opened: it only writes jobs on connections of others, so its own connector needs no address.
_deferrer = procrastinate.App(connector=procrastinate.PsycopgConnector())


def make_job_app(dsn: str, max_size: int = 4) -> procrastinate.App:
    """Make the app in which a worker's features register their tasks."""
    return procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn, min_size=1, max_size=max_size))


async def defer(tx: WriteTx, task: Task, *, at: datetime | None = None) -> None:
    """Queue a task in the caller's transaction: it is done only if that commits; at a time, or at once."""
    note_statement(f"defer {task.name}")
    job = _deferrer.configure_task(task.name, connection=await tx.psycopg(), schedule_at=at)
    await job.defer_async(**to_json(task))


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


def job_of(task: Task) -> NewJob:
    """Make the job of a task, for `defer_all`."""
    return NewJob(task.name, to_json(task))
