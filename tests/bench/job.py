"""What a load generator is told to do, and what it tells afterwards. Both travel between processes."""

from array import array
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from tests.bench.arithmetic import MILLISECONDS, Round, percentile

if TYPE_CHECKING:
    from tests.bench.http_load import Browser

Headers = Sequence[tuple[str, str]]


class Check(Protocol):
    """Looks at the answer to the call with this number; returns what is wrong with it, or an empty text."""

    def __call__(self, number: int, body: bytes, /) -> str: ...


class Flow(Protocol):
    """What one visitor does over one REST connection; raises WrongAnswer."""

    def __call__(self, browser: "Browser", number: int, context: Mapping[str, Any], /) -> Awaitable[None]: ...


@dataclass(frozen=True, kw_only=True)
class Load:
    """What every job says: how long, how much at once, and which calls."""

    # Addresses, among which the connections are dealt out: `unix:/path` or `host:port`.
    targets: Sequence[str]
    seconds: float
    warm_seconds: float = 0.5
    connections: int = 4
    # None: as fast as answers come. Else so many a second, answered or not.
    rate: float | None = None
    # Each number is taken once, in order, and the job ends early when none is left; else they are drawn by chance.
    once: bool = False

    @property
    def count(self) -> int:
        """How many different calls there are."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class CallJob(Load):
    """Unary gRPC calls of one method."""

    path: str
    messages: Sequence[bytes]
    check: Check
    # Beside the messages; none when there are none.
    headers: Sequence[Headers] = ()
    in_flight: int = 8

    @property
    def count(self) -> int:
        return len(self.messages)


@dataclass(frozen=True, kw_only=True)
class FlowJob(Load):
    """What visitors do over REST, one after the other on each connection."""

    flow: Flow
    numbers: int
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return self.numbers


class Feed:
    """Says which call comes next."""

    def __init__(self, job: Load, *, part: int = 0, parts: int = 1) -> None:
        """Deal the calls that are made once out among `parts` generators."""
        self._random = Random(part)
        self._count = job.count
        self._once = iter(range(part, job.count, parts)) if job.once else None

    def take(self) -> int | None:
        """Return a number, or None when all were taken."""
        if self._once is not None:
            return next(self._once, None)
        return int(self._random.random() * self._count)


@dataclass
class Tally:
    """What a generator saw."""

    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    errors: int = 0
    first_error: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def add(self, latency: float, error: str) -> None:
        """Count an answer."""
        self.latencies.append(latency)
        if error:
            self.errors += 1
            self.first_error = self.first_error or error


Begin = Callable[[], None]


def join(tallies: Sequence[Tally]) -> Round:
    """Put what several generators saw at the same time together."""
    latencies = sorted(latency for tally in tallies for latency in tally.latencies)
    return Round(
        requests=len(latencies),
        seconds=max(tally.seconds for tally in tallies),
        p50_ms=percentile(latencies, 0.5) * MILLISECONDS,
        p99_ms=percentile(latencies, 0.99) * MILLISECONDS,
        errors=sum(tally.errors for tally in tallies),
        first_error=next((tally.first_error for tally in tallies if tally.first_error), ""),
        generator_cpu_seconds=sum(tally.cpu_seconds for tally in tallies),
    )
