"""Telling the provider of a payment, whatever happens in between."""

import asyncio

import pytest

from server.features.payments.errors import PaymentProviderDisabled, PaymentProviderUnavailable, PaymentRefused
from server.features.payments.providers.stripe.gateway import StripeGateway
from server.features.payments.service import PaymentService
from server.features.payments.values import Provider
from server.kernel.ids import ORDER
from tests.rpc.payments.bench import Bench
from tests.world.looking import count
from tests.world.stripe import StripeStandIn

_CREATE = "POST /v1/payment_intents"


async def test_stores_what_the_browser_needs(bench: Bench) -> None:
    payment = await bench.make_payment(await bench.make_order())

    started = await bench.payments.start(payment)

    assert (started.status, started.provider_reference, started.client_secret) == ("CREATED", "pi_1", "pi_1_secret_x")
    assert bench.stripe.intents["pi_1"]["amount"] == 2500
    assert bench.stripe.intents["pi_1"]["currency"] == "eur"
    assert bench.stripe.intents["pi_1"]["metadata"] == {
        "payment_id": str(payment.id),
        "order_id": str(payment.order_id),
    }


async def test_started_twice_it_asks_once(bench: Bench) -> None:
    payment = await bench.started()

    again = await bench.payments.start(payment)

    assert again == payment
    assert bench.stripe.count(_CREATE) == 1


async def test_started_by_many_at_once_it_makes_one_intent(bench: Bench) -> None:
    payment = await bench.make_payment(await bench.make_order())

    started = await asyncio.gather(*[bench.payments.start(payment) for _ in range(8)])

    assert {one.provider_reference for one in started} == {"pi_1"}
    assert len(bench.stripe.intents) == 1


@pytest.mark.parametrize("how", ["lose", "hang", "drop", "error"])
async def test_repeats_after_silence_and_makes_one_intent(bench: Bench, how: str) -> None:
    payment = await bench.make_payment(await bench.make_order())
    bench.stripe.fail_next(_CREATE, how)

    with pytest.raises(PaymentProviderUnavailable):
        await bench.payments.start(payment)
    between = await bench.payment(payment.id)
    started = await bench.payments.start(payment)

    assert (between.status, between.provider_reference) == ("CREATED", None)
    assert started.provider_reference == "pi_1"
    assert len(bench.stripe.intents) == 1


async def test_the_sdk_repeats_by_itself(bench: Bench, stripe: StripeStandIn) -> None:
    gateway = StripeGateway("sk_test_x", api_url=stripe.url, timeout_seconds=0.5, retries=2)
    payment = await bench.make_payment(await bench.make_order())
    stripe.fail_next(_CREATE, "lose", times=2)

    state = await gateway.create(payment.id, order_id=payment.order_id, amount_minor=2500, currency="EUR")

    assert state.reference == "pi_1"
    assert (stripe.count(_CREATE), len(stripe.intents)) == (3, 1)
    await gateway.close()


async def test_says_what_stripe_refused(bench: Bench) -> None:
    payment = await bench.make_payment(await bench.make_order())
    bench.stripe.fail_next(_CREATE, "refuse")

    with pytest.raises(PaymentRefused) as refused:
        await bench.payments.start(payment)

    assert refused.value.metadata == {
        "provider": "STRIPE",
        "provider_code": "refused_for_a_test",
        "order_id": ORDER.write(payment.order_id),
    }
    failed = await bench.payment(payment.id)
    assert (failed.status, failed.failure_code) == ("FAILED", "refused_for_a_test")
    assert await bench.events(payment) == ["payment.failed"]


async def test_a_refused_one_may_start_over(bench: Bench) -> None:
    payment = await bench.make_payment(await bench.make_order())
    bench.stripe.fail_next(_CREATE, "refuse")
    with pytest.raises(PaymentRefused):
        await bench.payments.start(payment)

    started = await bench.payments.start(payment)

    assert (started.status, started.failure_code, started.provider_reference) == ("CREATED", "", "pi_1")


async def test_asks_nobody_for_a_manual_one(bench: Bench) -> None:
    payment = await bench.make_payment(await bench.make_order(), provider=Provider.MANUAL)

    started = await bench.payments.start(payment)

    assert (started.status, started.client_secret) == ("CREATED", "")
    assert bench.stripe.calls == []


async def test_never_asks_inside_a_transaction(bench: Bench) -> None:
    payment = await bench.make_payment(await bench.make_order())

    async with bench.db.write():
        with pytest.raises(RuntimeError, match="inside a database transaction"):
            await bench.payments.start(payment)

    assert bench.stripe.calls == []


@pytest.mark.parametrize("provider", list(Provider))
async def test_refuses_a_provider_that_is_not_offered(bench: Bench, provider: Provider) -> None:
    order = await bench.make_order()
    bench.payments = PaymentService(db=bench.db, gateways={}, manual=False, settlement=bench.orders, clock=bench.clock)

    with pytest.raises(PaymentProviderDisabled):
        await bench.make_payment(order, provider=provider)

    assert await count(bench.db, "payments") == 0


async def test_what_was_begun_before_stripe_was_given_up_is_asked_of_nobody(bench: Bench) -> None:
    payment = await bench.started()
    bench.payments = PaymentService(db=bench.db, gateways={}, manual=True, settlement=bench.orders, clock=bench.clock)

    with pytest.raises(PaymentProviderDisabled):
        await bench.payments.settle(payment.id, actor=None)
