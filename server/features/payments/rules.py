"""What a payment may become, and what a provider's answer means for it. Pure functions on frozen values."""

from collections.abc import Iterable, Mapping
from typing import Final

from server.features.payments.values import (
    Entry,
    Payment,
    PaymentStatus,
    ProviderState,
    Transaction,
    TransactionKind,
    TransactionStatus,
)

# The only moves. FAILED is no end while the intent lives at the provider: the buyer may try another card with it.
TRANSITIONS: Final[Mapping[PaymentStatus, frozenset[PaymentStatus]]] = {
    PaymentStatus.CREATED: frozenset(
        {
            PaymentStatus.REQUIRES_ACTION,
            PaymentStatus.PROCESSING,
            PaymentStatus.AUTHORIZED,
            PaymentStatus.CAPTURED,
            PaymentStatus.FAILED,
            PaymentStatus.CANCELED,
        }
    ),
    PaymentStatus.REQUIRES_ACTION: frozenset(
        {
            PaymentStatus.PROCESSING,
            PaymentStatus.AUTHORIZED,
            PaymentStatus.CAPTURED,
            PaymentStatus.FAILED,
            PaymentStatus.CANCELED,
        }
    ),
    PaymentStatus.PROCESSING: frozenset(
        {PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED, PaymentStatus.FAILED, PaymentStatus.CANCELED}
    ),
    PaymentStatus.FAILED: frozenset(
        {
            PaymentStatus.REQUIRES_ACTION,
            PaymentStatus.PROCESSING,
            PaymentStatus.AUTHORIZED,
            PaymentStatus.CAPTURED,
            PaymentStatus.CANCELED,
        }
    ),
    PaymentStatus.AUTHORIZED: frozenset({PaymentStatus.CAPTURED, PaymentStatus.VOIDED, PaymentStatus.EXPIRED}),
    PaymentStatus.CAPTURED: frozenset(),
    PaymentStatus.CANCELED: frozenset(),
    PaymentStatus.VOIDED: frozenset(),
    PaymentStatus.EXPIRED: frozenset(),
}
# Money may still come or a promise still stand.
IN_FLIGHT: Final = frozenset(status for status, following in TRANSITIONS.items() if following)
# A refund may fail after it seemed done: the buyer's bank sends it back.
REFUND_TRANSITIONS: Final[Mapping[TransactionStatus, frozenset[TransactionStatus]]] = {
    TransactionStatus.PENDING: frozenset({TransactionStatus.SUCCEEDED, TransactionStatus.FAILED}),
    TransactionStatus.SUCCEEDED: frozenset({TransactionStatus.FAILED}),
    TransactionStatus.FAILED: frozenset(),
}


def advance(current: PaymentStatus, reported: PaymentStatus) -> PaymentStatus:
    """Return the status after the provider reported one: the present one when the report is old.

    Answers to two questions may overtake each other, so a report that would lead backwards is one.
    """
    if reported is PaymentStatus.CANCELED and current is PaymentStatus.AUTHORIZED:
        reported = PaymentStatus.VOIDED
    if reported is PaymentStatus.EXPIRED and current is not PaymentStatus.AUTHORIZED:
        reported = PaymentStatus.CANCELED
    return reported if reported in TRANSITIONS[current] else current


def ledger_entries(payment: Payment, status: PaymentStatus, state: ProviderState) -> list[Entry]:
    """List what the ledger must say once the payment has `status`.

    The intent's reference stands on everything but refunds: it is authorised, captured and voided once.
    """
    done, reference = TransactionStatus.SUCCEEDED, state.reference
    entries = []
    if state.authorized_minor > 0:
        entries.append(Entry(TransactionKind.AUTHORIZATION, done, state.authorized_minor, reference))
    if state.captured_minor > 0:
        entries.append(Entry(TransactionKind.CAPTURE, done, state.captured_minor, reference))
    if status in (PaymentStatus.VOIDED, PaymentStatus.EXPIRED):
        entries.append(Entry(TransactionKind.VOID, done, payment.amount_minor, reference))
    refunds = [
        Entry(TransactionKind.REFUND, refund.status, refund.amount_minor, refund.reference, refund.transaction_id)
        for refund in state.refunds
    ]
    return entries + refunds


def refundable(transactions: Iterable[Transaction]) -> int:
    """Return how much of a payment can still be given back: captured - refunded - on its way back."""
    left = 0
    for transaction in transactions:
        if transaction.kind is TransactionKind.CAPTURE and transaction.status is TransactionStatus.SUCCEEDED:
            left += transaction.amount_minor
        elif transaction.kind is TransactionKind.REFUND and transaction.status is not TransactionStatus.FAILED:
            left -= transaction.amount_minor
    return max(left, 0)


def refund_failed(transactions: Iterable[Transaction]) -> bool:
    """Whether money of a payment should have gone back once and did not."""
    return any(
        transaction.kind is TransactionKind.REFUND and transaction.status is TransactionStatus.FAILED
        for transaction in transactions
    )


def waits_for_buyer(status: PaymentStatus) -> bool:
    """Tell whether the buyer's browser still has something to do at the provider."""
    return status in (PaymentStatus.CREATED, PaymentStatus.REQUIRES_ACTION, PaymentStatus.FAILED)
