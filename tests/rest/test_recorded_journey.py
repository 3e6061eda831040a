"""What web developers saw when it was recorded is what they see now: see tests/contract/journey."""

import grpc
import httpx
import pytest

from server.app import App
from server.settings import Settings
from tests.contract.journey.ground import open_ground
from tests.contract.journey.over_grpc import GrpcCarrier
from tests.contract.journey.over_rest import RestCarrier
from tests.contract.journey.recording import OVER_REST, check, walk_through
from tests.fakes import StripeStandIn
from tests.rest.edge_process import RunningEdge
from tests.shop import Mailbox, ManualClock


@pytest.mark.parametrize("chapter", OVER_REST)
async def test_is_as_it_was(
    front: RunningEdge,
    app: App,
    settings: Settings,
    clock: ManualClock,
    stripe: StripeStandIn,
    mailbox: Mailbox,
    shop_channel: grpc.aio.Channel,
    chapter: str,
) -> None:
    async with (
        open_ground(app, settings, clock, stripe, mailbox) as ground,
        httpx.AsyncClient(base_url=front.url, timeout=20) as client,
    ):
        walked = await walk_through(OVER_REST[chapter], ground, RestCarrier(client), GrpcCarrier(shop_channel))

    check("rest", chapter, walked.answers, walked.failure)
