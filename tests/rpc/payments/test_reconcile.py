"""Repairing what was left half done."""

import asyncio
from datetime import timedelta

import pytest

from server.features.payments.errors import PaymentProviderUnavailable
from server.features.payments.values import LateMoney, PaymentTotals, Provider
from tests.rpc.payments.bench import Bench

_RETRIEVE = "GET /v1/payment_intents"
_LONG = timedelta(minutes=2)


async def test_finds_money_whose_webhook_was_lost(bench: Bench) -> None:
    payment = await bench.started()
    bench.stripe.pay("pi_1")
    bench.clock.advance(_LONG)

    assert await bench.reconciliation.run() == 1

    assert (await bench.payment(payment.id)).status == "CAPTURED"
    assert bench.orders.told == [PaymentTotals(2500, 0, 0, 0, 0, 0, 0)]
    bench.clock.advance(_LONG)
    assert await bench.reconciliation.run() == 0


async def test_leaves_young_and_manual_ones_alone(bench: Bench) -> None:
    await bench.make_payment(await bench.make_order(), provider=Provider.MANUAL)
    bench.clock.advance(_LONG)
    await bench.started()

    assert await bench.reconciliation.run() == 0

    assert bench.stripe.count(_RETRIEVE) == 0


async def test_starts_what_was_never_started(bench: Bench) -> None:
    payment = await bench.make_payment(await bench.make_order())
    bench.clock.advance(_LONG)

    await bench.reconciliation.run()

    assert (await bench.payment(payment.id)).provider_reference == "pi_1"


async def test_two_workers_share_the_work(bench: Bench) -> None:
    for _ in range(6):
        await bench.started()
    bench.clock.advance(_LONG)

    done = await asyncio.gather(bench.reconciliation.run(), bench.reconciliation.run())

    assert sum(done) == 6
    assert bench.stripe.count(_RETRIEVE) == 6


async def test_waits_a_minute_before_it_asks_again(bench: Bench) -> None:
    await bench.started()
    bench.clock.advance(_LONG)
    await bench.reconciliation.run()

    assert await bench.reconciliation.run() == 0

    assert bench.stripe.count(_RETRIEVE) == 1


async def test_gives_up_soon_when_stripe_is_away(bench: Bench) -> None:
    for _ in range(6):
        await bench.started()
    bench.clock.advance(_LONG)
    bench.stripe.fail_next(_RETRIEVE, "error", times=6)

    assert await bench.reconciliation.run() == 0

    assert bench.stripe.count(_RETRIEVE) == 3


async def test_one_refused_payment_keeps_no_other_waiting(bench: Bench) -> None:
    first, second = await bench.started(), await bench.started()
    del bench.stripe.intents[first.provider_reference or ""]
    bench.stripe.pay(second.provider_reference or "")
    bench.clock.advance(_LONG)

    assert await bench.reconciliation.run() == 1

    assert (await bench.payment(second.id)).status == "CAPTURED"


@pytest.mark.parametrize("status", ["EXPIRED", "CANCELED"])
async def test_gives_up_payments_of_dead_orders(bench: Bench, status: str) -> None:
    payment = await bench.started(await bench.make_order(status=status))
    bench.clock.advance(_LONG)

    await bench.reconciliation.run()

    assert (await bench.payment(payment.id)).status == "CANCELED"
    assert bench.stripe.intents["pi_1"]["status"] == "canceled"


async def test_finishes_a_refund_that_was_begun(bench: Bench) -> None:
    bench.orders.verdict = LateMoney(note="too late")
    payment = await bench.started()
    bench.stripe.pay("pi_1")
    await bench.payments.settle(payment.id, actor=None)
    (refund,) = await bench.payments.list_refunds(payment.id)
    bench.stripe.fail_next("POST /v1/refunds", "drop")
    with pytest.raises(PaymentProviderUnavailable):
        await bench.payments.refund(refund.id)
    bench.clock.advance(_LONG)

    await bench.reconciliation.run()

    assert await bench.ledger(payment) == [("CAPTURE", "SUCCEEDED", 2500), ("REFUND", "SUCCEEDED", 2500)]


async def test_follows_a_refund_that_takes_days(bench: Bench) -> None:
    payment = await bench.started()
    bench.stripe.pay("pi_1")
    bench.stripe.refund_status = "pending"
    reference = bench.stripe.refund_by_hand("pi_1", 2500)
    await bench.payments.settle(payment.id, actor=None)
    bench.stripe.refunds[reference]["status"] = "succeeded"
    bench.clock.advance(_LONG)

    await bench.reconciliation.run()

    assert (await bench.payment(payment.id)).refunded_minor == 2500
    assert bench.orders.told == [PaymentTotals(2500, 0, 0, 2500, 0, 0, 0), PaymentTotals(2500, 0, 2500, 0, 0, 0, 0)]
