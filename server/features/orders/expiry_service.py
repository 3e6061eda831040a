"""Ending orders that were not paid in time."""

from datetime import timedelta
from typing import Final

import structlog

from server.db.session import Database, WriteTx
from server.features.inventory import service as inventory
from server.features.orders import queries
from server.features.orders.progress.service import changing, expire
from server.features.orders.values import Order, OrderStatus
from server.features.payments.errors import PaymentProviderDisabled, PaymentProviderUnavailable, PaymentRefused
from server.features.payments.service import PaymentService
from server.kernel.clock import Clock
from server.kernel.ids import OrderId

_log = structlog.get_logger(__name__)

# One round of the sweeper; the next minute brings the next.
_BATCH: Final = 200
# A payment that is on its way at the bank keeps its order alive, but not for ever.
_EXTENSION: Final = timedelta(minutes=30)
_LONGEST_HOLD: Final = timedelta(days=7)
# When a provider that did not answer is asked again. Until then the others have their turn.
_ASKED_AGAIN: Final = timedelta(minutes=5)


class OrderExpiry:
    """The sweeper of overdue orders."""

    def __init__(self, *, db: Database, clock: Clock, payments: PaymentService) -> None:
        self._db = db
        self._clock = clock
        self._payments = payments

    async def sweep(self) -> int:
        """Bring every overdue order to its end; return how many expired. One that has to wait lets the others pass."""
        async with self._db.read() as tx:
            overdue = await queries.list_overdue(tx, now=self._clock.now(), count=_BATCH)
        expired = 0
        for order_id in overdue:
            try:
                expired += await self.expire_if_unpaid(order_id)
            except PaymentProviderUnavailable as error:
                # It may have been paid: without the provider's word no order with a payment is ended.
                _log.warning("orders.overdue_order_waits", order_id=str(order_id), reason=error.reason)
                await self._postpone(order_id)
        return expired

    async def expire_if_unpaid(self, order_id: OrderId) -> bool:
        """Ask the provider once more, then end the order, unless money came or is on its way.

        Raises PaymentProviderUnavailable when the provider does not answer.
        """
        await self._ask_provider(order_id)
        async with self._db.write() as tx:
            order = await queries.lock_order(tx, order_id)
            if not self._overdue(order):
                return False
            now = self._clock.now()
            totals = await self._payments.totals(tx, order_id)
            # A buyer who is asked to do something may have gone away; only what the bank works on is waited for.
            if totals.processing_minor > 0 and now < order.record.placed_time + _LONGEST_HOLD:
                await self._extend(tx, order, by=_EXTENSION)
                return False
            async with changing(tx, order, now=now) as change:
                await expire(tx, change, reason="not paid in time")
            await self._payments.request_cancel(tx, order_id)
            return True

    async def _ask_provider(self, order_id: OrderId) -> None:
        async with self._db.read() as tx:
            open_payments = await self._payments.list_open(tx, order_id)
        for payment in open_payments:
            try:
                await self._payments.settle(payment.id, actor=None)
            except (PaymentRefused, PaymentProviderDisabled) as refusal:
                # No money comes this way, today or tomorrow.
                _log.info("orders.overdue_payment_refused", payment_id=str(payment.id), reason=refusal.reason)

    async def _postpone(self, order_id: OrderId) -> None:
        async with self._db.write() as tx:
            order = await queries.lock_order(tx, order_id)
            if self._overdue(order):
                await self._extend(tx, order, by=_ASKED_AGAIN)

    def _overdue(self, order: Order) -> bool:
        return order.record.status is OrderStatus.PENDING and order.record.expires_time <= self._clock.now()

    async def _extend(self, tx: WriteTx, order: Order, *, by: timedelta) -> None:
        now = self._clock.now()
        later = now + by
        async with changing(tx, order, now=now) as change:
            change.update(expires_time=later)
        if not await inventory.extend(tx, order.record.id, expires_time=later, now=now):
            # Money that is on its way comes whether or not there is stock for it. When it does, settlement tries once
            # more to hold what was lost, and gives the money back when that is sold.
            _log.info("orders.overdue_order_lost_stock", order_id=str(order.record.id))
