"""Background work of payments; every job may run twice and changes nothing the second time."""

from collections.abc import Mapping
from typing import Final

import procrastinate
import psycopg
import structlog

from server.features.payments.errors import PaymentProviderUnavailable
from server.features.payments.service import PaymentService
from server.features.payments.tasks import ApplyEvent, CancelPayments, Refund
from server.features.payments.values import Provider
from server.features.payments.webhooks.service import Webhooks

_log = structlog.get_logger("server.features.payments")

# 2, 4, 8 ... seconds: a quarter of an hour in all. Afterwards reconciliation takes over. OperationalError covers a
# deadlock and a lock that somebody else holds for long.
RETRY: Final = procrastinate.RetryStrategy(
    max_attempts=10, exponential_wait=2, retry_exceptions={PaymentProviderUnavailable, psycopg.OperationalError}
)


class PaymentJobs:
    """What a worker does for payments."""

    def __init__(self, *, payments: PaymentService, webhooks: Mapping[Provider, Webhooks]) -> None:
        self._payments = payments
        self._webhooks = webhooks

    async def apply_event(self, task: ApplyEvent) -> None:
        """Settle the payment that a provider's event speaks of."""
        webhooks = self._webhooks.get(task.provider)
        if webhooks is None:
            # The shop has parted with the provider since; should it come back, reconciliation asks it.
            _log.warning("payments.event_of_parted_provider", provider=task.provider.value, event_id=task.event_id)
            return
        await webhooks.apply(task.event_id)

    async def refund(self, task: Refund) -> None:
        """Ask the provider for a refund that the ledger wants."""
        await self._payments.refund(task.transaction_id)

    async def cancel(self, task: CancelPayments) -> None:
        """Give up the open payments of an order."""
        await self._payments.cancel_for_order(task.order_id)
