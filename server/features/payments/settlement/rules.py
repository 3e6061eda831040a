"""Which event tells of a step of a payment, if others may care about it."""

from collections.abc import Mapping, Sequence
from typing import Final

from server.features.payments.events import (
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCaptured,
    PaymentEvent,
    PaymentExpired,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentVoided,
)
from server.features.payments.values import Payment, PaymentStatus, Recorded, TransactionKind, TransactionStatus
from server.kernel.money import Money

_OF_STATUS: Final[Mapping[PaymentStatus, type[PaymentEvent]]] = {
    PaymentStatus.AUTHORIZED: PaymentAuthorized,
    PaymentStatus.CAPTURED: PaymentCaptured,
    PaymentStatus.FAILED: PaymentFailed,
    PaymentStatus.CANCELED: PaymentCanceled,
    PaymentStatus.VOIDED: PaymentVoided,
    PaymentStatus.EXPIRED: PaymentExpired,
}
_OF_REFUND: Final[Mapping[TransactionStatus, type[PaymentEvent]]] = {
    TransactionStatus.SUCCEEDED: PaymentRefunded,
    TransactionStatus.FAILED: PaymentRefundFailed,
}


def events_of_status(payment: Payment, status: PaymentStatus) -> list[PaymentEvent]:
    """Tell that a payment has come to a status, if others may care about it."""
    return [_event(_OF_STATUS[status], payment, payment.amount_minor)] if status in _OF_STATUS else []


def events_of_refunds(payment: Payment, recorded: Sequence[Recorded]) -> list[PaymentEvent]:
    """Tell of the refunds among the changed rows of the ledger that have come to an end."""
    return [
        _event(_OF_REFUND[row.status], payment, row.amount_minor)
        for row in recorded
        if row.kind is TransactionKind.REFUND and row.status is not TransactionStatus.PENDING
    ]


def _event(kind: type[PaymentEvent], payment: Payment, amount_minor: int) -> PaymentEvent:
    return kind(
        payment_id=payment.id,
        order_id=payment.order_id,
        provider=payment.provider,
        amount=Money(payment.currency, amount_minor),
    )
