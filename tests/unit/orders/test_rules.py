"""The states of an order."""

import itertools
import re

import pytest

from server.features.orders import rules
from server.features.orders.errors import FulfillmentTransitionInvalid, OrderTransitionInvalid
from server.features.orders.values import (
    FulfillmentStatus,
    FulfillmentSummary,
    LineProgress,
    OrderStatus,
    PaymentSummary,
)
from server.features.payments.values import PaymentTotals

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

    with pytest.raises(OrderTransitionInvalid) as refusal:
        rules.check_order_step(before, after)

    allowed = sorted(wanted for current, wanted in ALLOWED if current == before)
    assert refusal.value.metadata == {"from": before.value, "to": after.value, "allowed": ",".join(allowed)}


def test_a_shipped_fulfillment_is_not_shipped_again() -> None:
    with pytest.raises(FulfillmentTransitionInvalid) as refusal:
        rules.check_fulfillment_step(FulfillmentStatus.SHIPPED, FulfillmentStatus.SHIPPED)

    assert refusal.value.metadata["allowed"] == "DELIVERED"


@pytest.mark.parametrize(
    ("total", "money", "expected"),
    [
        (0, PaymentTotals(), PaymentSummary.NOT_REQUIRED),
        (100, PaymentTotals(), PaymentSummary.UNPAID),
        (100, PaymentTotals(processing_minor=100), PaymentSummary.PENDING),
        (100, PaymentTotals(authorized_minor=100), PaymentSummary.AUTHORIZED),
        (100, PaymentTotals(authorized_minor=99), PaymentSummary.UNPAID),
        (100, PaymentTotals(captured_minor=99, authorized_minor=100), PaymentSummary.PARTIALLY_PAID),
        (100, PaymentTotals(captured_minor=100), PaymentSummary.PAID),
        (100, PaymentTotals(captured_minor=101), PaymentSummary.OVERPAID),
        (100, PaymentTotals(captured_minor=100, refunded_minor=1), PaymentSummary.PARTIALLY_REFUNDED),
        (100, PaymentTotals(captured_minor=100, refunded_minor=100), PaymentSummary.REFUNDED),
        (100, PaymentTotals(voided_minor=100), PaymentSummary.VOIDED),
        (100, PaymentTotals(voided_minor=100, processing_minor=100), PaymentSummary.PENDING),
    ],
)
def test_sums_up_the_money(total: int, money: PaymentTotals, expected: PaymentSummary) -> None:
    assert rules.payment_summary(total, money) is expected


def test_money_that_went_back_confirms_nothing() -> None:
    assert rules.money_suffices(100, PaymentTotals(captured_minor=100))
    assert rules.money_suffices(100, PaymentTotals(captured_minor=40, authorized_minor=60))
    assert not rules.money_suffices(100, PaymentTotals(captured_minor=100, refunded_minor=1))
    assert not rules.money_suffices(100, PaymentTotals(captured_minor=100, refund_pending_minor=1))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([LineProgress(1, 0, requires_shipping=False)], FulfillmentSummary.NOT_REQUIRED),
        ([LineProgress(2, 0, requires_shipping=True)], FulfillmentSummary.UNFULFILLED),
        ([LineProgress(2, 1, requires_shipping=True)], FulfillmentSummary.PARTIALLY_FULFILLED),
        (
            [LineProgress(2, 2, requires_shipping=True), LineProgress(1, 0, requires_shipping=True)],
            FulfillmentSummary.PARTIALLY_FULFILLED,
        ),
        (
            [LineProgress(2, 2, requires_shipping=True), LineProgress(1, 0, requires_shipping=False)],
            FulfillmentSummary.FULFILLED,
        ),
    ],
)
def test_sums_up_the_fulfillments(lines: list[LineProgress], expected: FulfillmentSummary) -> None:
    assert rules.fulfillment_summary(lines) is expected


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
    shown = rules.display_status(OrderStatus(status), PaymentSummary(payment), FulfillmentSummary(fulfillment))

    assert shown == expected


def test_an_order_number_is_short_and_has_no_letter_that_reads_as_a_digit() -> None:
    numbers = {rules.new_order_number() for _ in range(1000)}

    assert len(numbers) == 1000
    assert all(re.fullmatch(r"[2-9BCDFGHJKLMNPQRSTVWXZ]{4}-[2-9BCDFGHJKLMNPQRSTVWXZ]{4}", number) for number in numbers)


def test_writes_an_address_in_full_or_in_brief() -> None:
    address = {
        "recipient": "Ada Lovelace",
        "organization": "Analytical Engines",
        "address_lines": ["12 St James's Square", "Flat 3"],
        "postal_code": "90210",
        "locality": "Springfield",
        "administrative_area": "CA",
        "region_code": "US",
    }
    street = ["12 St James's Square", "Flat 3", "90210 Springfield"]

    in_full = rules.address_lines(address, country="United States")
    in_brief = rules.address_lines(address, country="US", brief=True)

    assert in_full == ["Ada Lovelace", "Analytical Engines", *street, "CA", "United States"]
    assert in_brief == ["Ada Lovelace", *street, "US"]
