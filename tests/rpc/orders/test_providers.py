"""Which providers a shop offers, and how long each of them may take."""

from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest
from kontor.orders.v1 import orders_pb2, orders_service_pb2
from kontor.payments.v1 import payments_pb2, payments_service_pb2
from pydantic import SecretStr

from server.app import build
from server.kernel.actor import Role
from server.settings import Settings
from tests.buying import Bazaar, Buyer, Goods, request_of
from tests.shop import Clients, refusal

STRIPE, MANUAL = payments_pb2.Payment.STRIPE, payments_pb2.Payment.MANUAL


@pytest.fixture
async def frugal(bazaar: Bazaar, settings: Settings) -> AsyncIterator[Clients]:
    """Serve the same shop with neither Stripe nor bank transfer."""
    nothing = {"stripe_api_key": SecretStr(""), "bank_transfer_days": 0}
    async with await build(settings.model_copy(update=nothing), clock=bazaar.clock) as app:
        server = app.server("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield Clients(channel)
        await server.stop(0)


async def transfer(bazaar: Bazaar, sku: str = "poster") -> tuple[Buyer, orders_service_pb2.PlaceOrderResponse]:
    guest = bazaar.guest()
    await guest.add(sku)
    return guest, await guest.place(request_of(await guest.check_out(), MANUAL))


async def test_a_bank_transfer_has_days(bazaar: Bazaar) -> None:
    guest, placed = await transfer(bazaar)
    bazaar.clock.advance(timedelta(days=6, hours=23))
    swept = await bazaar.app.orders.expiry.sweep()
    admin = await bazaar.sign_in(Role.ADMIN)

    request = payments_service_pb2.RecordManualPaymentRequest(
        payment_id=placed.payment.id, amount=placed.payment.amount, reference="statement 7"
    )
    await bazaar.client.payments.RecordManualPayment(request, metadata=admin)

    assert placed.order.expire_time.ToDatetime() - placed.order.place_time.ToDatetime() == timedelta(days=7)
    assert swept == 0
    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.CONFIRMED
    assert await bazaar.stock("poster") == (1, 1)
    await bazaar.check_ledger()


async def test_a_bank_transfer_keeps_the_stock_for_days(bazaar: Bazaar) -> None:
    quick = bazaar.guest()
    request = await quick.fill("poster")
    await transfer(bazaar)
    bazaar.clock.advance(timedelta(days=6))

    refused = await refusal(quick.place(request))

    assert refused.reason == "OUT_OF_STOCK"


async def test_a_bank_transfer_that_does_not_come_is_given_up(bazaar: Bazaar) -> None:
    guest, placed = await transfer(bazaar)
    bazaar.clock.advance(timedelta(days=7, minutes=1))

    assert await bazaar.app.orders.expiry.sweep() == 1
    await bazaar.work()

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.EXPIRED
    assert await bazaar.run("SELECT status FROM payments") == [("CANCELED",)]
    assert await bazaar.stock("poster") == (1, 0)


@pytest.mark.parametrize("provider", [STRIPE, MANUAL])
async def test_what_the_shop_does_not_offer_is_refused(
    bazaar: Bazaar, frugal: Clients, provider: payments_pb2.Payment.Provider.ValueType
) -> None:
    guest = bazaar.guest()
    await guest.add("poster")
    request = request_of(await guest.check_out(), provider)

    refused = await refusal(frugal.orders.PlaceOrder(request, metadata=guest.metadata))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PAYMENT_PROVIDER_DISABLED")
    assert refused.metadata == {"provider": payments_pb2.Payment.Provider.Name(provider)}
    assert await bazaar.run("SELECT count(*) FROM orders") == [(0,)]
    assert await bazaar.stock("poster") == (1, 0)


async def test_what_costs_nothing_needs_no_provider(bazaar: Bazaar, frugal: Clients) -> None:
    await bazaar.stock_up(Goods("sample", "0.00", requires_shipping=False))
    guest = bazaar.guest()
    request = await guest.fill("sample")

    placed = await frugal.orders.PlaceOrder(request, metadata=guest.metadata)

    assert placed.order.status == orders_pb2.Order.COMPLETED


async def test_a_shop_without_stripe_takes_no_events_of_it(bazaar: Bazaar, frugal: Clients) -> None:
    body = bazaar.stripe.event("payment_intent.succeeded", {"id": "pi_1", "object": "payment_intent"})
    request = payments_service_pb2.HandleStripeEventRequest()
    request.event.data = body

    refused = await refusal(
        frugal.payments.HandleStripeEvent(
            request, metadata=(("stripe-signature", bazaar.stripe.sign(body, "whsec_test")),)
        )
    )

    assert (refused.reason, refused.metadata) == ("PAYMENT_PROVIDER_DISABLED", {"provider": "STRIPE"})
