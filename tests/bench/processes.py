"""CPU time, memory and open files of other processes, from Linux's /proc."""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it was when it was looked at."""

    pid: int
    parent: int
    # Its own seconds of CPU time and those of its children that have ended.
    cpu_seconds: float
    command: tuple[str, ...]


def children(pid: int) -> list[Process]:
    """Return the direct children of a process."""
    return [process for process in _all() if process.parent == pid]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of everything that it started, ended or not."""
    return sum(process.cpu_seconds for process in _tree(pid))


def memory_bytes(pid: int) -> int:
    """Return the memory of a process and of everything below it; what several share is divided among them."""
    return sum(_proportional_bytes(process.pid) for process in _tree(pid))


def _tree(root: int) -> Iterator[Process]:
    below: dict[int, list[Process]] = defaultdict(list)
    waiting = []
    for process in _all():
        below[process.parent].append(process)
        if process.pid == root:
            waiting.append(process)
    while waiting:
        process = waiting.pop()
        yield process
        waiting += below[process.pid]


def _all() -> Iterator[Process]:
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            # It ended meanwhile.
            continue
        # The name stands in brackets and may contain anything; what follows has fixed places.
        fields = stat.rpartition(")")[2].split()
        ticks = sum(int(field) for field in fields[11:15])
        words = tuple(word.decode(errors="replace") for word in command.split(b"\0") if word)
        yield Process(int(folder.name), int(fields[1]), ticks / _TICKS, words)


def _proportional_bytes(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
