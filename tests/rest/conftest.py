"""The shop behind the real Envoy."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import httpx
import pytest

from server.app import App
from tests.buying import Bazaar
from tests.rest.edge_process import RunningEdge, local_edge, running_edge, short_folder
from tests.rest.web import Web
from tests.waiting import eventually


@pytest.fixture(scope="session")
async def front(open_shop: App) -> AsyncIterator[RunningEdge]:
    """Serve the shop on two sockets, with Envoy in front."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(short_folder())
        addresses = [f"unix:{folder}/worker-{number}.sock" for number in (1, 2)]
        for address in addresses:
            server = open_shop.server(address)
            await server.start()
            stack.push_async_callback(server.stop, 0)
        running = stack.enter_context(running_edge(replace(local_edge(), workers=addresses), folder))
        async with httpx.AsyncClient(base_url=running.url) as client:

            async def ready() -> bool:
                try:
                    return (await client.get("/healthz")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(ready, seconds=20)
        yield running


@pytest.fixture
async def web(front: RunningEdge, bazaar: Bazaar) -> AsyncIterator[Web]:
    """Return a caller of the shop's REST side; the shop has goods in it."""
    async with httpx.AsyncClient(base_url=front.url, timeout=20) as client:
        yield Web(client)
