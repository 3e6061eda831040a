"""Payments as this feature and orders handle them: frozen values, and the states that they take."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from server.kernel.ids import OrderId, PaymentId, TransactionId


class Provider(StrEnum):
    """Who moves the money."""

    STRIPE = "STRIPE"
    MANUAL = "MANUAL"


class PaymentStatus(StrEnum):
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


class TransactionKind(StrEnum):
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
    status: PaymentStatus
    currency: str
    amount_minor: int
    captured_minor: int
    refunded_minor: int
    # None until the provider has answered.
    provider_reference: str | None
    # What the buyer's browser needs to pay; empty for a viewer who is not the owner of the order.
    client_secret: str
    failure_code: str
    created_time: datetime
    updated_time: datetime


@dataclass(frozen=True, slots=True)
class Transaction:
    """A row of the ledger: money that moved, or is about to."""

    id: TransactionId
    payment_id: PaymentId
    kind: TransactionKind
    status: TransactionStatus
    amount_minor: int
    provider_reference: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that the ledger must have; `transaction_id` names the row when it is there already without reference."""

    kind: TransactionKind
    status: TransactionStatus
    amount_minor: int
    provider_reference: str
    transaction_id: TransactionId | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row of the ledger that is new or got a new status."""

    kind: TransactionKind
    status: TransactionStatus
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PaymentTotals:
    """The sums over all payments of one order, in the order's minor units."""

    captured_minor: int = 0
    # Promised by banks and neither captured nor given back.
    authorized_minor: int = 0
    # What went back, and what is on its way back: not there yet, and not to be counted on any more.
    refunded_minor: int = 0
    refund_pending_minor: int = 0
    # Payments that the bank works on (PROCESSING), and those that the buyer has begun and must go on with at the bank
    # (REQUIRES_ACTION), who may have gone away.
    processing_minor: int = 0
    action_minor: int = 0
    # Promises that were given back or ran out.
    voided_minor: int = 0

    @property
    def in_flight(self) -> bool:
        """Whether money is on its way at a provider."""
        return self.processing_minor + self.action_minor > 0

    @property
    def kept_minor(self) -> int:
        """What is here and stays."""
        return self.captured_minor - self.refunded_minor - self.refund_pending_minor


@dataclass(frozen=True, slots=True)
class LateMoney:
    """The order cannot use the money: what the payment brought goes back in full. `note` says why, for the books."""

    note: str


@dataclass(frozen=True, slots=True)
class RefundState:
    """What the provider says about one refund."""

    reference: str
    # The row of our ledger that asked for it; None when somebody refunded at the provider.
    transaction_id: TransactionId | None
    status: TransactionStatus
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ProviderState:
    """What the provider says about a payment at one moment."""

    reference: str
    client_secret: str
    status: PaymentStatus
    currency: str
    amount_minor: int
    authorized_minor: int
    captured_minor: int
    failure_code: str
    refunds: tuple[RefundState, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """What a provider sent. It says what to ask about; what it says besides is not trusted to be the latest."""

    event_id: str
    type: str
    # Empty when it speaks of no payment.
    payment_reference: str
    # Our own id, which the provider keeps with the payment; None when it names none.
    payment_id: PaymentId | None


@dataclass(frozen=True, slots=True)
class ProviderEventRecord:
    """A provider's event as it is stored: the body as it came, and when it was applied."""

    payment_reference: str
    payload: bytes
    applied_time: datetime | None


@dataclass(frozen=True, slots=True)
class StalePayment:
    """A payment that reconciliation has to look at."""

    payment_id: PaymentId
    # Its order wants no money any more.
    order_closed: bool
