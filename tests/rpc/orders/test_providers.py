"""Which providers a shop offers, and how long each of them may take."""

from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from kontor.orders.v1 import orders_pb2, orders_service_pb2
from kontor.payments.v1 import payments_pb2, payments_service_pb2
from pydantic import SecretStr

from server.app import build
from server.settings import Settings
from tests.world.people import MANUAL, STRIPE, Person, Provider
from tests.world.refusals import refusal
from tests.world.shop import Shop, serving

pytestmark = pytest.mark.usefixtures("goods")


@pytest.fixture
async def frugal(shop: Shop, settings: Settings) -> AsyncIterator[grpc.aio.Channel]:
    """Serve the same shop with neither Stripe nor bank transfer."""
    nothing = {"stripe_api_key": SecretStr(""), "bank_transfer_days": 0}
    async with (
        await build(settings.model_copy(update=nothing), clock=shop.clock) as app,
        serving(app) as channel,
    ):
        yield channel


async def transfer(shop: Shop, sku: str = "poster") -> tuple[Person, orders_service_pb2.PlaceOrderResponse]:
    guest = shop.guest()
    return guest, await guest.buy(sku, provider=MANUAL)


async def test_a_bank_transfer_has_days(shop: Shop) -> None:
    guest, placed = await transfer(shop)
    shop.clock.advance(timedelta(days=6, hours=23))
    swept = await shop.app.orders.expiry.sweep()
    admin = await shop.admin()

    await admin.record(placed.payment)

    assert placed.order.expire_time.ToDatetime() - placed.order.place_time.ToDatetime() == timedelta(days=7)
    assert swept == 0
    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.CONFIRMED
    assert await shop.stock("poster") == (1, 1)
    await shop.check_ledger()


async def test_a_bank_transfer_keeps_the_stock_for_days(shop: Shop) -> None:
    quick = shop.guest()
    request = await quick.fill("poster")
    await transfer(shop)
    shop.clock.advance(timedelta(days=6))

    refused = await refusal(quick.place(request))

    assert refused.reason == "OUT_OF_STOCK"


async def test_a_bank_transfer_that_does_not_come_is_given_up(shop: Shop) -> None:
    guest, placed = await transfer(shop)
    shop.clock.advance(timedelta(days=7, minutes=1))

    assert await shop.app.orders.expiry.sweep() == 1
    await shop.work()

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.EXPIRED
    assert await shop.run("SELECT status FROM payments") == [("CANCELED",)]
    assert await shop.stock("poster") == (1, 0)


@pytest.mark.parametrize("provider", [STRIPE, MANUAL])
async def test_what_the_shop_does_not_offer_is_refused(
    shop: Shop, frugal: grpc.aio.Channel, provider: Provider
) -> None:
    guest = shop.guest()
    request = await guest.fill("poster", provider=provider)

    refused = await refusal(guest.through(frugal).place(request))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PAYMENT_PROVIDER_DISABLED")
    assert refused.metadata == {"provider": payments_pb2.Payment.Provider.Name(provider)}
    assert await shop.count("orders") == 0
    assert await shop.stock("poster") == (1, 0)


async def test_what_costs_nothing_needs_no_provider(shop: Shop, frugal: grpc.aio.Channel) -> None:
    await shop.shelve("Sample", price=0, requires_shipping=False)
    guest = shop.guest()
    request = await guest.fill("sample")

    placed = await guest.through(frugal).place(request)

    assert placed.order.status == orders_pb2.Order.COMPLETED


async def test_a_shop_without_stripe_takes_no_events_of_it(shop: Shop, frugal: grpc.aio.Channel) -> None:
    body = shop.stripe.event("payment_intent.succeeded", {"id": "pi_1", "object": "payment_intent"})
    request = payments_service_pb2.HandleStripeEventRequest(event=HttpBody(data=body))

    refused = await refusal(shop.guest().through(frugal).call(request, stripe_signature=shop.stripe.sign(body)))

    assert (refused.reason, refused.metadata) == ("PAYMENT_PROVIDER_DISABLED", {"provider": "STRIPE"})
