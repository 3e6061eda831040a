"""What money does to an order. Payments calls this in the transaction that records the money."""

from server.db.session import WriteTx
from server.features.inventory import service as inventory
from server.features.inventory.errors import OutOfStock
from server.features.orders import queries, rules
from server.features.orders.invoicing.values import Seller
from server.features.orders.progress.service import (
    Change,
    changing,
    complete_if_nothing_left,
    confirm,
    expire,
    issue_invoice_if_paid,
)
from server.features.orders.values import OrderStatus, TimelineKind, TimelineStep
from server.features.payments.values import LateMoney, PaymentTotals
from server.kernel.actor import Actor
from server.kernel.clock import Clock
from server.kernel.ids import OrderId

_STILL_OPEN = (OrderStatus.PENDING, OrderStatus.EXPIRED)


class OrderSettlement:
    """Hears of money; see payments' SettlementListener."""

    def __init__(self, *, clock: Clock, seller: Seller) -> None:
        self._clock = clock
        self._seller = seller

    async def lock(self, tx: WriteTx, order_id: OrderId, /) -> None:
        """Lock the order's row: the order comes before its payments in the lock order."""
        await queries.lock_row(tx, order_id)

    async def payment_changed(
        self, tx: WriteTx, order_id: OrderId, payments: PaymentTotals, /, *, actor: Actor | None
    ) -> LateMoney | None:
        """Bring the order in line with its money.

        Enough of it confirms a pending order. When the order's time was up already, the stock is held again; where
        that fails, and for an order that was called off, the money is sent back.
        """
        order = await queries.lock_order(tx, order_id)
        async with changing(tx, order, now=self._clock.now()) as change:
            _change_payment_status(change, payments, actor=actor)
            record = change.order.record
            if record.status in _STILL_OPEN and rules.money_suffices(record.total_minor, payments):
                return await self._confirm_or_return(tx, change, actor=actor)
            if record.status is OrderStatus.CANCELED and payments.kept_minor > 0:
                return LateMoney("the order was called off before the money came")
            if record.status in (OrderStatus.CONFIRMED, OrderStatus.COMPLETED):
                issue_invoice_if_paid(change, seller=self._seller)
                await complete_if_nothing_left(tx, change)
        return None

    async def _confirm_or_return(self, tx: WriteTx, change: Change, *, actor: Actor | None) -> LateMoney | None:
        record = change.order.record
        try:
            await inventory.commit(tx, record.id, now=change.now)
        except OutOfStock:
            if record.status is OrderStatus.PENDING:
                await expire(tx, change, reason="paid after its time, when the stock was sold")
            return LateMoney("the payment came after the order's time, when the stock was sold")
        await confirm(tx, change, seller=self._seller, actor=actor)
        return None


def _change_payment_status(change: Change, payments: PaymentTotals, *, actor: Actor | None) -> None:
    before = change.order.record.payment_status
    after = rules.payment_summary(change.order.record.total_minor, payments)
    if after is not before:
        change.note(TimelineStep(TimelineKind.PAYMENT_CHANGED, before, after, actor=actor))
        change.update(payment_status=after)
