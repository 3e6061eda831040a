"""The steps that an order takes by itself. Every function here wants the order's row locked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Unpack

from server.db.session import WriteTx
from server.db.statement import together
from server.features.events import service as events
from server.features.inventory import service as inventory
from server.features.inventory.errors import OutOfStock
from server.features.orders import rules
from server.features.orders.events import OrderCompleted, OrderConfirmed, OrderExpired, OrderStatusChanged
from server.features.orders.invoicing.queries import insert_invoice
from server.features.orders.invoicing.rules import invoice_document
from server.features.orders.invoicing.values import Seller
from server.features.orders.progress import queries
from server.features.orders.values import Order, OrderChanges, OrderStatus, PaymentSummary, TimelineKind, TimelineStep
from server.kernel.actor import Actor
from server.kernel.event import Event
from server.kernel.ids import ProductId, VariantId
from server.kernel.money import Money

_PAID = (PaymentSummary.NOT_REQUIRED, PaymentSummary.PAID, PaymentSummary.OVERPAID)


class Change:
    """What happens to an order in one transaction; see `changing`."""

    def __init__(self, order: Order, *, now: datetime) -> None:
        # As it is going to be.
        self.order = order
        self.now = now
        self.steps: list[TimelineStep] = []
        self.events: list[Event] = []
        # To be issued, and where that stands in the timeline.
        self.invoice: dict[str, Any] | None = None
        self.invoice_place = 0

    def update(self, **changes: Unpack[OrderChanges]) -> None:
        """Change states and their times."""
        self.order = replace(self.order, record=replace(self.order.record, **changes))

    def note(self, step: TimelineStep) -> None:
        """Append to the timeline."""
        self.steps.append(step)

    def tell(self, event: Event) -> None:
        """Record an event."""
        self.events.append(event)


@asynccontextmanager
async def changing(tx: WriteTx, order: Order, *, now: datetime) -> AsyncIterator[Change]:
    """Gather what happens to an order in the block, and store it at its end in one round trip, if anything happened.

    An exception stores nothing of it; what the block did to stock is undone with the transaction. After the block
    `change.order` is the order as it is stored.
    """
    change = Change(order, now=now)
    yield change
    statements = []
    if change.invoice is not None:
        await _issue_invoice(tx, change, change.invoice)
    if change.order is not order:
        statements.append(queries.updating_order(change.order, now=now))
    if change.steps:
        statements.append(queries.inserting_steps(order.record.id, change.steps, now=now))
    if change.events:
        statements.append(events.recording(*change.events))
    if statements:
        await together(tx, *statements)


async def _issue_invoice(tx: WriteTx, change: Change, document: dict[str, Any]) -> None:
    # Last of all that may have to wait for others: every order that is paid wants a number.
    record = change.order.record
    number = await insert_invoice(tx, record.id, document=document, now=change.now)
    change.order = replace(change.order, record=replace(record, invoice_number=number))
    change.steps.insert(change.invoice_place, TimelineStep(TimelineKind.INVOICE_ISSUED, note=number))


async def confirm(tx: WriteTx, change: Change, *, seller: Seller, actor: Actor | None) -> None:
    """Let the agreement stand: its stock is committed already. Issues the invoice when all money is here.

    Hands over what is not sent, and completes the order at once when that is everything. Goods on backorder that
    have not come in never keep the money from being recorded: the order stays CONFIRMED until they are there.
    """
    before = change.order.record.status
    rules.check_order_step(before, OrderStatus.CONFIRMED)
    change.update(status=OrderStatus.CONFIRMED, confirmed_time=change.now)
    change.note(TimelineStep(TimelineKind.STATUS_CHANGED, before, OrderStatus.CONFIRMED, actor=actor))
    change.tell(_told(OrderConfirmed, change.order))
    issue_invoice_if_paid(change, seller=seller)
    await complete_if_nothing_left(tx, change)


def issue_invoice_if_paid(change: Change, *, seller: Seller) -> None:
    """Issue the invoice of a paid order, once."""
    record = change.order.record
    if not record.invoice_number and record.payment_status in _PAID:
        change.invoice = invoice_document(change.order, seller=seller)
        change.invoice_place = len(change.steps)


async def complete_if_nothing_left(tx: WriteTx, change: Change) -> None:
    """Hand over what is not sent, and complete the order when nothing is left to ship or to pay."""
    record = change.order.record
    handed_over = record.status is OrderStatus.CONFIRMED and await _hand_over(tx, change.order, now=change.now)
    if handed_over and rules.nothing_left(record.payment_status, record.fulfillment_status):
        change.update(status=OrderStatus.COMPLETED, completed_time=change.now)
        change.note(TimelineStep(TimelineKind.STATUS_CHANGED, OrderStatus.CONFIRMED, OrderStatus.COMPLETED))
        change.tell(_told(OrderCompleted, change.order))


async def expire(tx: WriteTx, change: Change, *, reason: str) -> None:
    """End an order that was not paid in time and give its stock back."""
    before = change.order.record.status
    rules.check_order_step(before, OrderStatus.EXPIRED)
    await inventory.release(tx, change.order.record.id, now=change.now, expired=True)
    change.update(status=OrderStatus.EXPIRED)
    change.note(TimelineStep(TimelineKind.STATUS_CHANGED, before, OrderStatus.EXPIRED, note=reason))
    change.tell(_told(OrderExpired, change.order))


async def _hand_over(tx: WriteTx, order: Order, *, now: datetime) -> bool:
    """Let go of the goods that are not sent, once; False: some are on backorder, and all wait for them."""
    goods = _goods_that_are_not_sent(order)
    if not goods:
        return True
    try:
        await inventory.consume(tx, order.record.id, goods, now=now)
    except OutOfStock:
        return False
    return True


def _goods_that_are_not_sent(order: Order) -> dict[VariantId, int]:
    goods: dict[VariantId, int] = {}
    for line in order.lines:
        if not line.requires_shipping:
            goods[line.variant_id] = goods.get(line.variant_id, 0) + line.quantity
    return goods


def _told(kind: type[OrderStatusChanged], order: Order) -> OrderStatusChanged:
    record = order.record
    return kind(
        order_id=record.id,
        order_number=record.number,
        status=record.status,
        payment_status=record.payment_status,
        total=Money(record.currency, record.total_minor),
        product_ids=product_ids(order),
    )


def product_ids(order: Order) -> tuple[ProductId, ...]:
    """List the products of an order, for those who follow stock."""
    return tuple(sorted({line.product_id for line in order.lines}))
