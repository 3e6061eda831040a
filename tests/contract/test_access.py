"""Every RPC, called by everybody: who may not is refused as its access says, and changes nothing."""

import inspect

import grpc
import pytest
from kontor.options.v1 import policy_pb2

from tests.buying import Bazaar
from tests.contract.cases import CASES, OK, Case
from tests.contract.descriptors import Rpc, rpcs
from tests.contract.people import ACTORS, make_people
from tests.contract.requests import call, whole
from tests.shop import refusal

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
# Keys and jobs are the machinery's own.
_TABLES = """
    SELECT tablename FROM pg_tables WHERE schemaname = 'public'
    AND tablename NOT LIKE 'procrastinate%%' AND tablename <> 'idempotency_keys'
    ORDER BY 1
"""


def test_every_rpc_has_a_case():
    """Whoever adds an RPC says in cases.py who gets what for it."""
    assert set(CASES) == {str(rpc) for rpc in rpcs()}


@pytest.mark.parametrize("rpc", rpcs(), ids=str)
async def test_lets_in_whom_its_access_names(bazaar: Bazaar, rpc: Rpc) -> None:
    people, case = await make_people(bazaar, rpc.permission), CASES[str(rpc)]
    expected = {actor: outcome(rpc, case, actor) for actor in ACTORS}
    before = await fingerprint(bazaar)

    # Those who are refused come first, as the others change the shop.
    for actor in sorted(ACTORS, key=lambda actor: expected[actor] == OK):
        made = case.request(people)
        request = await made if inspect.isawaitable(made) else made
        if expected[actor] == OK:
            await call(bazaar, rpc, request, people.tokens[actor])
            assert not rpc.read_only or await fingerprint(bazaar) == before, f"the read of {actor} wrote something"
            if case.once:
                people = await make_people(bazaar, rpc.permission)
            continue
        refused = await refusal(call(bazaar, rpc, request, people.tokens[actor]))
        assert refused.reason == expected[actor], actor
        assert refused.code == _CODES.get(refused.reason, refused.code), actor
        assert await fingerprint(bazaar) == before, f"the call that was refused to {actor} changed something"


@pytest.mark.parametrize("rpc", rpcs(), ids=str)
async def test_refuses_credentials_that_do_not_hold(bazaar: Bazaar, rpc: Rpc) -> None:
    """They are never taken for none. A provider's headers are none of ours: only its signature counts."""
    bearer = (await bazaar.sign_in())[0][1]
    guest = bazaar.guest()
    await guest.add("mug")
    forged = {
        "TOKEN_INVALID": (("authorization", bearer[:-4] + "AAAA"),),
        "CART_TOKEN_INVALID": (("x-cart-token", guest.metadata[0][1][:-4] + "AAAA"),),
    }
    signed = rpc.policy.access == policy_pb2.ACCESS_SIGNED
    before = await fingerprint(bazaar)

    for reason, metadata in forged.items():
        refused = await refusal(call(bazaar, rpc, whole(rpc), metadata))
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.UNAUTHENTICATED,
            "SIGNATURE_INVALID" if signed else reason,
        )

    assert await fingerprint(bazaar) == before


def outcome(rpc: Rpc, case: Case, actor: str) -> str:
    """Tell the reason by which the actor is refused, or OK."""
    if actor in _LET_IN[rpc.policy.access]:
        return case.refused.get(actor, OK)
    return "PERMISSION_DENIED" if actor in _SIGNED_IN else "UNAUTHENTICATED"


async def fingerprint(bazaar: Bazaar) -> dict[str, tuple[int, int]]:
    """Return the number of rows of each table and a sum over what is in them."""
    tables = [row[0] for row in await bazaar.run(_TABLES)]
    looks = [
        f"SELECT '{table}', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} t" for table in tables
    ]
    return {name: (count, content) for name, count, content in await bazaar.run(" UNION ALL ".join(looks))}
