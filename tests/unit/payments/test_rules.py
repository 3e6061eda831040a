"""What a payment may become."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.features.payments.rules import (
    IN_FLIGHT,
    TRANSITIONS,
    Kind,
    Status,
    Transaction,
    TransactionStatus,
    advance,
    refundable,
)
from server.kernel.ids import PaymentId

_DONE = [Status.CAPTURED, Status.CANCELED, Status.VOIDED, Status.EXPIRED]


@given(st.lists(st.sampled_from(Status)))
def test_no_order_of_news_leads_out_of_an_end(news: list[Status]) -> None:
    status = Status.CREATED

    for reported in news:
        following = advance(status, reported)
        assert following is status or following in TRANSITIONS[status]
        assert status not in _DONE or following is status
        status = following


@given(st.lists(st.sampled_from(Status)))
def test_nothing_becomes_created_again(news: list[Status]) -> None:
    status = Status.REQUIRES_ACTION

    for reported in news:
        status = advance(status, reported)
        assert status is not Status.CREATED


def test_a_canceled_promise_is_void() -> None:
    assert advance(Status.AUTHORIZED, Status.CANCELED) is Status.VOIDED
    assert advance(Status.AUTHORIZED, Status.EXPIRED) is Status.EXPIRED
    assert advance(Status.PROCESSING, Status.EXPIRED) is Status.CANCELED


def test_a_declined_buyer_may_try_again() -> None:
    assert advance(Status.PROCESSING, Status.FAILED) is Status.FAILED
    assert advance(Status.FAILED, Status.CAPTURED) is Status.CAPTURED


def test_in_flight_is_what_may_still_move() -> None:
    assert set(Status) - IN_FLIGHT == set(_DONE)


@pytest.mark.parametrize(
    ("refund", "left"),
    [
        (TransactionStatus.PENDING, 70),
        (TransactionStatus.SUCCEEDED, 70),
        (TransactionStatus.FAILED, 100),
    ],
)
def test_money_on_its_way_back_is_not_refundable_again(refund: TransactionStatus, left: int) -> None:
    rows = [_row(Kind.CAPTURE, TransactionStatus.SUCCEEDED, 100), _row(Kind.REFUND, refund, 30)]

    assert refundable(rows) == left


def test_what_was_only_promised_is_not_refundable() -> None:
    assert refundable([_row(Kind.AUTHORIZATION, TransactionStatus.SUCCEEDED, 100)]) == 0


def _row(kind: Kind, status: TransactionStatus, amount: int) -> Transaction:
    return Transaction(uuid4(), PaymentId(uuid4()), kind, status, amount, "ref")
