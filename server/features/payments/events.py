"""Events about payments. Each belongs to its order, so that an order's events come in order."""

from collections.abc import Sequence

from server.features.events.service import NewEvent
from server.features.payments.ledger_queries import Recorded
from server.features.payments.rules import Kind, Payment, Status, TransactionStatus
from server.kernel.ids import Prefix, format_id

_STATUS_EVENTS = {
    Status.AUTHORIZED: "payment.authorized",
    Status.CAPTURED: "payment.captured",
    Status.FAILED: "payment.failed",
    Status.CANCELED: "payment.canceled",
    Status.VOIDED: "payment.voided",
    Status.EXPIRED: "payment.expired",
}
_REFUND_EVENTS = {
    TransactionStatus.SUCCEEDED: "payment.refunded",
    TransactionStatus.FAILED: "payment.refund_failed",
}


def news_of_status(payment: Payment, status: Status) -> list[NewEvent]:
    """Tell that a payment has come to a status, if others may care about it."""
    return [_event(_STATUS_EVENTS[status], payment, payment.amount_minor)] if status in _STATUS_EVENTS else []


def news_of_refunds(payment: Payment, recorded: Sequence[Recorded]) -> list[NewEvent]:
    """Tell of the refunds among the changed rows of the ledger that have come to an end."""
    return [
        _event(_REFUND_EVENTS[TransactionStatus(row.status)], payment, row.amount_minor)
        for row in recorded
        if row.kind == Kind.REFUND and row.status != TransactionStatus.PENDING
    ]


def _event(name: str, payment: Payment, amount_minor: int) -> NewEvent:
    return NewEvent(
        type=name,
        aggregate_id=payment.order_id,
        data={
            "payment_id": format_id(Prefix.PAYMENT, payment.id),
            "order_id": format_id(Prefix.ORDER, payment.order_id),
            "provider": payment.provider.value,
            "amount": {"currency_code": payment.currency, "amount_minor": amount_minor},
        },
    )
