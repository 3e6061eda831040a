"""The embedded PostgreSQL: made once, run in the foreground as a child, reached through a private unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.embedded.home import Home, socket_folder
from server.embedded.postgres_setup import check_passage, ensure_account, find_programs, initdb_options, settings
from server.embedded.trouble import CannotStart, explain
from server.run.supervisor import Program, last_line

_READY_SECONDS: Final = 120.0
_LEFTOVER_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Postgres:
    """One PostgreSQL in `home.postgres`. `account` is the user it drops to in a run as root."""

    home: Home
    account: pwd.struct_passwd | None
    programs: Path

    @classmethod
    def at(cls, home: Home) -> Postgres:
        """Find the programs and the user. Raises CannotStart."""
        account = ensure_account() if os.geteuid() == 0 else None
        try:
            home.postgres.mkdir(mode=0o700, exist_ok=True)
            if account:
                os.chown(home.postgres, account.pw_uid, account.pw_gid)
                check_passage(home.folder)
            return cls(home, account, find_programs(home.folder, account))
        except OSError as error:
            raise explain(error) from None

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home.postgres / "data"

    @property
    def sockets(self) -> Path:
        """The folder of the socket; only PostgreSQL's user, this user and root can enter it."""
        return socket_folder(self.home.postgres)

    @property
    def log(self) -> Path:
        """PostgreSQL's log."""
        return self.home.log / "postgresql.log"

    def url(self, *, user: str = "kontor", database: str = "kontor") -> str:
        """Return the address of a database."""
        return f"postgresql://{user}@/{database}?host={self.sockets}"

    def initialise(self) -> None:
        """Make the data directory when there is none. Raises CannotStart."""
        if self.data.exists():
            return self._check_version()
        fresh = self.home.postgres / "data.new"
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            command = [str(self.programs / "initdb"), "-D", str(fresh), *initdb_options()]
            made = self._run(command)
            if made.returncode:
                raise CannotStart(f"PostgreSQL cannot make its data folder: {_reason(made.stderr or made.stdout)}")
            # Renamed at the end, so that a start that was killed in between begins anew.
            fresh.rename(self.data)
        except OSError as error:
            raise explain(error) from None

    def program(self) -> Program:
        """Return how to run the server; its settings are written anew. Raises CannotStart."""
        config = self.data / "kontor.conf"
        try:
            config.write_text(settings(self.sockets), encoding="utf-8")
            config.chmod(0o644)
        except OSError as error:
            raise explain(error) from None
        return Program(
            name="PostgreSQL",
            command=(str(self.programs / "postgres"), "-D", str(self.data), "-c", f"config_file={config}"),
            log=self.log,
            user=self.account.pw_uid if self.account else None,
            group=self.account.pw_gid if self.account else None,
            # SIGINT is the fast shutdown; SIGQUIT gives up on an orderly one, and the next start recovers from the log.
            stop_signals=(signal.SIGINT, signal.SIGQUIT),
            orphan_signal=signal.SIGINT,
        )

    async def stop_leftover(self) -> bool:
        """Stop a server that an earlier run left behind; return whether there was one. Raises CannotStart."""
        pid = self._leftover()
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + _LEFTOVER_SECONDS
        while _is_server(pid, self.data):
            if time.monotonic() > deadline:
                raise CannotStart(f"a PostgreSQL of an earlier run does not end: stop it with `kill -QUIT {pid}`")
            await asyncio.sleep(0.05)
        return True

    async def ready(self) -> None:
        """Wait until the server takes connections. Raises CannotStart."""
        deadline = time.monotonic() + _READY_SECONDS
        while not self._says_ready():
            if time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL does not get ready: {last_line(self.log)} (log: {self.log})")
            await asyncio.sleep(0.02)

    def ensure_database(self) -> None:
        """Make the shop's user and database when they are missing. Raises CannotStart."""
        import psycopg

        try:
            self._ensure_database()
        except psycopg.Error as error:
            raise CannotStart(f"PostgreSQL refused to make the shop's database: {error} (log: {self.log})") from None

    def _ensure_database(self) -> None:
        import psycopg

        with psycopg.connect(self.url(user="postgres", database="postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'kontor'").fetchone() is None:
                connection.execute("CREATE ROLE kontor LOGIN")
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'kontor'").fetchone() is None:
                connection.execute("CREATE DATABASE kontor OWNER kontor")
        with psycopg.connect(self.url(user="postgres"), autocommit=True) as connection:
            # The one extension that an owner may not make for itself.
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        shown = subprocess.run([self.programs / "postgres", "--version"], check=True, capture_output=True, text=True)
        version = shown.stdout.split()[2]
        if version.partition(".")[0] != made_by:
            raise CannotStart(
                f"the data in {self.data} is of PostgreSQL {made_by}, and PostgreSQL {version} cannot read it: dump it "
                f"with the old version, move the folder away, start again and restore"
            )

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        if self.account is None:
            return subprocess.run(command, check=False, capture_output=True, text=True)
        user, group = self.account.pw_uid, self.account.pw_gid
        # Its user may not be able to enter the folder that this command was typed in.
        return subprocess.run(
            command, check=False, capture_output=True, text=True, user=user, group=group, extra_groups=[], cwd="/"
        )

    def _says_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _leftover(self) -> int | None:
        """Return the process id of a server that runs on our data; a stale file is no server."""
        file = self.data / "postmaster.pid"
        try:
            pid = int(file.read_text().splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        if _is_server(pid, self.data):
            return pid
        # PostgreSQL would take any process with this number, such as after a reboot, for itself.
        file.unlink(missing_ok=True)
        return None


def _is_server(pid: int, data: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        if Path("/proc/self").exists():
            return False
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True
    return os.fsencode(data) in command


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "no reason given")
