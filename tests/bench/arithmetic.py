"""The arithmetic of the benchmark: from what was seen to the figures that are printed. Pure functions on values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import median

MILLISECONDS = 1000.0
# A change below it is what one run differs from the next by.
NOISE = 0.05


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of CPU time, by the part of the shop that used them."""

    parts: Mapping[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """The seconds of all parts."""
        return sum(self.parts.values())

    def __sub__(self, earlier: "Cpu") -> "Cpu":
        return Cpu({name: seconds - earlier.parts.get(name, 0.0) for name, seconds in self.parts.items()})


@dataclass(frozen=True, slots=True)
class Round:
    """One run of one generator against one target."""

    requests: int
    seconds: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    errors: int = 0
    first_error: str = ""
    cpu: Cpu = field(default_factory=Cpu)
    generator_cpu_seconds: float = 0.0

    @property
    def rps(self) -> float:
        """Good answers a second."""
        return (self.requests - self.errors) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A line of the table."""

    name: str
    rps: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    errors: int = 0
    first_error: str = ""
    # CPU of one request over all processes of the shop, and by part; None where it means nothing.
    cpu_ms: float | None = None
    cpu_parts_ms: Mapping[str, float] = field(default_factory=dict)
    limit: str = ""
    limit_rps: float | None = None
    # The least share of the limit, or the most CPU, that is asked for.
    goal_ratio: float | None = None
    budget_cpu_ms: float | None = None
    # What a workload asks for besides: each a sentence and whether it holds.
    claims: tuple[tuple[str, bool], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ratio(self) -> float | None:
        """The share of the limit that was reached."""
        return self.rps / self.limit_rps if self.limit_rps else None

    @property
    def reached(self) -> bool:
        """Whether everything that is asked for holds."""
        ratio_holds = self.goal_ratio is None or (self.ratio is not None and self.ratio >= self.goal_ratio)
        budget_holds = self.budget_cpu_ms is None or (self.cpu_ms is not None and self.cpu_ms <= self.budget_cpu_ms)
        return self.errors == 0 and ratio_holds and budget_holds and all(holds for _, holds in self.claims)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the sorted values that is not exceeded by `share` of them; 0 of none."""
    if not values:
        return 0.0
    return values[max(0, ceil(share * len(values)) - 1)]


def summarize(rounds: Sequence[Round]) -> Round:
    """Join rounds: the median of every figure, the sum of errors."""
    parts = {name for one in rounds for name in one.cpu.parts}
    requests = median([one.requests for one in rounds])
    seconds = median([one.seconds for one in rounds])
    per_request = {
        name: median([one.cpu.parts.get(name, 0.0) / max(1, one.requests) for one in rounds]) for name in parts
    }
    return Round(
        requests=int(requests),
        seconds=seconds,
        p50_ms=median([one.p50_ms for one in rounds]),
        p99_ms=median([one.p99_ms for one in rounds]),
        errors=sum(one.errors for one in rounds),
        first_error=next((one.first_error for one in rounds if one.first_error), ""),
        cpu=Cpu({name: seconds * int(requests) for name, seconds in per_request.items()}),
        generator_cpu_seconds=median([one.generator_cpu_seconds for one in rounds]),
    )


def outcome(
    name: str,
    rounds: Sequence[Round],
    *,
    limit: str = "",
    limit_rounds: Sequence[Round] = (),
    goal_ratio: float | None = None,
    budget_cpu_ms: float | None = None,
    claims: Sequence[tuple[str, bool]] = (),
    notes: Sequence[str] = (),
) -> Outcome:
    """Make a line of the table out of the rounds of the shop and those of its limit."""
    shop = summarize(rounds)
    parts = {part: seconds / max(1, shop.requests) * MILLISECONDS for part, seconds in shop.cpu.parts.items()}
    return Outcome(
        name=name,
        # Of the rates and not of their parts, so that a round that was cut short counts as what it was.
        rps=median([one.rps for one in rounds]),
        p50_ms=shop.p50_ms,
        p99_ms=shop.p99_ms,
        errors=shop.errors + sum(one.errors for one in limit_rounds),
        first_error=shop.first_error or next((one.first_error for one in limit_rounds if one.first_error), ""),
        cpu_ms=sum(parts.values()) if parts else None,
        cpu_parts_ms=parts,
        limit=limit,
        limit_rps=median([one.rps for one in limit_rounds]) if limit_rounds else None,
        goal_ratio=goal_ratio,
        budget_cpu_ms=budget_cpu_ms,
        claims=tuple(claims),
        notes=tuple(notes),
    )


def change(before: float | None, now: float | None) -> float | None:
    """Return by which share a figure rose; None when there is nothing to compare."""
    if not before or now is None:
        return None
    return now / before - 1


def rate_on_own_cores(one: Round, part: str, *, cores: int) -> float:
    """Return the rate of a part of the shop if it had so many cores to itself, without a generator beside it.

    It has to be what the round waited for: what it did on the cores it got, it then does on all of them.
    """
    used = one.cpu.parts.get(part, 0.0) / one.seconds if one.seconds else 0.0
    return one.rps / used * cores if used else one.rps
