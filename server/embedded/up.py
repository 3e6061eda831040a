"""`kontor up`: start the shop, say where it is, run until it is told to stop, leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from server.edge.config import BadEdge, find_envoy
from server.embedded.environment import ignored
from server.embedded.home import Home
from server.embedded.logs import keep_logs_small, trim_logs
from server.embedded.options import Options, check_ports, read_options
from server.embedded.screen import Screen
from server.embedded.shop import Shop
from server.embedded.trouble import CannotStart, explain
from server.run.supervisor import ProgramFailed


def up(environment: Mapping[str, str]) -> int:
    """Run the shop of this environment; return the exit code."""
    # What is private is made so on purpose; PostgreSQL's own user has to read the rest.
    os.umask(0o022)
    screen = Screen()
    try:
        options = read_options(environment)
        find_envoy()
        home = Home.from_environment(environment)
        home.make()
        with home.locked():
            check_ports(options)
            trim_logs(home.log)
            screen.line(f"{screen.strong('Kontor')}  data in {home.folder}")
            for variable in ignored(environment):
                screen.line(f"  {variable} is ignored: this run brings its own; `kontor serve` takes yours")
            return asyncio.run(_run(options, home, screen, environment))
    except (CannotStart, BadEdge, ProgramFailed) as trouble:
        return _refuse(str(trouble))
    except OSError as error:
        return _refuse(str(explain(error)))


class _Ending:
    """Turns signals into an orderly end: the first one asks for it, a further one does not wait."""

    def __init__(self, task: asyncio.Task[int]) -> None:
        self.asked = False
        self.hurry = asyncio.Event()
        self._task = task
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if self.asked:
            self.hurry.set()
        else:
            self.asked = True
            self._task.cancel()


async def _run(options: Options, home: Home, screen: Screen, environment: Mapping[str, str]) -> int:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  for the type checker: a coroutine runs in a task
    ending, began, ready = _Ending(task), time.monotonic(), False
    shop = Shop(options, home, screen, environment)
    logs = asyncio.create_task(keep_logs_small(home.log))
    try:
        await shop.start()
        ready = True
        _announce(shop, options, home, screen, time.monotonic() - began)
        await shop.supervisor.watch()
    except asyncio.CancelledError:
        if not ending.asked:
            raise
        # What follows runs to its end.
        task.uncancel()
    except ProgramFailed as failure:
        if not ready:
            raise
        print(f"Kontor stops: {failure}.", file=sys.stderr)
        return 1
    finally:
        logs.cancel()
        if ready or ending.asked:
            async with screen.step("Stopping"):
                await _stop(shop, ending)
        else:
            await _stop(shop, ending)
    return 0


async def _stop(shop: Shop, ending: _Ending) -> None:
    stopping, hurry = asyncio.create_task(shop.stop()), asyncio.create_task(ending.hurry.wait())
    await asyncio.wait({stopping, hurry}, return_when=asyncio.FIRST_COMPLETED)
    if hurry.done():
        shop.supervisor.kill()
    hurry.cancel()
    await stopping


def _announce(shop: Shop, options: Options, home: Home, screen: Screen, seconds: float) -> None:
    admin = options.admin_email
    if shop.made_password:
        admin += f"   password {shop.running().admin_password}   (shown this once)"
    elif options.admin_password not in (None, shop.running().admin_password):
        admin += "   KONTOR_ADMIN_PASSWORD is ignored: the administrator has a password already"
    rows = [
        ("REST", f"{options.http_url}   gRPC and gRPC-Web too"),
        ("gRPC", options.grpc_target),
        ("Stripe", f"{options.stripe_url}   the stand-in"),
        ("Mail", f"{home.mail}   each mail is a file"),
        ("Logs", str(home.log)),
        ("Metrics", shop.metrics),
        ("Admin", admin),
        ("", ""),
        ("Try", f"curl '{options.http_url}/v1/products?pageSize=3'"),
        ("", f"{_how_to_call('grpcurl')} -plaintext {options.grpc_target} list"),
        ("", f"{_how_to_call('kontor')} demo"),
        ("Stop", "Ctrl-C"),
    ]
    screen.line()
    screen.line(f"{screen.strong('Kontor is ready')} after {seconds:.1f} s")
    for name, value in rows:
        screen.line(f"  {name:<8}{value}".rstrip())
    screen.line()


def _how_to_call(program: str) -> str:
    """Return how to call a program from here: it may be in our virtual environment only."""
    beside_python = Path(sys.executable).parent / program
    if shutil.which(program) or not beside_python.exists():
        return program
    here = Path.cwd()
    return shlex.quote(str(beside_python.relative_to(here) if beside_python.is_relative_to(here) else beside_python))


def _refuse(words: str) -> int:
    print(f"Kontor cannot start: {words.removesuffix('.')}.", file=sys.stderr)
    return 1
