"""Counting."""

import pytest

from server.metrics.meters import CALL_BOUNDS, JOB_BOUNDS, Histogram, Timings, counter, gauge


@pytest.fixture
def timings() -> Timings:
    return Timings("things_seconds", "Things.", labels=("task", "outcome"), bounds=(0.1, 1.0))


def test_counts_by_how_long_it_took() -> None:
    histogram = Histogram((0.1, 1.0, 10.0))

    for seconds in (0.0, 0.1, 0.1000001, 1.0, 9.9, 10.0, 11.0, 3600.0):
        histogram.observe(seconds)

    # A bucket holds what took as long as its bound.
    assert histogram.counts == [2, 2, 2, 2]
    assert histogram.total_seconds == pytest.approx(3632.1000001)


def test_finds_a_histogram_by_its_labels(timings: Timings) -> None:
    paint, sell = timings.of("paint", "done"), timings.of("sell", "done")
    paint.observe(0.5)

    assert timings.of("paint", "done") is paint
    assert timings.items() == [(("paint", "done"), paint), (("sell", "done"), sell)]
    assert (sum(paint.counts), sum(sell.counts)) == (1, 0)


def test_measures_what_is_done_and_what_fails(timings: Timings) -> None:
    with timings.measure("paint"):
        pass
    with pytest.raises(ValueError, match="no paint"), timings.measure("paint"):
        raise ValueError("no paint")

    assert [(labels, sum(one.counts)) for labels, one in timings.items()] == [
        (("paint", "done"), 1),
        (("paint", "failed"), 1),
    ]


def test_bounds_are_in_order() -> None:
    for bounds in (CALL_BOUNDS, JOB_BOUNDS):
        assert list(bounds) == sorted(set(bounds))


def test_a_figure_is_read_when_it_is_asked_for() -> None:
    values = [1.0]
    figures = [counter("a_total", "A.", lambda: values[0]), gauge("b", "B.", lambda: values[0], label="kind")]

    values[0] = 2.0

    assert [(one.kind.value, one.label, one.read()) for one in figures] == [
        ("counter", "", 2.0),
        ("gauge", "kind", 2.0),
    ]
