"""Plain numbers, found beforehand, so that nothing has to be looked up to count."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter
from typing import Final

# Where one bucket of a histogram ends and the next one begins, in seconds: from a read that is cached by PostgreSQL to
# a call that waited for locks until its patience ended, and from a mail to a clean-up of the whole database.
CALL_BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
JOB_BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

DONE: Final = "done"
FAILED: Final = "failed"


class Histogram:
    """How often something was done, by how long it took: a count for each bucket, and the sum of all seconds."""

    __slots__ = ("_bounds", "counts", "total_seconds")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        # The last one is for what took longer than all bounds.
        self.counts = [0] * (len(bounds) + 1)
        self.total_seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Count one that took so long."""
        self.counts[bisect_left(self._bounds, seconds)] += 1
        self.total_seconds += seconds


class Timings:
    """Histograms of one kind, told apart by labels."""

    def __init__(self, name: str, text: str, *, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self.name = name
        self.text = text
        self.labels = labels
        self.bounds = bounds
        self._histograms: dict[tuple[str, ...], Histogram] = {}

    def of(self, *values: str) -> Histogram:
        """Return the histogram of these labels; whoever counts often keeps it."""
        histogram = self._histograms.get(values)
        if histogram is None:
            histogram = self._histograms[values] = Histogram(self.bounds)
        return histogram

    @contextmanager
    def measure(self, what: str) -> Iterator[None]:
        """Count what is done in the block, by what it is and by whether it was done or failed."""
        started, outcome = perf_counter(), FAILED
        try:
            yield
            outcome = DONE
        finally:
            self.of(what, outcome).observe(perf_counter() - started)

    def items(self) -> list[tuple[tuple[str, ...], Histogram]]:
        """Return every histogram with its labels, as they are now."""
        return list(self._histograms.items())


class Kind(StrEnum):
    """What a figure is."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number that its owner keeps anyway. It is read in another thread, when somebody asks.

    With a label there are several of them: `read` returns them by the label's values.
    """

    name: str
    text: str
    kind: Kind
    read: Callable[[], float | Mapping[str, float]]
    label: str = ""


def counter(name: str, text: str, read: Callable[[], float | Mapping[str, float]], *, label: str = "") -> Figure:
    """Make a figure that only ever grows."""
    return Figure(name=name, text=text, kind=Kind.COUNTER, read=read, label=label)


def gauge(name: str, text: str, read: Callable[[], float | Mapping[str, float]], *, label: str = "") -> Figure:
    """Make a figure of how it is now."""
    return Figure(name=name, text=text, kind=Kind.GAUGE, read=read, label=label)


def job_timings() -> Timings:
    """Make what counts jobs."""
    return Timings("kontor_job_seconds", "Jobs that were run.", labels=("task", "outcome"), bounds=JOB_BOUNDS)


def call_timings() -> Timings:
    """Make what counts calls."""
    text = "Calls that were answered or refused, but those that the response cache answered."
    return Timings("kontor_call_seconds", text, labels=("method", "code"), bounds=CALL_BOUNDS)


class Metrics:
    """Everything that one process counts."""

    def __init__(self) -> None:
        self.calls = call_timings()
        self.jobs = job_timings()
        self.figures: list[Figure] = []

    def show(self, *figures: Figure) -> None:
        """Show these figures too."""
        self.figures += figures
