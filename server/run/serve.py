"""`kontor serve`: one worker in this process, or several, each in a process and on an address of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from server.metrics.meters import Metrics
from server.run.crew import Crew, Member
from server.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]


def server_command(*arguments: str) -> tuple[str, ...]:
    """Return the command line of this very program with other arguments."""
    # -P: a folder called `server` where the command was typed must not become the program.
    return (sys.executable, "-P", "-m", "server", *arguments)


def child_environment(given: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child: what was given, our own settings, and the way to this program."""
    path = [str(_ROOT), str(_ROOT / "generated"), *filter(None, [given.get("PYTHONPATH")])]
    return {**given, **own, "PYTHONPATH": os.pathsep.join(path)}


def worker_addresses(address: str, workers: int) -> list[str]:
    """Return an address for each worker: `{n}` in it is the number, else the port counts up.

    Raises ValueError when several workers would share one address: over HTTP/2 they would not share its load.
    """
    if "{n}" in address:
        return [address.replace("{n}", str(number)) for number in range(1, workers + 1)]
    if workers == 1:
        return [address]
    host, _, port = address.rpartition(":")
    if address.startswith("unix:") or not port.isdigit():
        raise ValueError(
            f"{workers} workers need {workers} addresses: write {{n}} where the number goes in {address!r}"
        )
    return [f"{host}:{int(port) + number}" for number in range(workers)]


def metrics_addresses(settings: Settings, processes: int) -> list[str]:
    """Return where each process shows its figures, if they do."""
    address = settings.metrics_address
    return worker_addresses(address, processes) if address else [""] * processes


def share_cores(settings: Settings, workers: int) -> Settings:
    """Return the settings of one worker out of several on this machine."""
    if settings.password_threads is not None:
        return settings
    # Each hash walks through 19 MiB. More of them at a time than there are cores push each other out of the processor's
    # caches, which made each a tenth slower.
    share = max(1, (os.cpu_count() or 1) // workers)
    return settings.model_copy(update={"password_threads": share})


async def serve(settings: Settings, address: str) -> None:
    """Run one worker on one address until SIGTERM. Raises AddressTaken."""
    from server.app import build
    from server.rpc.telemetry import configure_logging

    configure_logging(settings.log_level)
    async with await build(settings) as app, showing(app.core.metrics, settings):
        await app.server(address).run_until_terminated()


@asynccontextmanager
async def showing(metrics: Metrics, settings: Settings) -> AsyncIterator[None]:
    """Show the figures of this process while the block runs, where the settings name an address for it."""
    if not settings.metrics_address:
        yield
        return
    # It takes a while to import.
    from server.metrics.exposition import serving

    async with serving(metrics, settings.metrics_address):
        yield


def serve_with_crew(settings: Settings, addresses: Sequence[str], *, jobs: bool, log_folder: Path | None) -> int:
    """Run a process for each address, and one for jobs if asked to, until SIGTERM; return the exit code."""
    # Everything that the processes need is imported before they fork.
    import server.app

    if settings.metrics_address:
        import server.metrics.exposition  # noqa: F401  # Members find it loaded.
    from server.run.work import work

    def member(name: str, start: Callable[[], Coroutine[Any, Any, None]]) -> Member:
        log = log_folder / f"{name.replace(' ', '-')}.log" if log_folder else None
        return Member(name=name, run=partial(_run, start), log=log)

    *shown, shown_jobs = metrics_addresses(settings, len(addresses) + 1)
    own = share_cores(settings, len(addresses))
    members = [
        member(f"worker {number}", partial(serve, own.model_copy(update={"metrics_address": place}), address))
        for number, (address, place) in enumerate(zip(addresses, shown, strict=True), 1)
    ]
    if jobs:
        members.append(member("job worker", partial(work, settings.model_copy(update={"metrics_address": shown_jobs}))))
    return Crew(members, partial(print, flush=True)).run()


def _run(start: Callable[[], Coroutine[Any, Any, None]]) -> None:
    import uvloop

    uvloop.run(start())
