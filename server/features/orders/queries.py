"""Reading orders."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Select, Uuid, any_, bindparam, func, or_, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by

from server.db.session import ReadTx, WriteTx
from server.db.statement import Query, ScalarQuery, together
from server.features.inventory.tables import Reservations, StockItems
from server.features.orders.errors import OrderNotFound
from server.features.orders.rules import FulfillmentStatus, OrderStatus, ParcelStatus, PaymentStatus
from server.features.orders.tables import (
    OWNED,
    FulfillmentLines,
    Fulfillments,
    Invoices,
    OrderLines,
    Orders,
    OrderTimeline,
)
from server.features.orders.values import InvoiceRecord, LineRecord, Order, OrderRecord, ParcelRecord, TimelineRecord
from server.kernel.actor import Viewer
from server.kernel.ids import OrderId, VariantId

ORDER_COLUMNS = (
    Orders.id,
    Orders.number,
    Orders.cart_id,
    Orders.user_id,
    Orders.email,
    Orders.status,
    Orders.payment_status,
    Orders.fulfillment_status,
    Orders.currency,
    Orders.subtotal_minor,
    Orders.discount_minor,
    Orders.shipping_minor,
    Orders.tax_minor,
    Orders.included_tax_minor,
    Orders.total_minor,
    Orders.taxes,
    Orders.shipping_address,
    Orders.billing_address,
    Orders.shipping_method,
    Orders.placed_time,
    Orders.expires_time,
    Orders.confirmed_time,
    Orders.completed_time,
)


def _order_record(*columns: Any) -> OrderRecord:
    values = list(columns)
    values[5] = OrderStatus(values[5])
    values[6] = PaymentStatus(values[6])
    values[7] = FulfillmentStatus(values[7])
    values[-1] = values[-1] or ""
    return OrderRecord(*values)


def _parcel_record(*columns: Any) -> ParcelRecord:
    return ParcelRecord(columns[0], columns[1], ParcelStatus(columns[2]), *columns[3:])


_invoice_number = select(Invoices.number).where(Invoices.order_id == Orders.id).correlate(Orders).scalar_subquery()
_orders: Select[Any] = select(*ORDER_COLUMNS, _invoice_number)
# What belongs to others does not exist for the caller.
_visible = or_(bindparam("sees_all", type_=Boolean), OWNED)
_one = _orders.where(Orders.id == bindparam("order_id"))
_GET = Query(_one.where(_visible), _order_record)
_LOCK = Query(_one.with_for_update(of=Orders), _order_record)
_LOCK_ROW = ScalarQuery(select(Orders.id).where(Orders.id == bindparam("order_id")).with_for_update(), UUID)
_newest_first = (
    _orders.where(Orders.user_id == bindparam("user_id")).order_by(Orders.id.desc()).limit(bindparam("count"))
)
_LIST_FIRST = Query(_newest_first, _order_record)
_LIST_AFTER = Query(_newest_first.where(Orders.id < bindparam("after_id")), _order_record)
_order_ids = any_(bindparam("order_ids", type_=ARRAY(Uuid)))
_SEVERAL = Query(_orders.where(Orders.id == _order_ids).order_by(Orders.id), _order_record)
_LINES = Query(
    select(
        OrderLines.order_id,
        OrderLines.id,
        OrderLines.position,
        OrderLines.product_id,
        OrderLines.variant_id,
        OrderLines.sku,
        OrderLines.title,
        OrderLines.options,
        OrderLines.requires_shipping,
        OrderLines.quantity,
        OrderLines.shipped_quantity,
        OrderLines.unit_price_minor,
        OrderLines.subtotal_minor,
        OrderLines.discount_minor,
        OrderLines.tax_minor,
        OrderLines.total_minor,
    )
    .where(OrderLines.order_id == _order_ids)
    .order_by(OrderLines.order_id, OrderLines.position),
    LineRecord,
)
_PARCELS = Query(
    select(
        Fulfillments.order_id,
        Fulfillments.id,
        Fulfillments.status,
        Fulfillments.carrier,
        Fulfillments.tracking_number,
        Fulfillments.tracking_url,
        Fulfillments.created_time,
        Fulfillments.shipped_time,
        func.array_agg(aggregate_order_by(FulfillmentLines.order_line_id, FulfillmentLines.order_line_id)),
        func.array_agg(aggregate_order_by(FulfillmentLines.quantity, FulfillmentLines.order_line_id)),
    )
    .join(FulfillmentLines, FulfillmentLines.fulfillment_id == Fulfillments.id)
    .where(Fulfillments.order_id == _order_ids)
    .group_by(Fulfillments.id)
    .order_by(Fulfillments.id),
    _parcel_record,
)
_TIMELINE = Query(
    select(
        OrderTimeline.sequence,
        OrderTimeline.kind,
        OrderTimeline.from_state,
        OrderTimeline.to_state,
        OrderTimeline.actor_kind,
        OrderTimeline.note,
        OrderTimeline.created_time,
    )
    .where(OrderTimeline.order_id == bindparam("order_id"))
    .order_by(OrderTimeline.sequence)
    .limit(1000),
    TimelineRecord,
)
_INVOICE = Query(
    select(Invoices.number, Invoices.issued_time, Invoices.document).where(Invoices.order_id == bindparam("order_id")),
    InvoiceRecord,
)
_goods_without_parcel = select(OrderLines.id).where(
    OrderLines.order_id == Reservations.order_id,
    OrderLines.variant_id == StockItems.variant_id,
    OrderLines.requires_shipping.is_(False),
)
_LIST_WAITING = ScalarQuery(
    select(Reservations.order_id)
    .join(StockItems, StockItems.id == Reservations.stock_id)
    .where(
        StockItems.variant_id == bindparam("variant_id"),
        # As the partial index says it.
        text("reservations.status = 'COMMITTED'"),
        _goods_without_parcel.exists(),
    )
    .distinct()
    .order_by(Reservations.order_id)
    .limit(bindparam("count")),
    UUID,
)
_LIST_OVERDUE = ScalarQuery(
    select(Orders.id)
    .where(Orders.status == "PENDING", Orders.expires_time < bindparam("now"))
    .order_by(Orders.expires_time)
    .limit(bindparam("count")),
    UUID,
)


async def get_order(tx: ReadTx, order_id: OrderId, *, viewer: Viewer) -> Order:
    """Return an order that the viewer may see. Raises OrderNotFound. Wants a snapshot: it runs three statements."""
    orders, lines, parcels = await together(
        tx,
        _GET.bind(order_id=order_id, sees_all=viewer.sees_all, viewer_id=viewer.user_id, viewer_cart_id=viewer.cart_id),
        _LINES.bind(order_ids=[order_id]),
        _PARCELS.bind(order_ids=[order_id]),
    )
    if not orders:
        raise OrderNotFound
    return Order(orders[0], tuple(lines), tuple(parcels))


async def get_orders(tx: ReadTx, order_ids: Sequence[OrderId]) -> list[Order]:
    """Return those of several orders that exist, in the order of their ids. Wants a snapshot."""
    ids = list(order_ids)
    orders, lines, parcels = await together(
        tx, _SEVERAL.bind(order_ids=ids), _LINES.bind(order_ids=ids), _PARCELS.bind(order_ids=ids)
    )
    return _assemble(orders, lines, parcels)


async def get_visible_record(tx: ReadTx, order_id: OrderId, *, viewer: Viewer) -> OrderRecord:
    """Return the order's own row where the viewer may see it. Raises OrderNotFound."""
    record = await _GET.first(
        tx, order_id=order_id, sees_all=viewer.sees_all, viewer_id=viewer.user_id, viewer_cart_id=viewer.cart_id
    )
    if record is None:
        raise OrderNotFound
    return record


async def lock_row(tx: WriteTx, order_id: OrderId) -> None:
    """Lock an order's row and read nothing of it. Raises OrderNotFound."""
    if await _LOCK_ROW.first(tx, order_id=order_id) is None:
        raise OrderNotFound


async def lock_order(tx: WriteTx, order_id: OrderId) -> Order:
    """Lock an order's row and return it with what hangs on it. Raises OrderNotFound."""
    # One after the other on the server: what hangs on it is read when its row is locked.
    records, lines, parcels = await together(
        tx,
        _LOCK.bind(order_id=order_id),
        _LINES.bind(order_ids=[order_id]),
        _PARCELS.bind(order_ids=[order_id]),
    )
    if not records:
        raise OrderNotFound
    return Order(records[0], tuple(lines), tuple(parcels))


async def list_orders(tx: ReadTx, user_id: UUID, *, count: int, after_id: UUID | None) -> list[Order]:
    """Return a user's orders, the newest first."""
    if after_id is None:
        records = await _LIST_FIRST.all(tx, user_id=user_id, count=count)
    else:
        records = await _LIST_AFTER.all(tx, user_id=user_id, count=count, after_id=after_id)
    if not records:
        return []
    ids = [record.id for record in records]
    lines, parcels = await together(tx, _LINES.bind(order_ids=ids), _PARCELS.bind(order_ids=ids))
    return _assemble(records, lines, parcels)


def _assemble(records: Sequence[OrderRecord], lines: list[LineRecord], parcels: list[ParcelRecord]) -> list[Order]:
    lines_of: dict[OrderId, list[LineRecord]] = {record.id: [] for record in records}
    parcels_of: dict[OrderId, list[ParcelRecord]] = {record.id: [] for record in records}
    for line in lines:
        lines_of[line.order_id].append(line)
    for parcel in parcels:
        parcels_of[parcel.order_id].append(parcel)
    return [Order(record, tuple(lines_of[record.id]), tuple(parcels_of[record.id])) for record in records]


async def list_timeline(tx: ReadTx, order_id: OrderId) -> list[TimelineRecord]:
    """Return what happened to an order, the first thing first."""
    return await _TIMELINE.all(tx, order_id=order_id)


async def find_invoice(tx: ReadTx, order_id: OrderId) -> InvoiceRecord | None:
    """Return the invoice of an order, if it is issued."""
    return await _INVOICE.first(tx, order_id=order_id)


async def list_waiting_for(tx: ReadTx, variant_id: VariantId, *, count: int) -> list[OrderId]:
    """Return orders that have yet to hand over a variant that needs no parcel, the oldest first."""
    return [OrderId(order_id) for order_id in await _LIST_WAITING.all(tx, variant_id=variant_id, count=count)]


async def list_overdue(tx: ReadTx, *, now: datetime, count: int) -> list[OrderId]:
    """Return pending orders whose time is up, the oldest first."""
    return [OrderId(order_id) for order_id in await _LIST_OVERDUE.all(tx, now=now, count=count)]
