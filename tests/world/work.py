"""What the shop does besides answering: events become jobs, and jobs run."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import procrastinate

from server.app import App
from server.db.jobs import NewJob, defer_all, make_job_app


class Work:
    """Hands on every event and runs every job that is due. Its connections are opened by the first who asks for it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stack = AsyncExitStack()
        self._jobs: procrastinate.App | None = None
        self._dispatcher = app.dispatcher()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def __call__(self, *periodic: str) -> None:
        """Work everything off; the periodic jobs that are named are due as well."""
        if self._jobs is None:
            self._jobs = make_job_app(self._app.core.db.dsn)
            self._app.register_jobs(self._jobs)
            # The worker would defer them by the wall clock, and a test would be another one every minute.
            self._jobs.periodic_registry.periodic_tasks.clear()
            await self._stack.enter_async_context(self._jobs.open_async())
            await self._dispatcher.start()
        async with self._app.core.db.write() as tx:
            await defer_all(tx, [NewJob(name, {"timestamp": 0}) for name in periodic])
        # Jobs cause events, and events cause jobs.
        fresh = True
        while fresh:
            while await self._dispatcher.dispatch():
                pass
            await self._jobs.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)
            fresh = bool(await self._dispatcher.dispatch())
