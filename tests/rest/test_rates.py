"""Who calls too often, as a web developer sees it, through the real Envoy."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from server.app import App, build
from server.kernel.ids import CartId, new_id
from server.settings import Settings
from tests.rest.echoing import SHOP
from tests.rest.edge_process import local_edge, running_edge
from tests.rest.web import Web, refusal
from tests.world.processes import short_folder
from tests.world.shop import Shop
from tests.world.waiting import eventually

LIMIT_HEADERS = ("retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


@pytest.fixture
async def strict(shop: Shop, settings: Settings) -> AsyncIterator[App]:
    """Open the shop again, with six reads a minute for an address and one for a cart."""
    strict = settings.model_copy(update={"rate_limit_factor": 0.0001})
    async with await build(strict, clock=shop.clock, mailer=shop.mailbox) as opened:
        yield opened


@pytest.fixture
async def web(strict: App) -> AsyncIterator[Web]:
    """Return a caller of that shop's REST side."""
    with short_folder() as folder:
        server = strict.server(f"unix:{folder}/worker.sock")
        await server.start()
        edge = replace(local_edge(), workers=[server.address], cors_origins=[SHOP])
        with running_edge(edge, folder) as running:
            async with httpx.AsyncClient(base_url=running.url, timeout=20) as client:

                async def ready() -> bool:
                    try:
                        return (await client.get("/healthz")).status_code == 200
                    except httpx.TransportError:
                        return False

                await eventually(ready, seconds=20)
                yield Web(client)
        await server.stop(0)


async def test_is_told_with_429_and_headers_when_to_come_back(strict: App, web: Web) -> None:
    for _ in range(6):
        await web.get("/v1/cart")

    answer = await web.send("GET", "/v1/cart", origin=SHOP)

    refused = refusal(answer)
    assert (refused.status, refused.code, refused.reason) == (429, 8, "RATE_LIMITED")
    assert refused.metadata == {"rate_class": "READ"}
    [retry] = [one for one in answer.json()["details"] if one["@type"].endswith("RetryInfo")]
    assert 0 < float(retry["retryDelay"].removesuffix("s")) <= 10
    told = {name: int(answer.headers[name]) for name in LIMIT_HEADERS}
    assert (told["ratelimit-limit"], told["ratelimit-remaining"]) == (6, 0)
    assert 0 < told["retry-after"] <= 10 < told["ratelimit-reset"] <= 60
    # A page of another origin may read them too.
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert set(LIMIT_HEADERS) <= set(exposed)


async def test_another_caller_behind_the_same_address_goes_on(strict: App, web: Web) -> None:
    for _ in range(6):
        await web.get("/v1/cart")
    assert (await web.send("GET", "/v1/cart")).status_code == 429

    guest = web.with_cart(strict.core.cart_tokens.issue(CartId(new_id())))

    await guest.get("/v1/cart")
    # Its own limit is a person's.
    assert (await guest.send("GET", "/v1/cart")).headers["ratelimit-limit"] == "1"
    # And a class that was not used is free.
    assert (await web.send("GET", "/v1/products:search?query=shirt")).status_code == 200


async def test_what_is_answered_as_before_carries_none_of_it(web: Web) -> None:
    answer = await web.send("GET", "/v1/cart")

    assert not set(LIMIT_HEADERS) & set(answer.headers)
