"""Processes that are forked from one that has imported everything, and are kept running.

To import the program takes longer than to run most of its tests, and its code is half of a worker's memory: forked
workers share both. For that, whatever opens a connection, starts a thread or draws random numbers belongs into the
member's own `run`, which begins after the fork.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from server.run.supervisor import how_it_ended, last_line, next_pause, set_process_name, tied_to_parent

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_GRACE_SECONDS: Final = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One process: what it runs until SIGTERM, and where its output goes (None: where the crew's goes)."""

    name: str
    run: Callable[[], None]
    log: Path | None = None


@dataclass(slots=True)
class _Place:
    member: Member
    pid: int | None = None
    due: float = 0.0
    starts: deque[float] = field(default_factory=deque)


class Crew:
    """Keeps a process for each member, until SIGTERM or until one of them keeps ending."""

    def __init__(self, members: Sequence[Member], say: Callable[[str], None]) -> None:
        self._places = [_Place(member) for member in members]
        self._say = say
        self._stopping = False
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_writer, False)

    def run(self) -> int:
        """Run until the end; return the exit code."""
        # What is there now is shared by all: the collector shall not touch it, and so copy it, in each of them.
        gc.collect()
        gc.freeze()
        signal.set_wakeup_fd(self._wake_writer)
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)
        failed = None
        while not self._stopping and failed is None:
            self._start_due()
            self._sleep()
            failed = self._reap()
        self._stop()
        if failed:
            self._say(failed)
        return 1 if failed else 0

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._stopping = self._stopping or number != signal.SIGCHLD

    def _start_due(self) -> None:
        now = time.monotonic()
        for place in self._places:
            if place.pid is None and place.due <= now and not self._stopping:
                place.starts.append(now)
                place.pid = self._fork(place.member)

    def _sleep(self, at_most: float | None = None) -> None:
        due = [place.due for place in self._places if place.pid is None]
        patience = at_most if at_most is not None or not due else max(0.0, min(due) - time.monotonic())
        # A signal writes a byte; without one the loop goes on when the next start is due.
        if select.select([self._wake_reader], [], [], patience)[0]:
            os.read(self._wake_reader, 4096)

    def _reap(self) -> str | None:
        """Take note of members that ended; return why to give up, if so."""
        for place in self._places:
            status = _wait(place.pid) if place.pid else None
            if status is None:
                continue
            place.pid = None
            if self._stopping:
                continue
            pause = next_pause(place.starts)
            if pause is None:
                line = last_line(place.member.log)
                return f"{place.member.name} keeps ending ({how_it_ended(status)}){f': {line}' if line else ''}"
            place.due = time.monotonic() + pause
            self._say(f"{place.member.name} ended ({how_it_ended(status)}), starting again")
        return None

    def _stop(self) -> None:
        self._stopping = True
        self._signal_all(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        while any(place.pid for place in self._places) and time.monotonic() < deadline:
            self._sleep(at_most=0.05)
            self._reap()
        self._signal_all(signal.SIGKILL)

    def _signal_all(self, number: signal.Signals) -> None:
        for place in self._places:
            if place.pid:
                os.kill(place.pid, number)

    def _fork(self, member: Member) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        tie = tied_to_parent(signal.SIGKILL)
        pid = os.fork()
        if pid == 0:
            self._become(member, tie)
        return pid

    def _become(self, member: Member, tie: Callable[[], None] | None) -> NoReturn:
        """Be the member, and end with it: nothing of the crew's own work may go on in here."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            if tie:
                tie()
            set_process_name(f"kontor-{member.name.replace(' ', '-')}")
            if member.log:
                with member.log.open("ab") as log:
                    os.dup2(log.fileno(), 1)
                    os.dup2(log.fileno(), 2)
            member.run()
            status = 0
        except SystemExit as ending:
            status = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def _wait(pid: int) -> int | None:
    """Return how a child ended, negative for a signal; None: it runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None
