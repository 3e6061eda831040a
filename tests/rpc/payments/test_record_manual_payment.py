"""PaymentService.RecordManualPayment."""

import asyncio

import grpc
import pytest
from kontor.payments.v1 import payments_service_pb2
from kontor.type.v1 import money_pb2

from server.features.payments.values import Payment, PaymentTotals, Provider
from tests.rpc.payments.bench import Bench, id_of, status_name
from tests.world.refusals import refusal


def record_request(
    payment: Payment, *, amount_minor: int = 2500, currency: str = "EUR", request_id: str = ""
) -> payments_service_pb2.RecordManualPaymentRequest:
    """Ask for money to be recorded."""
    return payments_service_pb2.RecordManualPaymentRequest(
        payment_id=id_of(payment),
        amount=money_pb2.Money(currency_code=currency, amount_minor=amount_minor),
        reference="statement 7",
        request_id=request_id,
    )


async def make_manual(bench: Bench) -> Payment:
    """Make a payment that waits for a bank transfer."""
    payment = await bench.make_payment(await bench.make_order(), provider=Provider.MANUAL)
    return await bench.payments.start(payment)


async def test_records_the_money(bench: Bench) -> None:
    payment = await make_manual(bench)

    recorded = await bench.admin().call(record_request(payment))

    assert (status_name(recorded), recorded.captured_amount.amount_minor) == ("CAPTURED", 2500)
    assert bench.orders.told == [PaymentTotals(2500, 0, 0, 0, 0, 0, 0)]
    assert await bench.run(
        "SELECT kind, status, provider_reference, actor_id IS NOT NULL FROM payment_transactions"
    ) == [("CAPTURE", "SUCCEEDED", "statement 7", True)]
    assert await bench.events(payment) == ["payment.captured"]
    assert bench.stripe.calls == []


async def test_the_same_key_records_once(bench: Bench) -> None:
    payment = await make_manual(bench)
    admin = bench.admin()
    request = record_request(payment, request_id="key-1")

    answers = await asyncio.gather(*[admin.call(request) for _ in range(4)])

    assert {status_name(answer) for answer in answers} == {"CAPTURED"}
    assert len(bench.orders.told) == 1
    assert await bench.ledger(payment) == [("CAPTURE", "SUCCEEDED", 2500)]


async def test_refuses_what_was_recorded_before(bench: Bench) -> None:
    payment = await make_manual(bench)
    await bench.admin().call(record_request(payment))

    refused = await refusal(bench.admin().call(record_request(payment)))

    expected = {"from": "CAPTURED", "to": "CAPTURED", "allowed": ""}
    assert (refused.code, refused.reason, refused.metadata) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "INVALID_TRANSITION",
        expected,
    )
    assert await bench.ledger(payment) == [("CAPTURE", "SUCCEEDED", 2500)]


async def test_refuses_a_payment_of_stripe(bench: Bench) -> None:
    payment = await bench.started()

    refused = await refusal(bench.admin().call(record_request(payment)))

    assert refused.reason == "INVALID_TRANSITION"
    assert await bench.ledger(payment) == []


@pytest.mark.parametrize(("amount_minor", "currency"), [(2499, "EUR"), (2501, "EUR"), (2500, "USD")])
async def test_refuses_another_amount(bench: Bench, amount_minor: int, currency: str) -> None:
    payment = await make_manual(bench)
    request = record_request(payment, amount_minor=amount_minor, currency=currency)

    refused = await refusal(bench.admin().call(request))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert (await bench.payment(payment.id)).status == "CREATED"
    assert await bench.ledger(payment) == []


async def test_is_for_administrators(bench: Bench) -> None:
    payment = await make_manual(bench)

    refused = await refusal(bench.stranger().call(record_request(payment)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert await bench.ledger(payment) == []
