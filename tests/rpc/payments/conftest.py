"""Fixtures of the tests of payments."""

from collections.abc import AsyncIterator

import pytest

from server.db.session import Database
from server.features.payments.providers.stripe.gateway import StripeGateway
from tests.rpc.payments.bench import Bench
from tests.world.stripe import StripeStandIn


@pytest.fixture
async def stripe() -> AsyncIterator[StripeStandIn]:
    """Start a Stripe that does what the test wants."""
    stand_in = StripeStandIn()
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


@pytest.fixture
async def gateway(stripe: StripeStandIn) -> AsyncIterator[StripeGateway]:
    """Talk to it with little patience."""
    gateway = StripeGateway("sk_test_x", api_url=stripe.url, timeout_seconds=0.5, retries=0)
    yield gateway
    await gateway.close()


@pytest.fixture
async def bench(
    db: Database, stripe: StripeStandIn, gateway: StripeGateway, signing_key: bytes
) -> AsyncIterator[Bench]:
    """Put payments together."""
    bench = Bench(db, stripe, gateway, signing_key)
    await bench.start()
    yield bench
    await bench.stop()
