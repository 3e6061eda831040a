"""The states of an order."""

import itertools
import re

import pytest

from server.features.orders import rules
from server.features.orders.errors import InvalidTransition
from server.features.orders.rules import (
    FulfillmentStatus,
    LineProgress,
    MoneySums,
    OrderStatus,
    ParcelStatus,
    PaymentStatus,
)

ALLOWED = {
    ("PENDING", "CONFIRMED"),
    ("PENDING", "EXPIRED"),
    ("PENDING", "CANCELED"),
    ("CONFIRMED", "COMPLETED"),
    ("CONFIRMED", "CANCELED"),
    ("EXPIRED", "CONFIRMED"),
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(OrderStatus, OrderStatus)))
def test_takes_only_the_steps_of_the_table(before: OrderStatus, after: OrderStatus) -> None:
    if (before.value, after.value) in ALLOWED:
        rules.check_order_step(before, after)
        return

    with pytest.raises(InvalidTransition) as refusal:
        rules.check_order_step(before, after)

    allowed = sorted(wanted for current, wanted in ALLOWED if current == before)
    assert refusal.value.metadata == {"from": before.value, "to": after.value, "allowed": ",".join(allowed)}


def test_a_shipped_parcel_is_not_shipped_again() -> None:
    with pytest.raises(InvalidTransition) as refusal:
        rules.check_parcel_step(ParcelStatus.SHIPPED, ParcelStatus.SHIPPED)

    assert refusal.value.metadata["allowed"] == "DELIVERED"


@pytest.mark.parametrize(
    ("total", "money", "expected"),
    [
        (0, MoneySums(), PaymentStatus.NOT_REQUIRED),
        (100, MoneySums(), PaymentStatus.UNPAID),
        (100, MoneySums(in_flight=True), PaymentStatus.PENDING),
        (100, MoneySums(authorized_minor=100), PaymentStatus.AUTHORIZED),
        (100, MoneySums(authorized_minor=99), PaymentStatus.UNPAID),
        (100, MoneySums(captured_minor=99, authorized_minor=100), PaymentStatus.PARTIALLY_PAID),
        (100, MoneySums(captured_minor=100), PaymentStatus.PAID),
        (100, MoneySums(captured_minor=101), PaymentStatus.OVERPAID),
        (100, MoneySums(captured_minor=100, refunded_minor=1), PaymentStatus.PARTIALLY_REFUNDED),
        (100, MoneySums(captured_minor=100, refunded_minor=100), PaymentStatus.REFUNDED),
        (100, MoneySums(voided=True), PaymentStatus.VOIDED),
        (100, MoneySums(voided=True, in_flight=True), PaymentStatus.PENDING),
    ],
)
def test_sums_up_the_money(total: int, money: MoneySums, expected: PaymentStatus) -> None:
    assert rules.payment_status(total, money) is expected


def test_money_that_went_back_confirms_nothing() -> None:
    assert rules.money_suffices(100, MoneySums(captured_minor=100))
    assert rules.money_suffices(100, MoneySums(captured_minor=40, authorized_minor=60))
    assert not rules.money_suffices(100, MoneySums(captured_minor=100, refunded_minor=1))
    assert not rules.money_suffices(100, MoneySums(captured_minor=100, refund_pending_minor=1))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([LineProgress(1, 0, requires_shipping=False)], FulfillmentStatus.NOT_REQUIRED),
        ([LineProgress(2, 0, requires_shipping=True)], FulfillmentStatus.UNFULFILLED),
        ([LineProgress(2, 1, requires_shipping=True)], FulfillmentStatus.PARTIALLY_FULFILLED),
        (
            [LineProgress(2, 2, requires_shipping=True), LineProgress(1, 0, requires_shipping=True)],
            FulfillmentStatus.PARTIALLY_FULFILLED,
        ),
        (
            [LineProgress(2, 2, requires_shipping=True), LineProgress(1, 0, requires_shipping=False)],
            FulfillmentStatus.FULFILLED,
        ),
    ],
)
def test_sums_up_the_parcels(lines: list[LineProgress], expected: FulfillmentStatus) -> None:
    assert rules.fulfillment_status(lines) is expected


@pytest.mark.parametrize(
    ("status", "payment", "fulfillment", "expected"),
    [
        ("PENDING", "UNPAID", "UNFULFILLED", "PENDING"),
        ("CONFIRMED", "PAID", "UNFULFILLED", "CONFIRMED"),
        ("CONFIRMED", "PAID", "PARTIALLY_FULFILLED", "PROCESSING"),
        ("CONFIRMED", "AUTHORIZED", "FULFILLED", "SHIPPED"),
        ("COMPLETED", "PAID", "FULFILLED", "COMPLETED"),
        ("EXPIRED", "UNPAID", "UNFULFILLED", "EXPIRED"),
        ("EXPIRED", "REFUNDED", "UNFULFILLED", "REFUNDED"),
        ("COMPLETED", "PARTIALLY_REFUNDED", "FULFILLED", "PARTIALLY_REFUNDED"),
    ],
)
def test_says_everything_in_one_word(status: str, payment: str, fulfillment: str, expected: str) -> None:
    shown = rules.display_status(OrderStatus(status), PaymentStatus(payment), FulfillmentStatus(fulfillment))

    assert shown == expected


def test_an_order_number_is_short_and_has_no_letter_that_reads_as_a_digit() -> None:
    numbers = {rules.new_order_number() for _ in range(1000)}

    assert len(numbers) == 1000
    assert all(re.fullmatch(r"[2-9BCDFGHJKLMNPQRSTVWXZ]{4}-[2-9BCDFGHJKLMNPQRSTVWXZ]{4}", number) for number in numbers)
