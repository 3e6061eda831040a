import pytest

from tests.bench.arithmetic import Cpu, Outcome, Round, change, outcome, percentile, rate_on_own_cores, summarize


def make_round(requests: int, *, seconds: float = 1.0, errors: int = 0, cpu: float = 0.0) -> Round:
    first_error = "wrong" if errors else ""
    return Round(requests=requests, seconds=seconds, errors=errors, first_error=first_error, cpu=Cpu({"server": cpu}))


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.99, 10), (0.1, 1), (0.11, 2), (1.0, 10)])
def test_a_percentile_is_one_of_the_values(share: float, expected: float):
    assert percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], share) == expected


def test_there_is_no_percentile_of_nothing():
    assert percentile([], 0.5) == 0.0


def test_an_error_is_no_good_answer():
    assert make_round(100, seconds=2.0, errors=10).rps == 45


def test_takes_medians_and_adds_errors():
    joined = summarize([make_round(100, cpu=1.0), make_round(300, cpu=3.0, errors=2), make_round(200, cpu=8.0)])

    assert (joined.requests, joined.errors, joined.first_error) == (200, 2, "wrong")
    # A hundredth of a second a request twice, a twenty-fifth once.
    assert joined.cpu.total == pytest.approx(2.0)


def test_compares_with_the_limit():
    seen = outcome("x", [make_round(90)] * 3, limit="y", limit_rounds=[make_round(100)] * 3, goal_ratio=0.9)

    assert (seen.ratio, seen.reached) == (0.9, True)


@pytest.mark.parametrize(
    "missed",
    [
        Outcome(name="x", rps=89, limit_rps=100, goal_ratio=0.9),
        Outcome(name="x", rps=1, goal_ratio=0.9),
        Outcome(name="x", rps=1, cpu_ms=1.01, budget_cpu_ms=1.0),
        Outcome(name="x", rps=1, budget_cpu_ms=1.0),
        Outcome(name="x", rps=1, errors=1),
        Outcome(name="x", rps=1, claims=(("holds", True), ("does not", False))),
    ],
)
def test_tells_what_was_missed(missed: Outcome):
    assert not missed.reached


def test_errors_of_the_limit_count():
    seen = outcome("x", [make_round(1)], limit="y", limit_rounds=[make_round(2, errors=1)])

    assert (seen.errors, seen.first_error) == (1, "wrong")


def test_tells_the_cpu_of_a_request_by_part():
    seen = outcome("x", [make_round(1000, cpu=0.5)])

    assert seen.cpu_ms == pytest.approx(0.5)
    assert seen.cpu_parts_ms == {"server": pytest.approx(0.5)}


def test_subtracts_what_was_used_before():
    used = Cpu({"server": 3.0, "Envoy": 1.0}) - Cpu({"server": 1.0})

    assert used.parts == {"server": 2.0, "Envoy": 1.0}


def test_tells_the_rate_without_a_generator_beside_it():
    # It answered 1,000 a second with half a core; with two it answers four times as many.
    assert rate_on_own_cores(make_round(1000, cpu=0.5), "server", cores=2) == 4000


@pytest.mark.parametrize(
    ("before", "now", "expected"), [(100, 110, 0.1), (None, 1, None), (0, 1, None), (1, None, None)]
)
def test_tells_a_change(before: float | None, now: float | None, expected: float | None):
    assert change(before, now) == (None if expected is None else pytest.approx(expected))
