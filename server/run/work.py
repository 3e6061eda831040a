"""The job worker: runs queued jobs, and turns events into jobs."""

import asyncio
import signal
from typing import Final

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException

from server.app import build
from server.db.jobs import make_job_app
from server.features.events.dispatch_service import Dispatcher
from server.rpc.telemetry import configure_logging
from server.run.serve import showing
from server.settings import Settings

_log = structlog.get_logger(__name__)

_CONCURRENCY: Final = 10
_POLL_SECONDS: Final = 5.0
_RESTART_SECONDS: Final = 1.0


async def work(settings: Settings) -> None:
    """Run the job worker until SIGTERM."""
    configure_logging(settings.log_level)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # It answers nobody, so it keeps no answers.
    async with await build(settings.model_copy(update={"response_cache_bytes": 0})) as app:
        jobs = make_job_app(settings.database_url.get_secret_value())
        app.register_jobs(jobs)
        dispatcher = app.dispatcher()
        app.core.metrics.show(*dispatcher.figures())
        async with showing(app.core.metrics, settings):
            await work_until(stop, jobs, dispatcher)


async def work_until(
    stop: asyncio.Event, app: procrastinate.App, dispatcher: Dispatcher, *, concurrency: int = _CONCURRENCY
) -> None:
    """Work until told to stop, then finish the jobs at hand."""
    async with app.open_async():
        await dispatcher.start()
        tasks = [
            asyncio.create_task(dispatcher.run(), name="dispatch"),
            asyncio.create_task(_run_jobs(app, concurrency), name="jobs"),
        ]
        stopping = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in (stopping, *tasks):
            task.cancel()
        results = await asyncio.gather(stopping, *tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _run_jobs(app: procrastinate.App, concurrency: int) -> None:
    # procrastinate's worker ends when the database goes away, and waits for its jobs when it is cancelled.
    while True:
        try:
            await app.run_worker_async(
                concurrency=concurrency, install_signal_handlers=False, fetch_job_polling_interval=_POLL_SECONDS
            )
        except ConnectorException as error:
            _log.warning("work.database_lost", error=str(error))
        await asyncio.sleep(_RESTART_SECONDS)
