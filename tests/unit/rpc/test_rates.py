"""How often a caller may call."""

from uuid import UUID

import pytest

from server.db.idempotency import NO_CLAIM
from server.kernel.actor import ANONYMOUS, Actor, Role
from server.kernel.ids import CartId, SessionId, UserId, new_id
from server.rpc.call import Call
from server.rpc.rates import (
    BY_CART,
    LIMITS,
    Caller,
    Counter,
    MemoryRates,
    RateClass,
    RateLimited,
    caller_of,
    network_of,
)

START = 1_000_000.25
USER, OTHER = new_id().int, new_id().int


async def burst(counter: Counter, caller: Caller, at: float, *, tries: int = 7_000) -> int:
    """Call as often as it goes at one time; return how often it went."""
    for count in range(tries):
        try:
            await counter.count(caller, at)
        except RateLimited:
            return count
    return tries


async def refused(counter: Counter, caller: Caller, at: float) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        await counter.count(caller, at)
    return caught.value


@pytest.mark.parametrize("factor", [0.001, 0.0333, 1.0])
@pytest.mark.parametrize("rate_class", RateClass)
async def test_lets_all_of_a_minute_come_at_once_and_not_one_more(rate_class: RateClass, factor: float) -> None:
    counter = MemoryRates(factor).counter(rate_class)
    person, address = (max(1, round(limit * factor)) for limit in LIMITS[rate_class])

    assert await burst(counter, USER, START) == min(person, 7_000)
    assert await burst(counter, "203.0.113.7", START) == min(address, 7_000)


async def test_gives_the_calls_back_one_by_one(rates: MemoryRates) -> None:
    """Six a minute: one each ten seconds."""
    counter = rates.counter(RateClass.READ)
    assert await burst(counter, USER, START) == 6

    assert await burst(counter, USER, START + 9.8) == 0
    assert await burst(counter, USER, START + 10) == 1
    assert await burst(counter, USER, START + 35) == 2
    assert await burst(counter, USER, START + 1_000_000) == 6


async def test_says_when_to_come_back(rates: MemoryRates) -> None:
    counter = rates.counter(RateClass.READ)
    await burst(counter, USER, START)

    refusal = await refused(counter, USER, START + 2.5)

    assert refusal.retry_after is not None
    assert refusal.retry_after.total_seconds() == pytest.approx(7.5)
    assert dict(refusal.headers) == {
        "retry-after": "8",
        "ratelimit-limit": "6",
        "ratelimit-remaining": "0",
        "ratelimit-reset": "58",
    }
    await counter.count(USER, START + 2.5 + refusal.retry_after.total_seconds())


async def test_a_refused_call_puts_nothing_off(rates: MemoryRates) -> None:
    counter = rates.counter(RateClass.READ)
    await burst(counter, USER, START)
    for _ in range(100):
        await refused(counter, USER, START + 9)

    await counter.count(USER, START + 10)


async def test_nobody_is_counted_for_another(rates: MemoryRates) -> None:
    counter, writes = rates.counter(RateClass.READ), rates.counter(RateClass.WRITE)
    await burst(counter, USER, START)
    cart = UUID(int=USER).bytes

    assert await burst(counter, OTHER, START) == 6
    # The same number, but a cart's; and the same letters, but an address.
    assert await burst(counter, cart, START) == 6
    assert await burst(counter, str(USER), START) == 60
    assert await burst(writes, USER, START) == 3


async def test_remembers_a_bounded_number_and_forgets_who_was_idle_longest() -> None:
    counter = MemoryRates(0.001, remember=3).counter(RateClass.READ)
    for caller in (1, 2, 3):
        await burst(counter, caller, START)
    await counter.count(1, START + 10)

    await counter.count(4, START + 10)

    # Two was forgotten: one called later, and three is refused still.
    assert await burst(counter, 3, START + 5) == 0
    assert await burst(counter, 1, START + 10) == 0
    assert await burst(counter, 2, START + 5) == 6


def test_counts_by_user_then_cart_then_address() -> None:
    user_id, cart_id = UserId(new_id()), CartId(new_id())
    user = Actor(user_id, Role.CUSTOMER, SessionId(new_id()), None)
    callers = [
        caller_of(make_call(Actor(user_id, Role.CUSTOMER, user.session_id, cart_id), "203.0.113.7"), by_cart=True),
        caller_of(make_call(user, "203.0.113.8"), by_cart=True),
        caller_of(make_call(Actor(None, None, None, cart_id), "203.0.113.7"), by_cart=True),
        caller_of(make_call(ANONYMOUS, "203.0.113.7"), by_cart=True),
        caller_of(make_call(ANONYMOUS, ""), by_cart=True),
    ]

    assert callers == [user_id.int, user_id.int, cart_id.bytes, "203.0.113.7", ""]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:0:7::1", "20010db8000000"),
        ("2001:db8:0:7:ffff:ffff:ffff:ffff", "20010db8000000"),
        ("2001:db8:0:100:0:0:0:1", "20010db8000001"),
        ("::1", "00000000000000"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("no:address", "no:address"),
    ],
)
def test_takes_a_whole_network_of_ipv6_for_one_caller(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.fixture
def rates() -> MemoryRates:
    """Six reads a minute for a person, and sixty for an address."""
    return MemoryRates(0.001)


def make_call(actor: Actor, address: str) -> Call:
    headers = {"x-kontor-client-address": address}
    return Call(actor=actor, permission=None, request_id="x" * 8, claim=NO_CLAIM, headers=headers, peer="unix:")


def test_a_guest_is_its_address_where_a_call_costs_much() -> None:
    guest = make_call(Actor(None, None, None, CartId(new_id())), "203.0.113.7")

    assert caller_of(guest, by_cart=False) == caller_of(make_call(ANONYMOUS, "203.0.113.7"), by_cart=False)
    assert {RateClass.DEFAULT, RateClass.READ, RateClass.WRITE} == BY_CART
