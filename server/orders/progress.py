"""The steps that an order takes by itself. Every function here wants the order's row locked."""

from dataclasses import replace
from datetime import datetime

from server.db.session import WriteTx
from server.events import service as events
from server.events.service import JsonValue
from server.inventory import service as inventory
from server.inventory.errors import OutOfStock
from server.kernel.actor import Actor
from server.kernel.ids import VariantId
from server.orders import commands, rules
from server.orders.commands import Step
from server.orders.invoices import Seller, invoice_document
from server.orders.rules import OrderStatus, PaymentStatus
from server.orders.values import Order

_PAID = (PaymentStatus.NOT_REQUIRED, PaymentStatus.PAID, PaymentStatus.OVERPAID)


async def confirm(tx: WriteTx, order: Order, *, seller: Seller, actor: Actor | None, now: datetime) -> Order:
    """Let the agreement stand: its stock is committed already. Issues the invoice when all money is here.

    Hands over what needs no parcel, and completes the order at once when that is everything. Goods on backorder that
    have not come in never keep the money from being recorded: the order stays CONFIRMED until they are there.
    """
    before = order.record.status
    rules.check_order_step(before, OrderStatus.CONFIRMED)
    order = await commands.update_order(tx, order, now=now, status=OrderStatus.CONFIRMED, confirmed_time=now)
    await commands.note_steps(
        tx, order.record.id, [Step("STATUS_CHANGED", before, OrderStatus.CONFIRMED)], actor=actor, now=now
    )
    await events.record(tx, events.NewEvent("order.confirmed", order.record.id, _facts(order)))
    order = await issue_invoice_if_paid(tx, order, seller=seller, now=now)
    return await complete_if_nothing_left(tx, order, now=now)


async def issue_invoice_if_paid(tx: WriteTx, order: Order, *, seller: Seller, now: datetime) -> Order:
    """Issue the invoice of a paid order, once."""
    if order.record.invoice_number or order.record.payment_status not in _PAID:
        return order
    document = invoice_document(order, seller=seller)
    number = await commands.insert_invoice(tx, order.record.id, document=document, now=now)
    await commands.note_steps(tx, order.record.id, [Step("INVOICE_ISSUED", note=number)], actor=None, now=now)
    return replace(order, record=replace(order.record, invoice_number=number))


async def complete_if_nothing_left(tx: WriteTx, order: Order, *, now: datetime) -> Order:
    """Store the order's present states, and complete it when nothing is left to hand over, to ship or to pay."""
    record = order.record
    handed_over = record.status is OrderStatus.CONFIRMED and await _hand_over(tx, order, now=now)
    if not handed_over or not rules.nothing_left(record.payment_status, record.fulfillment_status):
        return await commands.update_order(tx, order, now=now)
    order = await commands.update_order(tx, order, now=now, status=OrderStatus.COMPLETED, completed_time=now)
    step = Step("STATUS_CHANGED", OrderStatus.CONFIRMED, OrderStatus.COMPLETED)
    await commands.note_steps(tx, record.id, [step], actor=None, now=now)
    await events.record(tx, events.NewEvent("order.completed", record.id, _facts(order)))
    return order


async def expire(tx: WriteTx, order: Order, *, reason: str, now: datetime) -> Order:
    """End an order that was not paid in time and give its stock back."""
    before = order.record.status
    rules.check_order_step(before, OrderStatus.EXPIRED)
    await inventory.release(tx, order.record.id, now=now, expired=True)
    order = await commands.update_order(tx, order, now=now, status=OrderStatus.EXPIRED)
    step = Step("STATUS_CHANGED", before, OrderStatus.EXPIRED, reason)
    await commands.note_steps(tx, order.record.id, [step], actor=None, now=now)
    await events.record(tx, events.NewEvent("order.expired", order.record.id, _facts(order)))
    return order


async def _hand_over(tx: WriteTx, order: Order, *, now: datetime) -> bool:
    """Let go of the goods that need no parcel, once; False: some are on backorder, and all wait for them."""
    goods = _goods_without_parcel(order)
    if not goods:
        return True
    try:
        await inventory.consume(tx, order.record.id, goods, now=now)
    except OutOfStock:
        return False
    return True


def _goods_without_parcel(order: Order) -> dict[VariantId, int]:
    goods: dict[VariantId, int] = {}
    for line in order.lines:
        if not line.requires_shipping:
            goods[line.variant_id] = goods.get(line.variant_id, 0) + line.quantity
    return goods


def _facts(order: Order) -> dict[str, JsonValue]:
    record = order.record
    return {
        "order_number": record.number,
        "status": record.status.value,
        "payment_status": record.payment_status.value,
        "currency_code": record.currency,
        "total_minor": record.total_minor,
        "product_ids": product_ids(order),
    }


def product_ids(order: Order) -> list[JsonValue]:
    """List the products of an order, as texts, for those who follow stock."""
    return [str(product_id) for product_id in sorted({line.product_id for line in order.lines})]
