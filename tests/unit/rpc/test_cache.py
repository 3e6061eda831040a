"""The cache of hot reads."""

import asyncio
from collections.abc import Hashable

import pytest

from server.rpc.cache import Compute, Key, ResponseCache

KEY: Key = ("/shop.Catalog/GetProduct", b"shirt")


def computed(response: bytes, *tags: Hashable) -> Compute:
    async def compute() -> tuple[bytes, frozenset[Hashable]]:
        return response, frozenset(tags)

    return compute


@pytest.fixture
def cache() -> ResponseCache:
    cache = ResponseCache(10_000)
    cache.trust()
    return cache


async def test_keeps_an_answer(cache: ResponseCache) -> None:
    assert cache.find(KEY) is None

    assert await cache.answer(KEY, computed(b"20.00", "shirt")) == b"20.00"

    assert cache.find(KEY) == b"20.00"


async def test_forgets_what_carries_a_dropped_tag_and_nothing_else(cache: ResponseCache) -> None:
    other = (KEY[0], b"mug")
    await cache.answer(KEY, computed(b"20.00", "shirt", "list"))
    await cache.answer(other, computed(b"8.50", "mug", "list"))

    cache.drop(["shirt"])

    assert cache.find(KEY) is None
    assert cache.find(other) == b"8.50"
    cache.drop(["list"])
    assert (len(cache), cache.size_bytes) == (0, 0)


async def test_many_who_ask_at_once_are_answered_by_one_computation(cache: ResponseCache) -> None:
    count = 0
    go_on = asyncio.Event()

    async def compute() -> tuple[bytes, frozenset[Hashable]]:
        nonlocal count
        count += 1
        await go_on.wait()
        return b"20.00", frozenset()

    asking = [asyncio.create_task(cache.answer(KEY, compute)) for _ in range(50)]
    await asyncio.sleep(0)
    go_on.set()

    assert await asyncio.gather(*asking) == [b"20.00"] * 50
    assert count == 1


async def test_the_others_are_answered_when_the_first_gives_up(cache: ResponseCache) -> None:
    go_on = asyncio.Event()

    async def compute() -> tuple[bytes, frozenset[Hashable]]:
        await go_on.wait()
        return b"20.00", frozenset()

    first = asyncio.create_task(cache.answer(KEY, compute))
    second = asyncio.create_task(cache.answer(KEY, compute))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    go_on.set()

    assert await second == b"20.00"


async def test_a_failure_is_everybodys_and_is_not_kept(cache: ResponseCache) -> None:
    async def fail() -> tuple[bytes, frozenset[Hashable]]:
        raise LookupError

    results = await asyncio.gather(*[cache.answer(KEY, fail) for _ in range(3)], return_exceptions=True)

    assert [type(result) for result in results] == [LookupError] * 3
    assert await cache.answer(KEY, computed(b"20.00")) == b"20.00"


async def test_an_answer_that_was_outdated_while_under_way_is_not_kept(cache: ResponseCache) -> None:
    async def compute() -> tuple[bytes, frozenset[Hashable]]:
        cache.drop(["shirt"])
        return b"20.00", frozenset(["shirt"])

    assert await cache.answer(KEY, compute) == b"20.00"

    assert cache.find(KEY) is None


async def test_an_answer_under_way_while_all_was_forgotten_is_not_kept(cache: ResponseCache) -> None:
    async def compute() -> tuple[bytes, frozenset[Hashable]]:
        cache.distrust()
        cache.trust()
        return b"20.00", frozenset(["shirt"])

    await cache.answer(KEY, compute)

    assert cache.find(KEY) is None


async def test_keeps_nothing_while_nobody_follows_the_changes(cache: ResponseCache) -> None:
    await cache.answer(KEY, computed(b"20.00"))

    cache.distrust()
    await cache.answer(KEY, computed(b"20.00"))

    assert cache.find(KEY) is None


async def test_stays_under_its_bound_and_lets_the_least_used_go(cache: ResponseCache) -> None:
    await cache.answer(KEY, computed(b"x" * 400, "shirt"))
    for number in range(100):
        cache.find(KEY)
        await cache.answer((KEY[0], b"%d" % number), computed(b"x" * 400, number))
        assert cache.size_bytes <= 10_000

    assert cache.find(KEY) is not None
    assert cache.find((KEY[0], b"0")) is None
    assert cache.find((KEY[0], b"99")) is not None


async def test_an_answer_larger_than_the_bound_is_not_kept(cache: ResponseCache) -> None:
    await cache.answer(KEY, computed(b"x" * 10_001))

    assert (len(cache), cache.size_bytes) == (0, 0)
