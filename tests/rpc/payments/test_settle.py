"""What a provider's state does to payment, ledger and order."""

import asyncio

import pytest

from server.features.payments.errors import PaymentProviderUnavailable
from server.features.payments.values import LateMoney, PaymentTotals, Provider
from server.kernel.actor import ANONYMOUS
from tests.rpc.payments.bench import Bench

_LATE = LateMoney(note="the order was called off before the money came")
_REFUND = "POST /v1/refunds"


@pytest.mark.parametrize(
    ("stripe_status", "status", "totals"),
    [
        ("requires_action", "REQUIRES_ACTION", PaymentTotals(0, 0, 0, 0, 0, 2500, 0)),
        ("processing", "PROCESSING", PaymentTotals(0, 0, 0, 0, 2500, 0, 0)),
        ("canceled", "CANCELED", PaymentTotals(0, 0, 0, 0, 0, 0, 0)),
    ],
)
async def test_follows_stripe(bench: Bench, stripe_status: str, status: str, totals: PaymentTotals) -> None:
    payment = await bench.started()
    bench.stripe.move("pi_1", stripe_status)

    settled = await bench.payments.settle(payment.id, actor=None)

    assert settled.status == status
    assert bench.orders.told == [totals]


@pytest.mark.parametrize(("reason", "status"), [(None, "VOIDED"), ("automatic", "EXPIRED")])
async def test_a_promise_is_captured_or_given_back(bench: Bench, reason: str | None, status: str) -> None:
    payment = await bench.started()
    bench.stripe.move("pi_1", "requires_capture", amount_capturable=2500)
    await bench.payments.settle(payment.id, actor=None)

    bench.stripe.move("pi_1", "canceled", amount_capturable=0, cancellation_reason=reason)
    settled = await bench.payments.settle(payment.id, actor=None)

    assert settled.status == status
    assert bench.orders.told == [PaymentTotals(0, 2500, 0, 0, 0, 0, 0), PaymentTotals(0, 0, 0, 0, 0, 0, 2500)]
    assert await bench.ledger(payment) == [("AUTHORIZATION", "SUCCEEDED", 2500), ("VOID", "SUCCEEDED", 2500)]
    assert await bench.events(payment) == ["payment.authorized", f"payment.{status.lower()}"]


async def test_records_what_came_and_not_what_should_have_come(bench: Bench) -> None:
    payment = await bench.started()
    bench.stripe.pay("pi_1", amount=2000)

    settled = await bench.payments.settle(payment.id, actor=None)

    assert (settled.status, settled.captured_minor) == ("CAPTURED", 2000)
    assert bench.orders.told == [PaymentTotals(2000, 0, 0, 0, 0, 0, 0)]


async def test_counts_no_money_of_another_currency(bench: Bench) -> None:
    payment = await bench.started()
    bench.stripe.move("pi_1", "succeeded", amount_received=2500, currency="jpy")

    settled = await bench.payments.settle(payment.id, actor=None)

    assert (settled.status, settled.captured_minor, settled.failure_code) == ("CREATED", 0, "currency_mismatch")
    assert bench.orders.told == []
    assert await bench.ledger(payment) == []


async def test_late_money_goes_back_once_however_many_bring_the_news(bench: Bench) -> None:
    bench.orders.verdict = _LATE
    payment = await bench.started()
    bench.stripe.pay("pi_1")

    await asyncio.gather(*[bench.payments.settle(payment.id, actor=None) for _ in range(8)])
    between = await bench.ledger(payment)
    await bench.run_jobs()
    await asyncio.gather(*[bench.payments.settle(payment.id, actor=None) for _ in range(4)])
    await bench.run_jobs()

    assert between == [("CAPTURE", "SUCCEEDED", 2500), ("REFUND", "PENDING", 2500)]
    assert await bench.ledger(payment) == [("CAPTURE", "SUCCEEDED", 2500), ("REFUND", "SUCCEEDED", 2500)]
    assert [refund["amount"] for refund in bench.stripe.refunds.values()] == [2500]
    assert bench.orders.told == [PaymentTotals(2500, 0, 0, 0, 0, 0, 0), PaymentTotals(2500, 0, 2500, 0, 0, 0, 0)]
    assert await bench.events(payment) == ["payment.captured", "payment.refunded"]
    assert (await bench.payment(payment.id)).refunded_minor == 2500
    assert await bench.run("SELECT note FROM payment_transactions WHERE kind = 'REFUND'") == [(_LATE.note,)]


@pytest.mark.parametrize("how", ["lose", "hang", "drop", "error"])
async def test_a_refund_asked_for_twice_is_made_once(bench: Bench, how: str) -> None:
    bench.orders.verdict = _LATE
    payment = await bench.started()
    bench.stripe.pay("pi_1")
    await bench.payments.settle(payment.id, actor=None)
    (refund,) = await bench.payments.list_refunds(payment.id)
    bench.stripe.fail_next(_REFUND, how)

    with pytest.raises(PaymentProviderUnavailable):
        await bench.payments.refund(refund.id)
    await bench.payments.refund(refund.id)
    await bench.payments.refund(refund.id)

    assert await bench.ledger(payment) == [("CAPTURE", "SUCCEEDED", 2500), ("REFUND", "SUCCEEDED", 2500)]
    assert len(bench.stripe.refunds) == 1


async def test_a_refund_whose_answer_was_lost_is_recognised(bench: Bench) -> None:
    bench.orders.verdict = _LATE
    payment = await bench.started()
    bench.stripe.pay("pi_1")
    await bench.payments.settle(payment.id, actor=None)
    (refund,) = await bench.payments.list_refunds(payment.id)
    bench.stripe.fail_next(_REFUND, "lose")
    with pytest.raises(PaymentProviderUnavailable):
        await bench.payments.refund(refund.id)

    await bench.payments.settle(payment.id, actor=None)

    assert await bench.ledger(payment) == [("CAPTURE", "SUCCEEDED", 2500), ("REFUND", "SUCCEEDED", 2500)]


async def test_a_refused_refund_is_not_repeated_for_ever(bench: Bench) -> None:
    bench.orders.verdict = _LATE
    payment = await bench.started()
    bench.stripe.pay("pi_1")
    bench.stripe.fail_next(_REFUND, "refuse")

    await bench.payments.settle(payment.id, actor=None)
    await bench.run_jobs()
    await bench.payments.settle(payment.id, actor=None)
    await bench.run_jobs()

    assert await bench.ledger(payment) == [("CAPTURE", "SUCCEEDED", 2500), ("REFUND", "FAILED", 2500)]
    assert bench.stripe.count(_REFUND) == 1
    assert await bench.events(payment) == ["payment.captured", "payment.refund_failed"]


async def test_a_refund_may_fail_after_it_seemed_done(bench: Bench) -> None:
    payment = await bench.started()
    bench.stripe.pay("pi_1")
    reference = bench.stripe.refund_by_hand("pi_1", 1000)
    await bench.payments.settle(payment.id, actor=None)

    bench.stripe.refunds[reference]["status"] = "failed"
    settled = await bench.payments.settle(payment.id, actor=None)

    assert settled.refunded_minor == 0
    assert bench.orders.told == [PaymentTotals(2500, 0, 1000, 0, 0, 0, 0), PaymentTotals(2500, 0, 0, 0, 0, 0, 0)]


async def test_gives_back_only_what_is_left(bench: Bench) -> None:
    payment = await bench.started()
    bench.stripe.pay("pi_1")
    bench.stripe.refund_by_hand("pi_1", 1000)
    await bench.payments.settle(payment.id, actor=None)

    async with bench.db.write() as tx:
        first = await bench.payments.request_refund(tx, payment.order_id, note="called off", actor=ANONYMOUS)
        second = await bench.payments.request_refund(tx, payment.order_id, note="called off", actor=ANONYMOUS)
    await bench.run_jobs()

    assert (first, second) == (1500, 0)
    assert sum(refund["amount"] for refund in bench.stripe.refunds.values()) == 2500
    assert bench.orders.told[-1] == PaymentTotals(2500, 0, 2500, 0, 0, 0, 0)


async def test_gives_up_what_nobody_paid(bench: Bench) -> None:
    payment = await bench.started()

    async with bench.db.write() as tx:
        await bench.payments.request_cancel(tx, payment.order_id)
    await bench.run_jobs()

    assert (await bench.payment(payment.id)).status == "CANCELED"
    assert bench.stripe.intents["pi_1"]["status"] == "canceled"
    assert await bench.events(payment) == ["payment.canceled"]


async def test_settles_what_was_paid_before_it_could_be_given_up(bench: Bench) -> None:
    payment = await bench.started()
    bench.stripe.pay("pi_1")

    await bench.payments.cancel_for_order(payment.order_id)

    assert (await bench.payment(payment.id)).status == "CAPTURED"
    assert bench.orders.told == [PaymentTotals(2500, 0, 0, 0, 0, 0, 0)]


async def test_gives_up_an_intent_that_we_never_heard_of(bench: Bench) -> None:
    payment = await bench.make_payment(await bench.make_order())
    bench.stripe.fail_next("POST /v1/payment_intents", "lose")
    with pytest.raises(PaymentProviderUnavailable):
        await bench.payments.start(payment)

    await bench.payments.cancel_for_order(payment.order_id)

    assert (await bench.payment(payment.id)).status == "CANCELED"
    assert [intent["status"] for intent in bench.stripe.intents.values()] == ["canceled"]


async def test_gives_up_a_manual_one(bench: Bench) -> None:
    payment = await bench.make_payment(await bench.make_order(), provider=Provider.MANUAL)

    await bench.payments.cancel_for_order(payment.order_id)

    assert (await bench.payment(payment.id)).status == "CANCELED"
    assert bench.orders.told == [PaymentTotals(0, 0, 0, 0, 0, 0, 0)]
    assert bench.stripe.calls == []
