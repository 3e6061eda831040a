"""Runs wrk, the load generator for reads over REST."""

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tests.bench.arithmetic import Cpu, Round
from tests.bench.machine import CannotMeasure

TOOL = "wrk"
_SCRIPT = Path(__file__).with_name("wrk.lua")
_MICROSECONDS = 1000.0


def load(
    target: str,
    paths: Sequence[str],
    *,
    expected: str,
    count: int = 1,
    connections: int,
    seconds: float,
    warm_seconds: float = 1.0,
    cpu: Callable[[], Cpu] = Cpu,
) -> Round:
    """Ask for random paths; each body has to contain `expected`, `count` times."""
    with tempfile.NamedTemporaryFile("w", prefix="kontor-paths-") as file:
        file.write("\n".join(paths) + "\n")
        file.flush()

        def run(duration: float) -> Round:
            command = [TOOL, "--threads=1", f"--connections={connections}", f"--duration={max(1, round(duration))}s"]
            command += ["--timeout=30s", f"--script={_SCRIPT}", f"http://{target}", "--", file.name]
            done = subprocess.run([*command, expected, str(count)], capture_output=True, text=True, check=False)
            return read(done.stdout, done.stderr)

        if warm_seconds:
            run(warm_seconds)
        before = cpu()
        result = run(seconds)
        return replace(result, cpu=cpu() - before)


def read(output: str, trouble: str = "") -> Round:
    """Read what our script made wrk print."""
    for line in output.splitlines():
        if line.startswith("result "):
            numbers, sample = line.split(" ", 7)[1:7], line.split(" ", 7)[7:]
            requests, duration, p50, p99, wrong, broken = (int(number) for number in numbers)
            return Round(
                requests=requests,
                seconds=duration / 1_000_000,
                p50_ms=p50 / _MICROSECONDS,
                p99_ms=p99 / _MICROSECONDS,
                errors=wrong + broken,
                first_error=(sample[0].strip() if sample else "") or ("connections broke" if broken else ""),
            )
    raise CannotMeasure(f"wrk failed: {trouble.strip() or output.strip()}")
