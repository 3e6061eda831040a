"""What the benchmark needs of the machine, and what it says about it."""

import os
import platform
import resource
import shutil
import socket
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

# Debian and its kin; elsewhere the programs have the same names.
_PACKAGES = {"wrk": "wrk", "h2load": "nghttp2-client"}


class CannotMeasure(Exception):
    """The machine lacks something; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the figures come from."""

    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    open_files: int

    def as_dict(self) -> dict[str, object]:
        """Return it for a file."""
        return asdict(self)


def describe() -> Machine:
    """Look at this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(memory, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    )


def check_system() -> None:
    """Refuse a system whose processes cannot be measured."""
    if sys.platform != "linux":
        raise CannotMeasure("the benchmark reads CPU times from /proc: run it on Linux")


def check_tools(tools: Iterable[str]) -> None:
    """Refuse to start when a load generator is not installed."""
    missing = [tool for tool in sorted(set(tools)) if shutil.which(tool) is None]
    if missing:
        packages = " ".join(_PACKAGES[tool] for tool in missing)
        names = " and ".join(missing)
        verb = "is" if len(missing) == 1 else "are"
        raise CannotMeasure(f"{names} {verb} not installed: run `apt-get install {packages}`, or its equal elsewhere")


def raise_open_files() -> int:
    """Allow this process, and what it starts, as many open files as the system lets it; return how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listens on."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
