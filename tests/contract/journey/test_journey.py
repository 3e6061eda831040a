"""What clients saw when it was recorded is what they see now: over gRPC, and in mails, invoices and the outbox.

Each chapter of the journey walks through a shop of its own, and is compared with `recorded/`. Where clients are meant
to see something else, `python -m tests.contract.journey` records anew; what it changed is to be looked at.
"""

import pytest
from kontor.errors.v1 import reason_pb2

from server.settings import Settings
from tests.contract.journey.ground import open_ground
from tests.contract.journey.over_grpc import GrpcCarrier
from tests.contract.journey.recording import (
    OVER_GRPC,
    OVER_REST,
    Walked,
    check,
    outcomes,
    reasons,
    recorded,
    walk_through,
)
from tests.world.rpcs import rpcs
from tests.world.shop import Shop

# What a call is refused by only when something is broken, or at the edge, or after thousands of others; and words for
# others to be made of.
OF_NO_CALL = {
    "ABORTED",
    "ALREADY_EXISTS",
    "DEADLINE_EXCEEDED",
    "FAILED_PRECONDITION",
    "INTERNAL",
    "RATE_LIMITED",
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
}

_walked: dict[str, Walked] = {}


@pytest.fixture
async def walked(shop: Shop, settings: Settings, chapter: str) -> Walked:
    """Walk through a chapter, once for the tests that look at it."""
    if chapter not in _walked:
        carrier = GrpcCarrier(shop.channel)
        async with open_ground(shop, settings) as ground:
            _walked[chapter] = await walk_through(OVER_GRPC[chapter], ground, carrier, carrier)
    return _walked[chapter]


@pytest.mark.parametrize("kind", ["grpc", "outbox"])
@pytest.mark.parametrize("chapter", OVER_GRPC)
def test_is_as_it_was(walked: Walked, chapter: str, kind: str) -> None:
    """A client never sees the outbox: what stands in it may change where its tests agree."""
    check(kind, chapter, walked.outbox if kind == "outbox" else walked.answers, walked.failure)


@pytest.mark.parametrize("rpc", rpcs(), ids=str)
def test_every_rpc_is_recorded(rpc: object) -> None:
    """Whoever adds an RPC lets somebody call it in a chapter: so that it goes well, and so that it is refused."""
    assert {kind: outcomes(kind)[str(rpc)] for kind in ("grpc", "rest")} == {
        "grpc": {True, False},
        "rest": {True, False},
    }


def test_every_reason_is_recorded() -> None:
    """Whoever adds a reason lets somebody be refused by it."""
    published = set(reason_pb2.Reason.keys()) - {"REASON_UNSPECIFIED"}

    assert published - reasons() == OF_NO_CALL


def test_every_recording_has_its_chapter() -> None:
    assert recorded("grpc").keys() == recorded("outbox").keys() == OVER_GRPC.keys()
    assert recorded("rest").keys() == OVER_REST.keys()
