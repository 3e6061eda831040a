"""What payments leave to a worker."""

from dataclasses import dataclass

from server.features.payments.values import Provider
from server.kernel.ids import OrderId, TransactionId
from server.kernel.task import Task


@dataclass(frozen=True, kw_only=True)
class ApplyEvent(Task):
    """Settle the payment that a provider's event speaks of."""

    name = "payments.apply_event"

    provider: Provider
    event_id: str


@dataclass(frozen=True, kw_only=True)
class Refund(Task):
    """Ask the provider for a refund that the ledger wants."""

    name = "payments.refund"

    transaction_id: TransactionId


@dataclass(frozen=True, kw_only=True)
class CancelPayments(Task):
    """Give up the open payments of an order."""

    name = "payments.cancel"

    order_id: OrderId
