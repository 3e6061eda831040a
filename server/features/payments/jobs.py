"""Background work of payments; every job may run twice and changes nothing the second time."""

from uuid import UUID

import procrastinate
import psycopg

from server.features.payments.errors import PaymentProviderUnavailable
from server.features.payments.reconciliation_service import Reconciliation
from server.features.payments.service import PaymentService
from server.features.payments.webhook_service import Webhooks
from server.kernel.ids import OrderId

# 2, 4, 8 ... seconds: a quarter of an hour in all. Afterwards reconciliation takes over. OperationalError covers a
# deadlock and a lock that somebody else holds for long.
_RETRY = procrastinate.RetryStrategy(
    max_attempts=10, exponential_wait=2, retry_exceptions={PaymentProviderUnavailable, psycopg.OperationalError}
)


def register(
    app: procrastinate.App, payments: PaymentService, reconciliation: Reconciliation, stripe: Webhooks | None
) -> None:
    """Register the tasks; `stripe` is None in a shop without Stripe."""

    @app.task(name="payments.apply_event", retry=_RETRY)
    async def apply_event(provider: str, event_id: str) -> None:
        """Settle the payment that a provider's event speaks of."""
        if stripe is not None:
            await stripe.apply(event_id)

    @app.task(name="payments.refund", retry=_RETRY)
    async def refund(transaction_id: str) -> None:
        """Ask the provider for a refund that the ledger wants."""
        await payments.refund(UUID(transaction_id))

    @app.task(name="payments.cancel", retry=_RETRY)
    async def cancel(order_id: str) -> None:
        """Give up the open payments of an order."""
        await payments.cancel_for_order(OrderId(UUID(order_id)))

    @app.periodic(cron="* * * * *")
    @app.task(name="payments.reconcile", queueing_lock="payments.reconcile", lock="payments.reconcile")
    async def reconcile(timestamp: int) -> None:
        """Look after payments that nobody has looked after."""
        await reconciliation.run()
