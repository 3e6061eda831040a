"""What web developers saw when it was recorded is what they see now: see tests/contract/journey."""

import httpx
import pytest

from server.settings import Settings
from tests.contract.journey.ground import open_ground
from tests.contract.journey.over_grpc import GrpcCarrier
from tests.contract.journey.over_rest import RestCarrier
from tests.contract.journey.recording import OVER_REST, check, walk_through
from tests.rest.edge_process import RunningEdge
from tests.world.shop import Shop


@pytest.mark.parametrize("chapter", OVER_REST)
async def test_is_as_it_was(front: RunningEdge, shop: Shop, settings: Settings, chapter: str) -> None:
    async with (
        open_ground(shop, settings) as ground,
        httpx.AsyncClient(base_url=front.url, timeout=20) as client,
    ):
        walked = await walk_through(OVER_REST[chapter], ground, RestCarrier(client), GrpcCarrier(shop.channel))

    check("rest", chapter, walked.answers, walked.failure)
