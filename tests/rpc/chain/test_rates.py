"""What the chain does with who calls too often."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import grpc
import pytest
from kontor.cart.v1 import cart_service_pb2

from server.app import build
from server.db.session import Database
from server.kernel.actor import Role
from server.kernel.ids import CartId, new_id
from server.rpc.rates import MemoryRates
from server.settings import Settings
from tests.rpc.chain.conftest import Echo, open_echo
from tests.world.refusals import refusal
from tests.world.rpcs import Metadata, call
from tests.world.shop import serving


@pytest.fixture
async def narrow(db: Database, signing_key: bytes) -> AsyncIterator[Echo]:
    """Three calls a minute for a person and thirty for an address; of READ six and sixty."""
    async with open_echo(db, signing_key, rates=MemoryRates(0.001)) as echo:
        yield echo


def from_address(address: str) -> Metadata:
    return (("x-kontor-client-address", address),)


async def test_refuses_who_calls_too_often_and_says_when_to_come_back(narrow: Echo):
    headers = narrow.user()
    for _ in range(3):
        await narrow.call("Public", headers=headers)

    call = narrow.call("Public", headers=headers)
    refused = await refusal(call)

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert refused.metadata == {"rate_class": "DEFAULT"}
    assert refused.retry_seconds is not None
    assert 0 < refused.retry_seconds <= 20
    assert len(narrow.servicer.calls) == 3
    told = {**dict(await call.initial_metadata()), **dict(await call.trailing_metadata())}
    assert (told["ratelimit-limit"], told["ratelimit-remaining"]) == ("3", "0")
    assert 0 < int(told["retry-after"]) <= 20 < int(told["ratelimit-reset"]) <= 60


async def test_what_one_caller_does_changes_nothing_for_another(narrow: Echo):
    greedy = [narrow.user(), narrow.guest(CartId(new_id())), from_address("203.0.113.7")]
    for headers in greedy:
        outcomes = [await outcome(narrow, headers) for _ in range(31)]
        assert outcomes[0] == "OK"
        assert outcomes[-1] == "RATE_LIMITED"

    for others in (narrow.user(), narrow.guest(CartId(new_id())), from_address("203.0.113.8")):
        assert [await outcome(narrow, others) for _ in range(3)] == ["OK"] * 3
    # Each class is counted by itself.
    assert [await outcome(narrow, headers, "Read") for headers in greedy] == ["OK"] * 3


async def test_a_user_is_one_caller_wherever_it_is(narrow: Echo):
    headers = narrow.user()
    addresses = [from_address(f"203.0.113.{number}") for number in range(4)]

    outcomes = [await outcome(narrow, (*headers, *address)) for address in addresses]

    assert outcomes == ["OK", "OK", "OK", "RATE_LIMITED"]


async def test_counts_calls_that_are_refused_for_other_reasons(narrow: Echo):
    headers = narrow.user(Role.CUSTOMER)

    outcomes = [await outcome(narrow, headers, "Staff") for _ in range(4)]

    assert outcomes == ["PERMISSION_DENIED"] * 3 + ["RATE_LIMITED"]


async def test_forged_credentials_are_counted_by_their_address(narrow: Echo):
    forged = (("authorization", "Bearer a.b.c"), *from_address("203.0.113.7"))

    outcomes = [await outcome(narrow, forged) for _ in range(31)]

    assert outcomes == ["TOKEN_INVALID"] * 30 + ["RATE_LIMITED"]
    assert await outcome(narrow, narrow.user()) == "OK"


async def test_does_not_count_answers_from_the_cache(narrow: Echo):
    async def answer(request, call):
        call.cache_tags = frozenset({"thing"})
        return request.text

    narrow.servicer.script = answer
    kept = [await outcome(narrow, (), "Kept", text="a") for _ in range(100)]
    computed = [await outcome(narrow, (), "Kept", text=str(number)) for number in range(60)]

    assert kept == ["OK"] * 100
    assert computed == ["OK"] * 59 + ["RATE_LIMITED"]
    assert await outcome(narrow, (), "Kept", text="a") == "OK"


async def test_a_provider_is_counted_by_its_address(narrow: Echo):
    forged = narrow.user()

    outcomes = [await outcome(narrow, forged, "Signed") for _ in range(31)]

    assert outcomes == ["OK"] * 30 + ["RATE_LIMITED"]


@pytest.mark.parametrize(("factor", "expected"), [(1e-9, ["OK", "RATE_LIMITED"]), (0.0, ["OK", "OK"])])
async def test_the_setting_switches_the_limits_off(
    db: Database, settings: Settings, factor: float, expected: list[str]
):
    limited = settings.model_copy(update={"rate_limit_factor": factor})
    async with await build(limited) as shop, serving(shop) as channel:
        calls = [call(channel, cart_service_pb2.GetCartRequest()) for _ in range(2)]
        outcomes = [await outcome_of(made) for made in calls]

    assert sorted(outcomes) == expected


async def outcome(echo: Echo, headers: Metadata, method: str = "Public", text: str = "") -> str:
    """Call, and return OK or the reason of the refusal."""
    return await outcome_of(echo.call(method, headers=headers, text=text))


async def outcome_of(made: Awaitable[Any]) -> str:
    try:
        await made
    except grpc.aio.AioRpcError:
        return (await refusal(made)).reason
    return "OK"
