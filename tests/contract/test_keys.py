"""Every RPC that takes an idempotency key honours it: the second call with it answers the same and does nothing."""

import inspect

import pytest

from tests.buying import Bazaar
from tests.contract.cases import CASES, OK
from tests.contract.descriptors import Rpc, rpcs
from tests.contract.people import make_people
from tests.contract.requests import call
from tests.contract.test_access import fingerprint, outcome

KEY = "0190aa11-0000-7000-8000-000000000001"
KEYED = [rpc for rpc in rpcs() if rpc.policy.idempotency]


@pytest.mark.parametrize("rpc", KEYED, ids=str)
async def test_a_repeated_call_answers_the_same_and_does_nothing(bazaar: Bazaar, rpc: Rpc) -> None:
    people, case = await make_people(bazaar, rpc.permission), CASES[str(rpc)]
    actor = next(actor for actor in ("owner", "admin") if outcome(rpc, case, actor) == OK)
    made = case.request(people)
    request = await made if inspect.isawaitable(made) else made
    request.request_id = KEY  # type: ignore[attr-defined]  # Each that takes a key has the field.
    before = await fingerprint(bazaar)

    first = await call(bazaar, rpc, request, people.tokens[actor])
    after = await fingerprint(bazaar)
    second = await call(bazaar, rpc, request, people.tokens[actor])

    assert after != before
    assert second == first
    assert await fingerprint(bazaar) == after


def test_there_are_such_rpcs() -> None:
    assert {"OrderService/PlaceOrder", "InventoryService/AdjustStock"} <= set(map(str, KEYED))
