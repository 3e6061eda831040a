"""Ending orders that were not paid in time."""

from datetime import timedelta
from typing import Final

import structlog

from server.db.session import Database
from server.kernel.clock import Clock
from server.kernel.errors import AppError
from server.kernel.ids import OrderId
from server.orders import commands, queries
from server.orders.progress import expire
from server.orders.rules import OrderStatus
from server.payments.service import PaymentService

_log = structlog.get_logger(__name__)

# One round of the sweeper; the next minute brings the next.
_BATCH: Final = 200
# A payment that is on its way at the bank keeps its order alive, but not for ever.
_EXTENSION: Final = timedelta(minutes=30)
_LONGEST_HOLD: Final = timedelta(days=7)


class OrderExpiry:
    """The sweeper of overdue orders."""

    def __init__(self, db: Database, clock: Clock, payments: PaymentService) -> None:
        self._db = db
        self._clock = clock
        self._payments = payments

    async def sweep(self) -> int:
        """Bring every overdue order to its end; return how many expired. One that fails does not stop the others."""
        async with self._db.read() as tx:
            overdue = await queries.list_overdue(tx, now=self._clock.now(), count=_BATCH)
        expired = 0
        for order_id in overdue:
            try:
                expired += await self.expire_if_unpaid(order_id)
            except AppError as error:
                # The provider cannot be asked now; without its word no order with a payment is ended.
                _log.warning("an overdue order stays open", order_id=str(order_id), reason=error.reason)
        return expired

    async def expire_if_unpaid(self, order_id: OrderId) -> bool:
        """Ask the provider once more, then end the order, unless money came or is on its way.

        Raises PaymentProviderUnavailable when the provider does not answer.
        """
        async with self._db.read() as tx:
            open_payments = await self._payments.list_open(tx, order_id)
        for payment in open_payments:
            await self._payments.settle(payment.id, actor=None)
        async with self._db.write() as tx:
            order = await queries.lock_order(tx, order_id)
            now = self._clock.now()
            record = order.record
            if record.status is not OrderStatus.PENDING or record.expires_time > now:
                return False
            totals = await self._payments.totals(tx, order_id)
            if totals.pending_minor > 0 and now < record.placed_time + _LONGEST_HOLD:
                later = now + _EXTENSION
                await commands.update_order(tx, order, now=now, expires_time=later)
                return False
            await expire(tx, order, reason="not paid in time", now=now)
            await self._payments.request_cancel(tx, order_id)
            return True
