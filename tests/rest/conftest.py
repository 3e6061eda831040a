"""The shop behind the real Envoy, and workers behind one that only echo."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.rest.echoing import SHOP, healthy
from tests.rest.edge_process import RunningEdge, local_edge, running_echo, running_edge
from tests.rest.edge_upstream import compile_descriptors, message_classes
from tests.rest.web import Web
from tests.world.processes import short_folder
from tests.world.shop import Shop
from tests.world.waiting import eventually, wait_until


@pytest.fixture(scope="session")
async def front(open_shop: Shop) -> AsyncIterator[RunningEdge]:
    """Serve the shop on two sockets, with Envoy in front."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(short_folder())
        addresses = [f"unix:{folder}/worker-{number}.sock" for number in (1, 2)]
        for address in addresses:
            server = open_shop.app.server(address)
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
async def web(front: RunningEdge, shop: Shop, goods: None) -> AsyncIterator[Web]:
    """Return a caller of the shop's REST side; the shop has goods in it."""
    async with httpx.AsyncClient(base_url=front.url, timeout=20) as client:
        yield Web(client)


@pytest.fixture(scope="module")
def descriptors() -> Iterator[Path]:
    """Compile the contract of the workers that echo."""
    with short_folder() as folder:
        yield compile_descriptors(folder / "echo.binpb")


@pytest.fixture(scope="module")
def echo(descriptors: Path) -> Iterator[RunningEdge]:
    """Run two workers that echo behind an edge."""
    edge = replace(local_edge(), cors_origins=[SHOP], rest_timeout_seconds=1.5)
    with short_folder() as folder, running_echo(edge, descriptors, ["one", "two"], folder) as running:
        wait_until(lambda: healthy(running), "both workers answer")
        yield running


@pytest.fixture
def rest(echo: RunningEdge) -> Iterator[httpx.Client]:
    """Call them over REST."""
    with httpx.Client(base_url=echo.url, timeout=30) as client:
        yield client


@pytest.fixture
def messages(descriptors: Path) -> dict[str, Any]:
    """Return the classes of their messages, by name."""
    return message_classes(descriptors)
