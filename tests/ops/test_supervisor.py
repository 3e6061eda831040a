"""Keeping processes running: with real ones, small."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from server.run.supervisor import Program, ProgramFailed, Supervisor, last_line

PATIENT = "import time; print('up', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def program(name: str, code: str, log: Path, **more: object) -> Program:
    return Program(name=name, command=(sys.executable, "-c", code), log=log, **more)  # type: ignore[arg-type]  # tests


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie that nobody waited for yet is dead.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
async def said() -> list[str]:
    return []


@pytest.fixture
async def supervisor(said: list[str]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(said.append)
    yield supervisor
    supervisor.kill()
    await supervisor.stop()


async def test_starts_again_what_ends(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = await supervisor.start(program("worker 1", PATIENT, log))
    supervisor.settled()
    await until(lambda: log.read_text() == "up\n")

    os.kill(first, signal.SIGKILL)

    await until(lambda: log.read_text() == "up\nup\n")
    assert said == ["worker 1 ended (signal 9), starting again"]
    assert not supervisor.failure.done()


async def test_gives_up_on_what_keeps_ending(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    await supervisor.start(program("Envoy", "print('no such file'); raise SystemExit(7)", log))
    supervisor.settled()

    with pytest.raises(ProgramFailed) as failed:
        await asyncio.wait_for(supervisor.watch(), 30)

    assert str(failed.value) == f"Envoy ended (exit code 7): no such file (log: {log})"
    assert said == ["Envoy ended (exit code 7), starting again"] * 5


async def test_before_it_is_settled_an_end_is_a_failure(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    await supervisor.start(program("PostgreSQL", "raise SystemExit(1)", tmp_path / "log"))

    with pytest.raises(ProgramFailed, match=r"PostgreSQL ended \(exit code 1\)"):
        await supervisor.unless_failed(asyncio.sleep(30))

    assert said == []


async def test_stops_in_reverse_order_and_by_force(supervisor: Supervisor, tmp_path: Path) -> None:
    ended: list[str] = []

    async def note(name: str) -> None:
        ended.append(name)

    logs = [tmp_path / "first", tmp_path / "second"]
    pids = [
        await supervisor.start(program("first", DEAF, logs[0], grace_seconds=0.2, before_stop=lambda: note("first"))),
        await supervisor.start(program("second", PATIENT, logs[1], before_stop=lambda: note("second"))),
    ]
    await until(lambda: all(log.read_text() == "up\n" for log in logs))

    await supervisor.stop()

    assert ended == ["second", "first"]
    assert [alive(pid) for pid in pids] == [False, False]


async def test_hears_what_a_program_says(supervisor: Supervisor, tmp_path: Path) -> None:
    lines: list[str] = []
    await supervisor.start(program("crew", PATIENT, tmp_path / "log", on_line=lines.append))

    await until(lambda: lines == ["up"])

    assert (tmp_path / "log").read_text() == ""


async def test_refuses_what_is_no_program(supervisor: Supervisor) -> None:
    with pytest.raises(FileNotFoundError):
        await supervisor.start(Program(name="Envoy", command=("/nowhere/envoy",)))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells children of their parent's death")
async def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"""
import asyncio, sys
from pathlib import Path
from server.run.supervisor import Program, Supervisor

async def main():
    supervisor = Supervisor(print)
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    await supervisor.start(Program(name="child", command=(sys.executable, "-c", code), log=Path({str(log)!r})))
    await asyncio.sleep(60)

asyncio.run(main())
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=environment)
    await until(lambda: log.exists() and log.read_text().endswith("\n"))
    child = int(log.read_text())
    assert alive(child)

    parent.kill()

    await parent.wait()
    await until(lambda: not Path(f"/proc/{child}").exists() or not alive(child))


def test_finds_the_last_line_that_says_something(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x" * 10_000 + "\nthe reason\n\n  \n")

    assert last_line(log) == "the reason"
    assert last_line(tmp_path / "none") == last_line(None) == ""
