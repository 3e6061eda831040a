"""What the chain counts."""

import asyncio
from collections.abc import Iterable

import pytest

from server.kernel.errors import NotFound
from server.metrics.meters import Figure
from server.rpc.rates import MemoryRates, RateClass, RateLimited
from tests.rpc.chain.conftest import Echo
from tests.world.refusals import refusal
from tests.world.waiting import eventually


def counts(echo: Echo) -> dict[tuple[str, ...], int]:
    """Return how many calls there were, by method and code."""
    found = {(path.rpartition("/")[2], code): sum(one.counts) for (path, code), one in echo.calls.items()}
    return {labels: count for labels, count in found.items() if count}


def values(figures: Iterable[Figure]) -> dict[str, object]:
    return {figure.name: figure.read() for figure in figures}


async def test_counts_calls_by_method_and_code(echo: Echo):
    async def refuse(request, call):
        if request.text:
            raise NotFound("nothing is there") if request.text == "a" else ValueError("a defect")
        return ""

    echo.servicer.script = refuse
    await echo.call("Public")
    await echo.call("Public")
    await echo.call("Read")
    for text in ("a", "b"):
        await refusal(echo.call("Public", text=text))
    await refusal(echo.call("User"))

    assert counts(echo) == {
        ("Public", "OK"): 2,
        ("Read", "OK"): 1,
        ("Public", "NOT_FOUND"): 1,
        ("Public", "INTERNAL"): 1,
        ("User", "UNAUTHENTICATED"): 1,
    }


async def test_counts_how_long_a_call_took(echo: Echo):
    async def sleep(request, call):
        await asyncio.sleep(0.06)
        return ""

    echo.servicer.script = sleep
    await echo.call("Public")

    [(_, histogram)] = [item for item in echo.calls.items() if sum(item[1].counts)]
    assert 0.06 <= histogram.total_seconds < 5
    # 0.05 is the seventh bound.
    assert sum(histogram.counts[:7]) == 0


async def test_counts_who_went_away(echo: Echo):
    started = asyncio.Event()

    async def wait(request, call):
        started.set()
        await asyncio.Event().wait()
        return ""

    echo.servicer.script = wait
    call = asyncio.ensure_future(echo.call("Public"))
    await started.wait()
    call.cancel()

    await eventually(lambda: counts(echo), lambda seen: seen == {("Public", "CANCELLED"): 1})


async def test_counts_what_the_cache_answers_and_what_not(echo: Echo):
    async def answer(request, call):
        call.cache_tags = frozenset({"thing"})
        return request.text

    echo.servicer.script = answer
    for text in ("a", "a", "a", "b"):
        await echo.call("Kept", text=text)
    await echo.call("Kept", text="a", headers=echo.user())

    seen = values(echo.cache.figures())
    assert (seen["kontor_cache_hits_total"], seen["kontor_cache_misses_total"]) == (2, 2)
    assert (seen["kontor_cache_answers"], seen["kontor_cache_bytes"]) == (2, echo.cache.size_bytes)
    # Those that the cache answered are none of these.
    assert counts(echo) == {("Kept", "OK"): 3}


async def test_counts_who_calls_too_often_by_class():
    rates = MemoryRates(0.001)
    for _ in range(6):
        await rates.counter(RateClass.READ).count(1, 1000.0)
    for _ in range(2):
        with pytest.raises(RateLimited):
            await rates.counter(RateClass.READ).count(1, 1000.0)

    assert values(rates.figures()) == {
        "kontor_rate_refusals_total": {rate_class: 2 * (rate_class is RateClass.READ) for rate_class in RateClass}
    }
