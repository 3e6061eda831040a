"""What follows from the states of an order, and how it is written: values in, values out."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Final

from server.features.cart.values import Address
from server.features.orders.errors import FulfillmentTransitionInvalid, OrderTransitionInvalid
from server.features.orders.values import (
    ActorKind,
    DisplayStatus,
    FulfillmentStatus,
    FulfillmentSummary,
    LineProgress,
    OrderStatus,
    PaymentSummary,
)
from server.features.payments.values import PaymentTotals
from server.kernel.actor import Actor

ORDER_TRANSITIONS: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.PENDING: frozenset({OrderStatus.CONFIRMED, OrderStatus.EXPIRED, OrderStatus.CANCELED}),
    OrderStatus.CONFIRMED: frozenset({OrderStatus.COMPLETED, OrderStatus.CANCELED}),
    # Money may come after the time was up; when the stock can be held again, the order stands after all.
    OrderStatus.EXPIRED: frozenset({OrderStatus.CONFIRMED}),
    OrderStatus.COMPLETED: frozenset(),
    OrderStatus.CANCELED: frozenset(),
}

FULFILLMENT_TRANSITIONS: Final[Mapping[FulfillmentStatus, frozenset[FulfillmentStatus]]] = {
    FulfillmentStatus.PENDING: frozenset({FulfillmentStatus.SHIPPED, FulfillmentStatus.CANCELED}),
    FulfillmentStatus.SHIPPED: frozenset({FulfillmentStatus.DELIVERED}),
    FulfillmentStatus.DELIVERED: frozenset(),
    FulfillmentStatus.CANCELED: frozenset(),
}


def check_order_step(current: OrderStatus, target: OrderStatus) -> None:
    """Raise OrderTransitionInvalid with the allowed states when an order cannot take this step."""
    if target not in ORDER_TRANSITIONS[current]:
        raise OrderTransitionInvalid(current, target, ORDER_TRANSITIONS[current])


def check_fulfillment_step(current: FulfillmentStatus, target: FulfillmentStatus) -> None:
    """Raise FulfillmentTransitionInvalid with the allowed states when a fulfillment cannot take this step."""
    if target not in FULFILLMENT_TRANSITIONS[current]:
        raise FulfillmentTransitionInvalid(current, target, FULFILLMENT_TRANSITIONS[current])


def payment_summary(total_minor: int, payments: PaymentTotals) -> PaymentSummary:
    """Sum up the money of an order; the first that fits counts."""
    captured, refunded = payments.captured_minor, payments.refunded_minor
    if total_minor == 0 and captured == 0:
        return PaymentSummary.NOT_REQUIRED
    if refunded > 0:
        return PaymentSummary.REFUNDED if refunded >= captured else PaymentSummary.PARTIALLY_REFUNDED
    if captured > 0:
        if captured > total_minor:
            return PaymentSummary.OVERPAID
        return PaymentSummary.PAID if captured == total_minor else PaymentSummary.PARTIALLY_PAID
    if payments.authorized_minor >= total_minor:
        return PaymentSummary.AUTHORIZED
    if payments.in_flight:
        return PaymentSummary.PENDING
    return PaymentSummary.VOIDED if payments.voided_minor > 0 else PaymentSummary.UNPAID


def money_suffices(total_minor: int, payments: PaymentTotals) -> bool:
    """Whether enough is here or promised for the agreement to stand; money that goes back does not count."""
    return payments.kept_minor + payments.authorized_minor >= total_minor


def fulfillment_summary(lines: Iterable[LineProgress]) -> FulfillmentSummary:
    """Sum up the fulfillments of an order.

    Nobody tells the shop of arrivals yet, so that DELIVERED is never the answer.
    """
    sent = [line for line in lines if line.requires_shipping]
    if not sent:
        return FulfillmentSummary.NOT_REQUIRED
    if all(line.shipped_quantity == line.quantity for line in sent):
        return FulfillmentSummary.FULFILLED
    if any(line.shipped_quantity for line in sent):
        return FulfillmentSummary.PARTIALLY_FULFILLED
    return FulfillmentSummary.UNFULFILLED


_NOTHING_TO_SHIP: Final = frozenset(
    {FulfillmentSummary.NOT_REQUIRED, FulfillmentSummary.FULFILLED, FulfillmentSummary.DELIVERED}
)
_NOTHING_TO_PAY: Final = frozenset(
    {PaymentSummary.NOT_REQUIRED, PaymentSummary.PAID, PaymentSummary.OVERPAID, PaymentSummary.PARTIALLY_REFUNDED}
)


def nothing_left(payment: PaymentSummary, fulfillment: FulfillmentSummary) -> bool:
    """Whether a confirmed order is complete: nothing left to ship and nothing left to pay."""
    return fulfillment in _NOTHING_TO_SHIP and payment in _NOTHING_TO_PAY


_MONEY_DISPLAY: Final = {
    PaymentSummary.REFUNDED: DisplayStatus.REFUNDED,
    PaymentSummary.PARTIALLY_REFUNDED: DisplayStatus.PARTIALLY_REFUNDED,
}
_STATUS_DISPLAY: Final = {
    OrderStatus.PENDING: DisplayStatus.PENDING,
    OrderStatus.COMPLETED: DisplayStatus.COMPLETED,
    OrderStatus.CANCELED: DisplayStatus.CANCELED,
    OrderStatus.EXPIRED: DisplayStatus.EXPIRED,
}
_SHIPPING_DISPLAY: Final = {
    FulfillmentSummary.DELIVERED: DisplayStatus.DELIVERED,
    FulfillmentSummary.FULFILLED: DisplayStatus.SHIPPED,
    FulfillmentSummary.PARTIALLY_FULFILLED: DisplayStatus.PROCESSING,
}


def display_status(status: OrderStatus, payment: PaymentSummary, fulfillment: FulfillmentSummary) -> DisplayStatus:
    """Say all three states in one word, for simple clients. What went wrong with the money comes first."""
    if payment in _MONEY_DISPLAY:
        return _MONEY_DISPLAY[payment]
    if status in _STATUS_DISPLAY:
        return _STATUS_DISPLAY[status]
    return _SHIPPING_DISPLAY.get(fulfillment, DisplayStatus.CONFIRMED)


def actor_kind(actor: Actor | None) -> ActorKind:
    """Say who acts, as the timeline tells it; None: the shop by itself."""
    if actor is None:
        return ActorKind.SHOP
    if actor.works_here:
        return ActorKind.STAFF
    return ActorKind.CUSTOMER if actor.signed_in else ActorKind.GUEST


def address_lines(address: Address, *, country: str, brief: bool = False) -> list[str]:
    """Write an address as it stands on an envelope; `country` is what its region is called there.

    `brief`: without organization and administrative area, for a sentence in which it is only to be recognised.
    """
    town = " ".join(part for part in (address.get("postal_code", ""), address["locality"]) if part)
    lines = [
        address["recipient"],
        "" if brief else address.get("organization", ""),
        *address["address_lines"],
        town,
        "" if brief else address.get("administrative_area", ""),
        country,
    ]
    return [line for line in lines if line]


# Without the letters that are read as digits, and without vowels, so that no word appears.
_NUMBER_ALPHABET: Final = "23456789BCDFGHJKLMNPQRSTVWXZ"


def new_order_number() -> str:
    """Draw a number such as `K7QF-3M2P`: short, human, and silent about how many orders there are.

    28^8 numbers: with a million orders a new one collides once in 378,000 draws, and the unique constraint decides.
    """
    letters = "".join(secrets.choice(_NUMBER_ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"
