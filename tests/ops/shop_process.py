"""Run `kontor up` for tests, in a home and on ports of its own, and see what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.world.processes import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0
STOP_SECONDS = 60.0


@dataclass(slots=True)
class ShopProcess:
    """One `kontor up` and what it printed."""

    environment: Mapping[str, str]
    output: Path
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def home(self) -> Path:
        return Path(self.environment["KONTOR_HOME"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['KONTOR_HTTP_PORT']}"

    @property
    def grpc_target(self) -> str:
        return f"127.0.0.1:{self.environment['KONTOR_GRPC_PORT']}"

    @property
    def text(self) -> str:
        return self.output.read_text()

    def start(self, *, measured: bool = False) -> None:
        """Start it; one whose time is taken runs without coverage, which slows it down a lot."""
        environment = {
            name: value for name, value in self.environment.items() if not (measured and name.startswith("COVERAGE"))
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command("up"), env=environment, stdout=output, stderr=output, cwd="/", start_new_session=True
            )

    def wait_for(self, words: str) -> None:
        """Wait until it printed the words; fail when it ends before."""
        deadline = time.monotonic() + START_SECONDS
        while words not in self.text:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def children(self) -> dict[int, str]:
        """Return the command lines of its direct children by process id."""
        found = {}
        for folder in _processes():
            # Any process of the machine may end while it is looked at.
            with suppress(FileNotFoundError, ProcessLookupError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.process.pid:
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def cpu_seconds(self) -> float:
        """Return the processor time that all its processes took so far."""
        ticks = 0
        for folder in _belonging(self.home):
            # User and system time, its own and that of children that have ended.
            ticks += sum(map(int, (folder / "stat").read_text().rpartition(")")[2].split()[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def child(self, part: str) -> int:
        """Return the process id of the one child whose command line has the part."""
        (pid,) = [pid for pid, line in self.children().items() if part in line]
        return pid

    def descendant(self, name: str) -> int:
        """Return the process id of the one process of this shop with the name that `ps` shows."""
        (pid,) = [int(folder.name) for folder in _belonging(self.home) if _name(folder) == name[:15]]
        return pid


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "server", *arguments]


def shop_environment(home: Path, **variables: str) -> dict[str, str]:
    """Return an environment for `kontor up` with free ports, and nothing of Kontor's from outside."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("KONTOR_")}
    ports = {f"KONTOR_{name}_PORT": str(free_port()) for name in ("HTTP", "GRPC", "STRIPE")}
    # Of two shops that start at once, the one-command run would give both the same free ports.
    ports["KONTOR_METRICS_ADDRESS"] = f"127.0.0.1:{quiet_port()}"
    path = os.pathsep.join([str(ROOT), str(ROOT / "generated")])
    return {**outside, **ports, "PYTHONPATH": path, "KONTOR_HOME": str(home), **variables}


def quiet_port() -> int:
    """Return the first of ten ports that only this test process uses: the system hands out higher ones by itself."""
    return 20_000 + os.getpid() % 1_000 * 10


def run(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command(*arguments),
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        cwd="/",
    )


def left_behind(home: Path) -> list[str]:
    """Return the command lines of all processes that have to do with a home."""
    return [(folder / "cmdline").read_bytes().replace(b"\0", b" ").decode() for folder in _belonging(home)]


@contextmanager
def home_folder() -> Iterator[Path]:
    """Make a folder that PostgreSQL's own user can reach, with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="kontor-ops-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "home"


def _belonging(home: Path) -> list[Path]:
    mark = os.fsencode(home)
    found = []
    for folder in _processes():
        try:
            line, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if mark in line or b"KONTOR_HOME=" + mark in environment:
            found.append(folder)
    return found


def _name(folder: Path) -> str:
    return (folder / "comm").read_text().strip()


def _processes() -> list[Path]:
    return [folder for folder in Path("/proc").iterdir() if folder.name.isdigit() and (folder / "stat").exists()]
