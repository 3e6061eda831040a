"""What a payment may become, and what a provider's answer means for it. Pure functions on frozen values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from server.kernel.ids import OrderId, PaymentId


class Provider(StrEnum):
    """Who moves the money."""

    STRIPE = "STRIPE"
    MANUAL = "MANUAL"


class Status(StrEnum):
    """How far a payment has come."""

    CREATED = "CREATED"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    PROCESSING = "PROCESSING"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    VOIDED = "VOIDED"
    EXPIRED = "EXPIRED"


class Kind(StrEnum):
    """How money moved."""

    AUTHORIZATION = "AUTHORIZATION"
    CAPTURE = "CAPTURE"
    VOID = "VOID"
    REFUND = "REFUND"


class TransactionStatus(StrEnum):
    """Whether money has moved yet."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to pay an order with one provider."""

    id: PaymentId
    order_id: OrderId
    provider: Provider
    status: Status
    currency: str
    amount_minor: int
    captured_minor: int
    refunded_minor: int
    # None until the provider has answered.
    provider_reference: str | None
    # Empty for everybody but the owner of the order.
    client_secret: str
    failure_code: str
    created_time: datetime
    updated_time: datetime

    def __post_init__(self) -> None:
        """Turn the database's texts into the enums; they are checked there by constraints."""
        object.__setattr__(self, "provider", Provider(self.provider))
        object.__setattr__(self, "status", Status(self.status))


@dataclass(frozen=True, slots=True)
class Transaction:
    """A row of the ledger: money that moved, or is about to."""

    id: UUID
    payment_id: PaymentId
    kind: Kind
    status: TransactionStatus
    amount_minor: int
    provider_reference: str | None

    def __post_init__(self) -> None:
        """Turn the database's texts into the enums; they are checked there by constraints."""
        object.__setattr__(self, "kind", Kind(self.kind))
        object.__setattr__(self, "status", TransactionStatus(self.status))


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row of the ledger that is new or got a new status."""

    kind: Kind
    status: TransactionStatus
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PaymentTotals:
    """The sums over all payments of one order, in the order's minor units."""

    captured_minor: int
    # Promised by banks and neither captured nor given back.
    authorized_minor: int
    # What went back, and what is on its way back.
    refunded_minor: int
    refund_pending_minor: int
    # Payments that the bank works on (PROCESSING), and those that the buyer has begun and must go on with at the bank
    # (REQUIRES_ACTION), who may have gone away.
    processing_minor: int
    action_minor: int
    # Promises that were given back or ran out.
    voided_minor: int


@dataclass(frozen=True, slots=True)
class RefundState:
    """What the provider says about one refund."""

    reference: str
    # The row of our ledger that asked for it; None when somebody refunded at the provider.
    transaction_id: UUID | None
    status: TransactionStatus
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ProviderState:
    """What the provider says about a payment at one moment."""

    reference: str
    client_secret: str
    status: Status
    currency: str
    amount_minor: int
    authorized_minor: int
    captured_minor: int
    failure_code: str
    refunds: tuple[RefundState, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that the ledger must have; `transaction_id` names the row when it is there already without reference."""

    kind: Kind
    status: TransactionStatus
    amount_minor: int
    provider_reference: str
    transaction_id: UUID | None = None


# The only moves. FAILED is no end while the intent lives at the provider: the buyer may try another card with it.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.CREATED: frozenset(
        {
            Status.REQUIRES_ACTION,
            Status.PROCESSING,
            Status.AUTHORIZED,
            Status.CAPTURED,
            Status.FAILED,
            Status.CANCELED,
        }
    ),
    Status.REQUIRES_ACTION: frozenset(
        {Status.PROCESSING, Status.AUTHORIZED, Status.CAPTURED, Status.FAILED, Status.CANCELED}
    ),
    Status.PROCESSING: frozenset({Status.AUTHORIZED, Status.CAPTURED, Status.FAILED, Status.CANCELED}),
    Status.FAILED: frozenset(
        {Status.REQUIRES_ACTION, Status.PROCESSING, Status.AUTHORIZED, Status.CAPTURED, Status.CANCELED}
    ),
    Status.AUTHORIZED: frozenset({Status.CAPTURED, Status.VOIDED, Status.EXPIRED}),
    Status.CAPTURED: frozenset(),
    Status.CANCELED: frozenset(),
    Status.VOIDED: frozenset(),
    Status.EXPIRED: frozenset(),
}
# Money may still come or a promise still stand.
IN_FLIGHT = frozenset(status for status, following in TRANSITIONS.items() if following)
# A refund may fail after it seemed done: the buyer's bank sends it back.
REFUND_TRANSITIONS: dict[TransactionStatus, frozenset[TransactionStatus]] = {
    TransactionStatus.PENDING: frozenset({TransactionStatus.SUCCEEDED, TransactionStatus.FAILED}),
    TransactionStatus.SUCCEEDED: frozenset({TransactionStatus.FAILED}),
    TransactionStatus.FAILED: frozenset(),
}


def advance(current: Status, reported: Status) -> Status:
    """Return the status after the provider reported one: the present one when the report is old news.

    Answers to two questions may overtake each other, so a report that would lead backwards is one.
    """
    if reported is Status.CANCELED and current is Status.AUTHORIZED:
        reported = Status.VOIDED
    if reported is Status.EXPIRED and current is not Status.AUTHORIZED:
        reported = Status.CANCELED
    return reported if reported in TRANSITIONS[current] else current


def ledger_entries(payment: Payment, status: Status, state: ProviderState) -> list[Entry]:
    """List what the ledger must say once the payment has `status`.

    The intent's reference stands on everything but refunds: it is authorised, captured and voided once.
    """
    done, reference = TransactionStatus.SUCCEEDED, state.reference
    entries = []
    if state.authorized_minor > 0:
        entries.append(Entry(Kind.AUTHORIZATION, done, state.authorized_minor, reference))
    if state.captured_minor > 0:
        entries.append(Entry(Kind.CAPTURE, done, state.captured_minor, reference))
    if status in (Status.VOIDED, Status.EXPIRED):
        entries.append(Entry(Kind.VOID, done, payment.amount_minor, reference))
    refunds = [
        Entry(Kind.REFUND, refund.status, refund.amount_minor, refund.reference, refund.transaction_id)
        for refund in state.refunds
    ]
    return entries + refunds


def refundable(transactions: Iterable[Transaction]) -> int:
    """Return how much of a payment can still be given back: captured - refunded - on its way back."""
    left = 0
    for transaction in transactions:
        if transaction.kind is Kind.CAPTURE and transaction.status is TransactionStatus.SUCCEEDED:
            left += transaction.amount_minor
        elif transaction.kind is Kind.REFUND and transaction.status is not TransactionStatus.FAILED:
            left -= transaction.amount_minor
    return max(left, 0)


def waits_for_buyer(status: Status) -> bool:
    """Tell whether the buyer's browser still has something to do at the provider."""
    return status in (Status.CREATED, Status.REQUIRES_ACTION, Status.FAILED)
