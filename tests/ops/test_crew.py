"""Forked workers: with real ones, small, under a crew in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.run.serve import metrics_addresses, worker_addresses
from server.settings import Settings
from tests.world.waiting import wait_until

ROOT = Path(__file__).parents[2]
CREW = """
import os, secrets, signal, sys, time
from pathlib import Path
from server.run.crew import Crew, Member
from server.kernel.ids import new_id

def work():
    print(os.getpid(), new_id(), secrets.token_hex(8), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("drained", flush=True)))
    while True:
        time.sleep(0.05)

def fail():
    raise RuntimeError("no database")

folder = Path(sys.argv[1])
kinds = {"worker 1": work, "worker 2": work, "failing worker": fail}
members = [Member(name=name, run=kinds[name], log=folder / name) for name in sys.argv[2:]]
sys.exit(Crew(members, lambda text: print(text, flush=True)).run())
"""


class RunningCrew:
    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        self.output = folder / "output"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", CREW, str(folder), *names], env=environment, stdout=output, stderr=output
            )

    def lines(self, name: str) -> list[str]:
        log = self.folder / name
        return log.read_text().splitlines() if log.exists() else []

    def pid(self, name: str) -> int:
        return int(self.lines(name)[-1].split()[0])

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[RunningCrew]:
    running = RunningCrew(tmp_path, "worker 1", "worker 2")
    try:
        wait_until(lambda: bool(running.lines("worker 1") and running.lines("worker 2")), "both work")
        yield running
    finally:
        running.close()


def test_forked_workers_draw_their_own_numbers(crew: RunningCrew) -> None:
    first, second = (crew.lines(name)[0].split() for name in ("worker 1", "worker 2"))

    assert not set(first) & set(second)


def test_a_dead_worker_is_replaced(crew: RunningCrew) -> None:
    os.kill(crew.pid("worker 1"), signal.SIGKILL)

    wait_until(lambda: len(crew.lines("worker 1")) == 2, "the worker is there again")
    assert crew.output.read_text() == "worker 1 ended (signal 9), starting again\n"
    assert len(crew.lines("worker 2")) == 1


def test_drains_all_of_them_at_the_end(crew: RunningCrew) -> None:
    crew.process.terminate()

    assert crew.process.wait(20) == 0
    assert [crew.lines(name)[-1] for name in ("worker 1", "worker 2")] == ["drained", "drained"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells children of their parent's death")
def test_no_worker_outlives_the_crew(crew: RunningCrew) -> None:
    pids = [crew.pid(name) for name in ("worker 1", "worker 2")]
    names = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in pids]

    crew.process.kill()

    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "no worker is left")
    assert names == ["kontor-worker-1", "kontor-worker-2"]


def test_gives_up_on_a_worker_that_keeps_ending(tmp_path: Path) -> None:
    crew = RunningCrew(tmp_path, "failing worker", "worker 1")

    assert crew.process.wait(30) == 1
    said = crew.output.read_text().splitlines()
    assert said[:-1] == ["failing worker ended (exit code 1), starting again"] * 5
    assert said[-1] == "failing worker keeps ending (exit code 1): RuntimeError: no database"
    assert crew.lines("worker 1")[-1] == "drained"


@pytest.mark.parametrize(
    ("address", "workers", "expected"),
    [
        ("0.0.0.0:50051", 1, ["0.0.0.0:50051"]),
        ("0.0.0.0:50051", 3, ["0.0.0.0:50051", "0.0.0.0:50052", "0.0.0.0:50053"]),
        ("unix:/run/worker.sock", 1, ["unix:/run/worker.sock"]),
        ("unix:/run/worker-{n}.sock", 2, ["unix:/run/worker-1.sock", "unix:/run/worker-2.sock"]),
    ],
)
def test_each_worker_has_an_address(address: str, workers: int, expected: list[str]) -> None:
    assert worker_addresses(address, workers) == expected


def test_each_process_shows_its_figures_at_an_address_of_its_own(settings: Settings) -> None:
    shown = settings.model_copy(update={"metrics_address": "127.0.0.1:9464"})

    assert metrics_addresses(shown, 3) == ["127.0.0.1:9464", "127.0.0.1:9465", "127.0.0.1:9466"]
    assert metrics_addresses(settings, 3) == ["", "", ""]


def test_refuses_one_address_for_several_workers() -> None:
    with pytest.raises(ValueError, match=re.escape("write {n} where the number goes in 'unix:/run/worker.sock'")):
        worker_addresses("unix:/run/worker.sock", 2)
