"""What a payment may become."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.features.payments.rules import IN_FLIGHT, TRANSITIONS, advance, refundable
from server.features.payments.values import PaymentStatus, Transaction, TransactionKind, TransactionStatus
from server.kernel.ids import PAYMENT, TRANSACTION

_DONE = [PaymentStatus.CAPTURED, PaymentStatus.CANCELED, PaymentStatus.VOIDED, PaymentStatus.EXPIRED]


@given(st.lists(st.sampled_from(PaymentStatus)))
def test_no_order_of_news_leads_out_of_an_end(news: list[PaymentStatus]) -> None:
    status = PaymentStatus.CREATED

    for reported in news:
        following = advance(status, reported)
        assert following is status or following in TRANSITIONS[status]
        assert status not in _DONE or following is status
        status = following


@given(st.lists(st.sampled_from(PaymentStatus)))
def test_nothing_becomes_created_again(news: list[PaymentStatus]) -> None:
    status = PaymentStatus.REQUIRES_ACTION

    for reported in news:
        status = advance(status, reported)
        assert status is not PaymentStatus.CREATED


def test_a_canceled_promise_is_void() -> None:
    assert advance(PaymentStatus.AUTHORIZED, PaymentStatus.CANCELED) is PaymentStatus.VOIDED
    assert advance(PaymentStatus.AUTHORIZED, PaymentStatus.EXPIRED) is PaymentStatus.EXPIRED
    assert advance(PaymentStatus.PROCESSING, PaymentStatus.EXPIRED) is PaymentStatus.CANCELED


def test_a_declined_buyer_may_try_again() -> None:
    assert advance(PaymentStatus.PROCESSING, PaymentStatus.FAILED) is PaymentStatus.FAILED
    assert advance(PaymentStatus.FAILED, PaymentStatus.CAPTURED) is PaymentStatus.CAPTURED


def test_in_flight_is_what_may_still_move() -> None:
    assert set(PaymentStatus) - IN_FLIGHT == set(_DONE)


@pytest.mark.parametrize(
    ("refund", "left"),
    [
        (TransactionStatus.PENDING, 70),
        (TransactionStatus.SUCCEEDED, 70),
        (TransactionStatus.FAILED, 100),
    ],
)
def test_money_on_its_way_back_is_not_refundable_again(refund: TransactionStatus, left: int) -> None:
    rows = [_row(TransactionKind.CAPTURE, TransactionStatus.SUCCEEDED, 100), _row(TransactionKind.REFUND, refund, 30)]

    assert refundable(rows) == left


def test_what_was_only_promised_is_not_refundable() -> None:
    assert refundable([_row(TransactionKind.AUTHORIZATION, TransactionStatus.SUCCEEDED, 100)]) == 0


def _row(kind: TransactionKind, status: TransactionStatus, amount: int) -> Transaction:
    return Transaction(TRANSACTION.new(), PAYMENT.new(), kind, status, amount, "ref")
