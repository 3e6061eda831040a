"""Keep child processes running: start, watch, start again, and stop them in reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, TypeVar

T = TypeVar("T")

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
# A program that ends this often within the time is not started again.
_RESTARTS: Final = 5
_RESTART_SECONDS: Final = 60.0
_PAUSES_SECONDS: Final = (0.0, 0.25, 0.5, 1.0, 2.0)


class ProgramFailed(Exception):
    """A child ended when it should not have; the message says which, how, and where its log is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, and how to end it.

    `stop_signals` are sent one after the other, each with the time of grace, before the process group is killed.
    `orphan_signal` is what the kernel sends when the parent dies by itself. Without a `log` the output is the parent's.
    """

    name: str
    command: tuple[str, ...]
    log: Path | None = None
    environment: Mapping[str, str] | None = None
    user: int | None = None
    group: int | None = None
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,)
    grace_seconds: float = 25.0
    orphan_signal: signal.Signals = signal.SIGKILL
    # Gets each line of standard output, which then is no part of the log.
    on_line: Callable[[str], None] | None = None
    # Runs before the first stop signal, such as letting go of connections.
    before_stop: Callable[[], Awaitable[None]] | None = None


@dataclass(slots=True)
class _Child:
    program: Program
    process: asyncio.subprocess.Process
    starts: deque[float] = field(default_factory=deque)
    keeper: asyncio.Task[None] | None = None


class Supervisor:
    """Runs programs until they are stopped, and says what it does about one that ends by itself.

    Until `settled` is called a program that ends is a failure at once; later it is started again, with pauses, and only
    one that keeps ending is a failure. `failure` then has the ProgramFailed.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._say = say
        self._children: list[_Child] = []
        self._settled = False

    async def start(self, program: Program) -> int:
        """Start a program and watch it; return its process id. Raises OSError when it cannot be started."""
        child = _Child(program, await spawn(program))
        child.starts.append(time.monotonic())
        self._children.append(child)
        child.keeper = asyncio.create_task(self._keep(child), name=f"keep {program.name}")
        return child.process.pid

    def settled(self) -> None:
        """From now on, start programs again that end."""
        self._settled = True

    async def unless_failed(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work; raise ProgramFailed as soon as a program fails meanwhile."""
        task = asyncio.create_task(work)
        either: set[asyncio.Future[Any]] = {task, self.failure}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self.failure.done():
                await self.failure
            return await task
        finally:
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def watch(self) -> None:
        """Wait until a program fails, and raise its ProgramFailed."""
        # Waiting for a future directly would cancel it together with whoever waits.
        await asyncio.wait({self.failure})
        await self.failure

    async def stop(self) -> None:
        """Stop everything, the last one started first; programs of one kind (`worker 1`, `worker 2`) together."""
        keepers = [child.keeper for child in self._children if child.keeper]
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        groups: list[list[_Child]] = []
        for child in reversed(self._children):
            kind = child.program.name.rstrip("0123456789 ")
            if groups and groups[-1][0].program.name.rstrip("0123456789 ") == kind:
                groups[-1].append(child)
            else:
                groups.append([child])
        for group in groups:
            await asyncio.gather(*(end(child.program, child.process) for child in group))
        self._children.clear()
        if self.failure.done():
            self.failure.exception()

    def kill(self) -> None:
        """Do not wait any longer: end what still runs at once."""
        for child in self._children:
            _signal_group(child.process, signal.SIGKILL)

    async def _keep(self, child: _Child) -> None:
        while True:
            status = await _listen(child.program, child.process)
            _signal_group(child.process, signal.SIGKILL)
            pause = next_pause(child.starts) if self._settled else None
            if pause is None:
                return self._fail(_epitaph(child.program, status))
            self._say(f"{child.program.name} ended ({how_it_ended(status)}), starting again")
            await asyncio.sleep(pause)
            child.starts.append(time.monotonic())
            try:
                child.process = await spawn(child.program)
            except OSError as error:
                return self._fail(f"{child.program.name} cannot be started again: {error}")

    def _fail(self, message: str) -> None:
        if not self.failure.done():
            self.failure.set_exception(ProgramFailed(message))


async def spawn(program: Program) -> asyncio.subprocess.Process:
    """Start a program in a session of its own, so that a Ctrl-C in the terminal reaches only the parent."""
    with contextlib.ExitStack() as stack:
        output: IO[bytes] | None = None
        if program.log:
            output = stack.enter_context(program.log.open("ab"))
        return await asyncio.create_subprocess_exec(
            *program.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if program.on_line else output,
            stderr=output,
            env=dict(program.environment) if program.environment is not None else None,
            # Another user may not be able to enter the folder of the parent.
            cwd="/" if program.user is not None else None,
            user=program.user,
            group=program.group,
            extra_groups=[] if program.user is not None else None,
            start_new_session=True,
            preexec_fn=tied_to_parent(program.orphan_signal),
        )


async def end(program: Program, process: asyncio.subprocess.Process) -> None:
    """End a process in an orderly way, and by force when it does not listen."""
    if process.returncode is None and program.before_stop:
        await program.before_stop()
    for number in program.stop_signals:
        if process.returncode is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), program.grace_seconds)
    _signal_group(process, signal.SIGKILL)
    await process.wait()


async def _listen(program: Program, process: asyncio.subprocess.Process) -> int:
    """Pass on what the process says until it ends; return its exit code."""
    if process.stdout and program.on_line:
        while line := await process.stdout.readline():
            program.on_line(line.decode(errors="replace").rstrip())
    return await process.wait()


def next_pause(starts: deque[float]) -> float | None:
    """Return how long to wait before the next start after those; None: it was started too often lately."""
    while starts and starts[0] < time.monotonic() - _RESTART_SECONDS:
        starts.popleft()
    recent = max(len(starts), 1)
    return None if recent > _RESTARTS else _PAUSES_SECONDS[recent - 1]


def last_line(log: Path | None) -> str:
    """Return the last line with text of a log; empty when there is none."""
    if log is None or not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")


def tied_to_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Return what a child does first after the fork, so that it cannot outlive its parent.

    Elsewhere than on Linux a parent that is killed leaves its children behind.
    """
    if sys.platform != "linux":
        return None
    # Loaded here: a forked child must not take the locks that an import takes.
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number))
        # The parent may have died before the line above.
        if os.getppid() != parent:
            os._exit(1)

    return tie


def set_process_name(name: str) -> None:
    """Set the name that `ps` and `top` show for this process; they show 15 letters."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def _signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    # The group has the number of its first process and lives on when that one has ended and others have not.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def how_it_ended(status: int) -> str:
    """Return an exit code, or the signal that is written as a negative one, in words."""
    return f"signal {-status}" if status < 0 else f"exit code {status}"


def _epitaph(program: Program, status: int) -> str:
    words = f"{program.name} ended ({how_it_ended(status)})"
    if program.log:
        line = last_line(program.log)
        words += f": {line}" if line else ""
        words += f" (log: {program.log})"
    return words
