"""Every RPC, called by everybody: who may not is refused as its access says, and changes nothing."""

import inspect
from dataclasses import replace

import grpc
import pytest
from kontor.options.v1 import policy_pb2

from tests.contract.cases import CASES, OK, Case
from tests.contract.people import ACTORS, make_people
from tests.contract.requests import whole
from tests.world.refusals import refusal
from tests.world.rpcs import Rpc, rpcs
from tests.world.shop import Shop

_SIGNED_IN = set(ACTORS) - {"anonymous", "guest"}
_LET_IN = {
    policy_pb2.ACCESS_PUBLIC: set(ACTORS),
    policy_pb2.ACCESS_GUEST: set(ACTORS),
    policy_pb2.ACCESS_SIGNED: set(ACTORS),
    policy_pb2.ACCESS_USER: _SIGNED_IN,
    policy_pb2.ACCESS_VENDOR: {"vendor", "clerk", "admin"},
    policy_pb2.ACCESS_STAFF: {"clerk", "admin"},
}
_CODES = {
    "UNAUTHENTICATED": grpc.StatusCode.UNAUTHENTICATED,
    "PERMISSION_DENIED": grpc.StatusCode.PERMISSION_DENIED,
    "NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "SIGNATURE_INVALID": grpc.StatusCode.UNAUTHENTICATED,
}


def test_every_rpc_has_a_case():
    """Whoever adds an RPC says in cases.py who gets what for it."""
    assert set(CASES) == {str(rpc) for rpc in rpcs()}


@pytest.mark.parametrize("rpc", rpcs(), ids=str)
async def test_lets_in_whom_its_access_names(shop: Shop, goods: None, rpc: Rpc) -> None:
    people, case = await make_people(shop, rpc.permission), CASES[str(rpc)]
    expected = {actor: outcome(rpc, case, actor) for actor in ACTORS}
    before = await shop.fingerprint()

    # Those who are refused come first, as the others change the shop.
    for actor in sorted(ACTORS, key=lambda actor: expected[actor] == OK):
        made = case.request(people)
        request = await made if inspect.isawaitable(made) else made
        if expected[actor] == OK:
            await people.callers[actor].call(request)
            assert not rpc.read_only or await shop.fingerprint() == before, f"the read of {actor} wrote something"
            if case.once:
                people = await make_people(shop, rpc.permission)
            continue
        refused = await refusal(people.callers[actor].call(request))
        assert refused.reason == expected[actor], actor
        assert refused.code == _CODES.get(refused.reason, refused.code), actor
        assert await shop.fingerprint() == before, f"the call that was refused to {actor} changed something"


@pytest.mark.parametrize("rpc", rpcs(), ids=str)
async def test_refuses_credentials_that_do_not_hold(shop: Shop, goods: None, rpc: Rpc) -> None:
    """They are never taken for none. A provider's headers are none of ours: only its signature counts."""
    customer, guest = await shop.customer(), shop.guest()
    await guest.add("mug")
    forgers = {
        "TOKEN_INVALID": replace(customer, access_token=customer.access_token[:-4] + "AAAA"),
        "CART_TOKEN_INVALID": replace(guest, cart_token=guest.cart_token[:-4] + "AAAA"),
    }
    signed = rpc.policy.access == policy_pb2.ACCESS_SIGNED
    before = await shop.fingerprint()

    for reason, forger in forgers.items():
        refused = await refusal(forger.call(whole(rpc)))
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.UNAUTHENTICATED,
            "SIGNATURE_INVALID" if signed else reason,
        )

    assert await shop.fingerprint() == before


def outcome(rpc: Rpc, case: Case, actor: str) -> str:
    """Tell the reason by which the actor is refused, or OK."""
    if actor in _LET_IN[rpc.policy.access]:
        return case.refused.get(actor, OK)
    return "PERMISSION_DENIED" if actor in _SIGNED_IN else "UNAUTHENTICATED"
