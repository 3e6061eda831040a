"""The states of an order, and what follows from what: values in, values out."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from server.features.orders.errors import InvalidTransition


class OrderStatus(StrEnum):
    """Whether the agreement stands."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


class PaymentStatus(StrEnum):
    """The money of an order in one word."""

    NOT_REQUIRED = "NOT_REQUIRED"
    UNPAID = "UNPAID"
    PENDING = "PENDING"
    AUTHORIZED = "AUTHORIZED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    OVERPAID = "OVERPAID"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    VOIDED = "VOIDED"


class FulfillmentStatus(StrEnum):
    """The parcels of an order in one word."""

    NOT_REQUIRED = "NOT_REQUIRED"
    UNFULFILLED = "UNFULFILLED"
    PARTIALLY_FULFILLED = "PARTIALLY_FULFILLED"
    FULFILLED = "FULFILLED"
    DELIVERED = "DELIVERED"


class ParcelStatus(StrEnum):
    """Where one parcel is."""

    PENDING = "PENDING"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELED = "CANCELED"


ORDER_TRANSITIONS: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.PENDING: frozenset({OrderStatus.CONFIRMED, OrderStatus.EXPIRED, OrderStatus.CANCELED}),
    OrderStatus.CONFIRMED: frozenset({OrderStatus.COMPLETED, OrderStatus.CANCELED}),
    # MoneySums may arrive after the time was up; when the stock can be held again, the order stands after all.
    OrderStatus.EXPIRED: frozenset({OrderStatus.CONFIRMED}),
    OrderStatus.COMPLETED: frozenset(),
    OrderStatus.CANCELED: frozenset(),
}

PARCEL_TRANSITIONS: Mapping[ParcelStatus, frozenset[ParcelStatus]] = {
    ParcelStatus.PENDING: frozenset({ParcelStatus.SHIPPED, ParcelStatus.CANCELED}),
    ParcelStatus.SHIPPED: frozenset({ParcelStatus.DELIVERED}),
    ParcelStatus.DELIVERED: frozenset(),
    ParcelStatus.CANCELED: frozenset(),
}


class ActorKind(StrEnum):
    """Who did something to an order."""

    CUSTOMER = "CUSTOMER"
    GUEST = "GUEST"
    STAFF = "STAFF"
    SHOP = "SHOP"


@dataclass(frozen=True, slots=True)
class MoneySums:
    """The sums over all payments of an order, in minor units of its currency."""

    captured_minor: int = 0
    refunded_minor: int = 0
    # On its way back: not there yet, and not to be counted on any more.
    refund_pending_minor: int = 0
    authorized_minor: int = 0
    # A payment is on its way at the provider.
    in_flight: bool = False
    voided: bool = False


@dataclass(frozen=True, slots=True)
class LineProgress:
    """How much of a line was ordered and how much of it is shipped."""

    quantity: int
    shipped_quantity: int
    requires_shipping: bool


def check_order_step(current: OrderStatus, wanted: OrderStatus) -> None:
    """Raise InvalidTransition with the allowed states when an order cannot take this step."""
    if wanted not in ORDER_TRANSITIONS[current]:
        raise InvalidTransition("the order", current, wanted, ORDER_TRANSITIONS[current])


def check_parcel_step(current: ParcelStatus, wanted: ParcelStatus) -> None:
    """Raise InvalidTransition with the allowed states when a parcel cannot take this step."""
    if wanted not in PARCEL_TRANSITIONS[current]:
        raise InvalidTransition("the fulfillment", current, wanted, PARCEL_TRANSITIONS[current])


def payment_status(total_minor: int, money: MoneySums) -> PaymentStatus:
    """Sum up the money of an order; the first that fits counts."""
    captured, refunded = money.captured_minor, money.refunded_minor
    if total_minor == 0 and captured == 0:
        return PaymentStatus.NOT_REQUIRED
    if refunded > 0:
        return PaymentStatus.REFUNDED if refunded >= captured else PaymentStatus.PARTIALLY_REFUNDED
    if captured > 0:
        if captured > total_minor:
            return PaymentStatus.OVERPAID
        return PaymentStatus.PAID if captured == total_minor else PaymentStatus.PARTIALLY_PAID
    if money.authorized_minor >= total_minor:
        return PaymentStatus.AUTHORIZED
    if money.in_flight:
        return PaymentStatus.PENDING
    return PaymentStatus.VOIDED if money.voided else PaymentStatus.UNPAID


def money_suffices(total_minor: int, money: MoneySums) -> bool:
    """Whether enough is here or promised for the agreement to stand; money that goes back does not count."""
    kept = money.captured_minor - money.refunded_minor - money.refund_pending_minor
    return kept + money.authorized_minor >= total_minor


def fulfillment_status(lines: Iterable[LineProgress]) -> FulfillmentStatus:
    """Sum up the parcels of an order. Arrival is not tracked per line, so DELIVERED is set by the carrier's news."""
    parcels = [line for line in lines if line.requires_shipping]
    if not parcels:
        return FulfillmentStatus.NOT_REQUIRED
    if all(line.shipped_quantity == line.quantity for line in parcels):
        return FulfillmentStatus.FULFILLED
    if any(line.shipped_quantity for line in parcels):
        return FulfillmentStatus.PARTIALLY_FULFILLED
    return FulfillmentStatus.UNFULFILLED


def nothing_left(payment: PaymentStatus, fulfillment: FulfillmentStatus) -> bool:
    """Whether a confirmed order is complete: nothing left to ship and nothing left to pay."""
    return fulfillment in (
        FulfillmentStatus.NOT_REQUIRED,
        FulfillmentStatus.FULFILLED,
        FulfillmentStatus.DELIVERED,
    ) and payment in (
        PaymentStatus.NOT_REQUIRED,
        PaymentStatus.PAID,
        PaymentStatus.OVERPAID,
        PaymentStatus.PARTIALLY_REFUNDED,
    )


_CLOSED_DISPLAY = {OrderStatus.CANCELED: "CANCELED", OrderStatus.EXPIRED: "EXPIRED", OrderStatus.PENDING: "PENDING"}
_SHIPPING_DISPLAY = {
    FulfillmentStatus.DELIVERED: "DELIVERED",
    FulfillmentStatus.FULFILLED: "SHIPPED",
    FulfillmentStatus.PARTIALLY_FULFILLED: "PROCESSING",
}


def display_status(status: OrderStatus, payment: PaymentStatus, fulfillment: FulfillmentStatus) -> str:
    """Say all three states in one word, for simple clients. What went wrong with the money comes first."""
    if payment in (PaymentStatus.REFUNDED, PaymentStatus.PARTIALLY_REFUNDED):
        return payment.value
    if status in _CLOSED_DISPLAY:
        return _CLOSED_DISPLAY[status]
    if status is OrderStatus.COMPLETED:
        return "COMPLETED"
    return _SHIPPING_DISPLAY.get(fulfillment, "CONFIRMED")


# Without the letters that are read as digits, and without vowels, so that no word appears.
_NUMBER_ALPHABET = "23456789BCDFGHJKLMNPQRSTVWXZ"


def new_order_number() -> str:
    """Draw a number such as `K7QF-3M2P`: short, human, and silent about how many orders there are.

    28^8 numbers: with a million orders a new one collides once in 378,000 draws, and the unique constraint decides.
    """
    letters = "".join(secrets.choice(_NUMBER_ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"
