"""The housekeeping that belongs to no feature: what is over goes, and what a dead worker left is taken up."""

from typing import Final

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status

from server.db.handlers import Jobs, Periodic
from server.db.idempotency import delete_expired
from server.db.session import Database
from server.kernel.clock import Clock

_log = structlog.get_logger(__name__)

# Finished jobs are kept this long to look at, failed ones longer.
_KEEP_DONE_HOURS: Final = 24
_KEEP_FAILED_HOURS: Final = 24 * 30


def upkeep_jobs(app: procrastinate.App, *, db: Database, clock: Clock) -> Jobs:
    """List the housekeeping that belongs to no feature; `app` is the worker's, whose old jobs go too."""

    async def delete_expired_keys() -> None:
        await delete_expired(db, clock.now())

    async def delete_old_jobs() -> None:
        await app.job_manager.delete_old_jobs(nb_hours=_KEEP_DONE_HOURS)
        await app.job_manager.delete_old_jobs(
            nb_hours=_KEEP_FAILED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )

    async def retry_stalled_jobs() -> None:
        # Their worker was killed: it has not shown a sign of life for a while.
        for job in await app.job_manager.get_stalled_jobs():
            _log.warning("work.job_stalled", task=job.task_name, job_id=job.id)
            try:
                await _take_up(app, job)
            except ConnectorException as error:
                # It ended by itself meanwhile, or the database refuses it: the others still want their turn.
                _log.error("work.stalled_job_stays", task=job.task_name, job_id=job.id, error=str(error))

    return Jobs(
        periodics=[
            Periodic("upkeep.delete_expired_keys", "*/10 * * * *", delete_expired_keys),
            Periodic("upkeep.delete_old_jobs", "41 3 * * *", delete_old_jobs),
            Periodic("upkeep.retry_stalled_jobs", "* * * * *", retry_stalled_jobs),
        ]
    )


async def _take_up(app: procrastinate.App, job: Job) -> None:
    """Bring a dead worker's job back into the queue, or make an end of it where another one takes its place."""
    if job.queueing_lock is None:
        await app.job_manager.retry_job(job)
        return
    # The next tick of the clock does the same work. Most often it waits in the queue already, where only one may have
    # this queueing lock, and cannot begin before the dead one gives its lock up.
    await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
