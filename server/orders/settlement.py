"""What money does to an order. Payments calls this in the transaction that records the money."""

from datetime import datetime

from server.db.session import WriteTx
from server.inventory import service as inventory
from server.inventory.errors import OutOfStock
from server.kernel.actor import Actor
from server.kernel.clock import Clock
from server.kernel.ids import OrderId
from server.orders import commands, queries, rules
from server.orders.commands import Step
from server.orders.invoices import Seller
from server.orders.progress import complete_if_nothing_left, confirm, expire, issue_invoice_if_paid
from server.orders.rules import Money, OrderStatus
from server.orders.values import Order
from server.payments.service import LateMoney, PaymentTotals

_STILL_OPEN = (OrderStatus.PENDING, OrderStatus.EXPIRED)


class OrderSettlement:
    """Hears of money; see payments' SettlementListener."""

    def __init__(self, clock: Clock, seller: Seller) -> None:
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
        now = self._clock.now()
        money = _money(payments)
        order = await self._store_payment_status(
            tx, await queries.lock_order(tx, order_id), money, actor=actor, now=now
        )
        status = order.record.status
        if status is OrderStatus.CANCELED:
            return _late("the order was called off before the money came") if _unreturned(payments) else None
        if status in _STILL_OPEN:
            if not rules.money_suffices(order.record.total_minor, money):
                return None
            return await self._confirm_or_return(tx, order, actor=actor, now=now)
        order = await issue_invoice_if_paid(tx, order, seller=self._seller, now=now)
        await complete_if_nothing_left(tx, order, now=now)
        return None

    async def _store_payment_status(
        self, tx: WriteTx, order: Order, money: Money, *, actor: Actor | None, now: datetime
    ) -> Order:
        before = order.record.payment_status
        after = rules.payment_status(order.record.total_minor, money)
        if after is before:
            return order
        order = await commands.update_order(tx, order, now=now, payment_status=after)
        await commands.note_steps(tx, order.record.id, [Step("PAYMENT_CHANGED", before, after)], actor=actor, now=now)
        return order

    async def _confirm_or_return(
        self, tx: WriteTx, order: Order, *, actor: Actor | None, now: datetime
    ) -> LateMoney | None:
        try:
            await inventory.commit(tx, order.record.id, now=now)
        except OutOfStock:
            if order.record.status is OrderStatus.PENDING:
                await expire(tx, order, reason="paid after its time, when the stock was sold", now=now)
            return _late("the payment came after the order's time, when the stock was sold")
        await confirm(tx, order, seller=self._seller, actor=actor, now=now)
        return None


def _money(payments: PaymentTotals) -> Money:
    return Money(
        captured_minor=payments.captured_minor,
        refunded_minor=payments.refunded_minor,
        authorized_minor=payments.authorized_minor,
        refund_pending_minor=payments.refund_pending_minor,
        in_flight=payments.processing_minor + payments.action_minor > 0,
        voided=payments.voided_minor > 0,
    )


def _unreturned(payments: PaymentTotals) -> bool:
    return payments.captured_minor > payments.refunded_minor + payments.refund_pending_minor


def _late(note: str) -> LateMoney:
    return LateMoney(note=note)
