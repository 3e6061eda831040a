"""PaymentService.ConfirmPayment."""

import asyncio

import grpc
import pytest

from server.db.statement import count_statements
from server.features.payments.values import PaymentTotals
from tests.rpc.payments.bench import Bench, id_of, status_name
from tests.world.refusals import refusal

_CAPTURED = PaymentTotals(2500, 0, 0, 0, 0, 0, 0)


async def test_finds_the_money(bench: Bench) -> None:
    order = await bench.make_order()
    payment = await bench.started(order)
    bench.stripe.pay("pi_1")

    confirmed = await bench.owner(order).confirm(id_of(payment))

    assert (status_name(confirmed), confirmed.captured_amount.amount_minor) == ("CAPTURED", 2500)
    assert bench.orders.told == [_CAPTURED]
    assert bench.orders.actors[0] is not None
    assert bench.orders.actors[0].user_id == order.user_id
    assert await bench.ledger(payment) == [("CAPTURE", "SUCCEEDED", 2500)]
    assert await bench.events(payment) == ["payment.captured"]


async def test_does_not_take_the_callers_word(bench: Bench) -> None:
    order = await bench.make_order()
    payment = await bench.started(order)

    confirmed = await bench.owner(order).confirm(id_of(payment))

    assert status_name(confirmed) == "CREATED"
    assert bench.orders.told == []
    assert await bench.ledger(payment) == []


async def test_says_why_a_card_was_declined_and_takes_another_one(bench: Bench) -> None:
    order = await bench.make_order()
    payment = await bench.started(order)

    bench.stripe.decline("pi_1", "insufficient_funds")
    declined = await bench.owner(order).confirm(id_of(payment))
    bench.stripe.pay("pi_1")
    paid = await bench.owner(order).confirm(id_of(payment))

    assert (status_name(declined), declined.failure_code) == ("FAILED", "insufficient_funds")
    assert declined.client_secret
    assert (status_name(paid), paid.failure_code) == ("CAPTURED", "")
    assert await bench.events(payment) == ["payment.failed", "payment.captured"]


async def test_finds_the_work_done_when_many_ask_at_once(bench: Bench) -> None:
    order = await bench.make_order()
    payment = await bench.started(order)
    bench.stripe.pay("pi_1")

    answers = await asyncio.gather(*[bench.owner(order).confirm(id_of(payment)) for _ in range(10)])

    assert {status_name(answer) for answer in answers} == {"CAPTURED"}
    assert bench.orders.told == [_CAPTURED]
    assert await bench.ledger(payment) == [("CAPTURE", "SUCCEEDED", 2500)]
    assert await bench.events(payment) == ["payment.captured"]


async def test_an_overtaken_answer_changes_nothing(bench: Bench) -> None:
    order = await bench.make_order()
    payment = await bench.started(order)
    bench.stripe.move("pi_1", "requires_action")
    made, release = bench.stripe.hold_next("GET /v1/payment_intents/pi_1")

    slow = asyncio.ensure_future(bench.payments.settle(payment.id, actor=None))
    await made.wait()
    bench.stripe.pay("pi_1")
    await bench.payments.settle(payment.id, actor=None)
    release.set()

    assert (await slow).status == "CAPTURED"
    assert bench.orders.told == [_CAPTURED]
    assert await bench.events(payment) == ["payment.captured"]


@pytest.mark.parametrize("how", ["error", "drop", "hang"])
async def test_says_so_when_stripe_is_silent(bench: Bench, how: str) -> None:
    order = await bench.make_order()
    payment = await bench.started(order)
    bench.stripe.pay("pi_1")
    bench.stripe.fail_next("GET /v1/payment_intents", how)

    refused = await refusal(bench.owner(order).confirm(id_of(payment)))

    expected = (grpc.StatusCode.UNAVAILABLE, "PAYMENT_PROVIDER_UNAVAILABLE", {"provider": "STRIPE"})
    assert (refused.code, refused.reason, refused.metadata) == expected
    assert (await bench.payment(payment.id)).status == "CREATED"
    assert bench.orders.told == []


async def test_does_not_ask_for_strangers(bench: Bench) -> None:
    payment = await bench.started()
    asked = len(bench.stripe.calls)

    refused = await refusal(bench.stranger().confirm(id_of(payment)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert len(bench.stripe.calls) == asked


async def test_reads_the_payment_once_before_stripe_is_asked_and_once_after(bench: Bench) -> None:
    order = await bench.make_order()
    payment = await bench.started(order)

    with count_statements() as statements:
        await bench.owner(order).confirm(id_of(payment))

    # Between them it is locked; the order is locked by what stands for orders here, which is not counted.
    assert ["FOR UPDATE" in statement for statement in statements] == [False, True, False], "\n".join(statements)


async def test_hides_the_secret_from_administrators(bench: Bench) -> None:
    payment = await bench.started()

    confirmed = await bench.admin().confirm(id_of(payment))

    assert (status_name(confirmed), confirmed.provider_reference, confirmed.client_secret) == ("CREATED", "pi_1", "")
