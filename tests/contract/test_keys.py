"""Every RPC that takes an idempotency key honours it: the second call with it answers the same and does nothing."""

import inspect

import pytest

from tests.contract.cases import CASES, OK
from tests.contract.people import make_people
from tests.contract.test_access import outcome
from tests.world.rpcs import Rpc, rpcs
from tests.world.shop import Shop

KEY = "0190aa11-0000-7000-8000-000000000001"
KEYED = [rpc for rpc in rpcs() if rpc.policy.idempotency]


@pytest.mark.parametrize("rpc", KEYED, ids=str)
async def test_a_repeated_call_answers_the_same_and_does_nothing(shop: Shop, goods: None, rpc: Rpc) -> None:
    people, case = await make_people(shop, rpc.permission), CASES[str(rpc)]
    actor = next(actor for actor in ("owner", "admin") if outcome(rpc, case, actor) == OK)
    made = case.request(people)
    request = await made if inspect.isawaitable(made) else made
    request.request_id = KEY  # type: ignore[attr-defined]  # Each that takes a key has the field.
    before = await shop.fingerprint()

    first = await people.callers[actor].call(request)
    after = await shop.fingerprint()
    second = await people.callers[actor].call(request)

    assert after != before
    assert second == first
    assert await shop.fingerprint() == after


def test_there_are_such_rpcs() -> None:
    assert {"OrderService/PlaceOrder", "InventoryService/AdjustStock"} <= set(map(str, KEYED))
