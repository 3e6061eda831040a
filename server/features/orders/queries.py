"""Reading orders."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Select, Uuid, any_, bindparam, func, or_, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by

from server.db.session import ReadTx, WriteTx
from server.db.statement import Query, ScalarQuery, together
from server.features.inventory.tables import Reservation, StockItem
from server.features.orders.errors import OrderNotFound
from server.features.orders.rules import FulfillmentStatus, OrderStatus, ParcelStatus, PaymentStatus
from server.features.orders.tables import OWNED, Fulfillment, FulfillmentLine, Invoice, OrderLine, TimelineEntry
from server.features.orders.tables import Order as OrderTable
from server.features.orders.values import InvoiceRecord, LineRecord, Order, OrderRecord, ParcelRecord, TimelineRecord
from server.kernel.actor import Actor
from server.kernel.ids import OrderId, VariantId

ORDER_COLUMNS = (
    OrderTable.id,
    OrderTable.number,
    OrderTable.cart_id,
    OrderTable.user_id,
    OrderTable.email,
    OrderTable.status,
    OrderTable.payment_status,
    OrderTable.fulfillment_status,
    OrderTable.currency,
    OrderTable.subtotal_minor,
    OrderTable.discount_minor,
    OrderTable.shipping_minor,
    OrderTable.tax_minor,
    OrderTable.included_tax_minor,
    OrderTable.total_minor,
    OrderTable.taxes,
    OrderTable.shipping_address,
    OrderTable.billing_address,
    OrderTable.shipping_method,
    OrderTable.placed_time,
    OrderTable.expires_time,
    OrderTable.confirmed_time,
    OrderTable.completed_time,
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


_invoice_number = (
    select(Invoice.number).where(Invoice.order_id == OrderTable.id).correlate(OrderTable).scalar_subquery()
)
_orders: Select[Any] = select(*ORDER_COLUMNS, _invoice_number)
# What belongs to others does not exist for the caller.
_visible = or_(bindparam("sees_all", type_=Boolean), OWNED)
_one = _orders.where(OrderTable.id == bindparam("order_id"))
_GET = Query(_one.where(_visible), _order_record)
_LOCK = Query(_one.with_for_update(of=OrderTable), _order_record)
_LOCK_ROW = ScalarQuery(select(OrderTable.id).where(OrderTable.id == bindparam("order_id")).with_for_update(), UUID)
_newest_first = (
    _orders.where(OrderTable.user_id == bindparam("user_id")).order_by(OrderTable.id.desc()).limit(bindparam("count"))
)
_LIST_FIRST = Query(_newest_first, _order_record)
_LIST_AFTER = Query(_newest_first.where(OrderTable.id < bindparam("after_id")), _order_record)
_order_ids = any_(bindparam("order_ids", type_=ARRAY(Uuid)))
_SEVERAL = Query(_orders.where(OrderTable.id == _order_ids).order_by(OrderTable.id), _order_record)
_LINES = Query(
    select(
        OrderLine.order_id,
        OrderLine.id,
        OrderLine.position,
        OrderLine.product_id,
        OrderLine.variant_id,
        OrderLine.sku,
        OrderLine.title,
        OrderLine.options,
        OrderLine.requires_shipping,
        OrderLine.quantity,
        OrderLine.shipped_quantity,
        OrderLine.unit_price_minor,
        OrderLine.subtotal_minor,
        OrderLine.discount_minor,
        OrderLine.tax_minor,
        OrderLine.total_minor,
    )
    .where(OrderLine.order_id == _order_ids)
    .order_by(OrderLine.order_id, OrderLine.position),
    LineRecord,
)
_PARCELS = Query(
    select(
        Fulfillment.order_id,
        Fulfillment.id,
        Fulfillment.status,
        Fulfillment.carrier,
        Fulfillment.tracking_number,
        Fulfillment.tracking_url,
        Fulfillment.created_time,
        Fulfillment.shipped_time,
        func.array_agg(aggregate_order_by(FulfillmentLine.order_line_id, FulfillmentLine.order_line_id)),
        func.array_agg(aggregate_order_by(FulfillmentLine.quantity, FulfillmentLine.order_line_id)),
    )
    .join(FulfillmentLine, FulfillmentLine.fulfillment_id == Fulfillment.id)
    .where(Fulfillment.order_id == _order_ids)
    .group_by(Fulfillment.id)
    .order_by(Fulfillment.id),
    _parcel_record,
)
_TIMELINE = Query(
    select(
        TimelineEntry.sequence,
        TimelineEntry.kind,
        TimelineEntry.from_state,
        TimelineEntry.to_state,
        TimelineEntry.actor_kind,
        TimelineEntry.note,
        TimelineEntry.created_time,
    )
    .where(TimelineEntry.order_id == bindparam("order_id"))
    .order_by(TimelineEntry.sequence)
    .limit(1000),
    TimelineRecord,
)
_INVOICE = Query(
    select(Invoice.number, Invoice.issued_time, Invoice.document).where(Invoice.order_id == bindparam("order_id")),
    InvoiceRecord,
)
_goods_without_parcel = select(OrderLine.id).where(
    OrderLine.order_id == Reservation.order_id,
    OrderLine.variant_id == StockItem.variant_id,
    OrderLine.requires_shipping.is_(False),
)
_LIST_WAITING = ScalarQuery(
    select(Reservation.order_id)
    .join(StockItem, StockItem.id == Reservation.stock_id)
    .where(
        StockItem.variant_id == bindparam("variant_id"),
        # As the partial index says it.
        text("reservations.status = 'COMMITTED'"),
        _goods_without_parcel.exists(),
    )
    .distinct()
    .order_by(Reservation.order_id)
    .limit(bindparam("count")),
    UUID,
)
_LIST_OVERDUE = ScalarQuery(
    select(OrderTable.id)
    .where(OrderTable.status == "PENDING", OrderTable.expires_time < bindparam("now"))
    .order_by(OrderTable.expires_time)
    .limit(bindparam("count")),
    UUID,
)


async def get_order(tx: ReadTx, order_id: OrderId, *, viewer: Actor) -> Order:
    """Return an order that the viewer may see. Raises OrderNotFound. Wants a snapshot: it runs three statements."""
    orders, lines, parcels = await together(
        tx,
        _GET.bind(order_id=order_id, sees_all=viewer.admin, viewer_id=viewer.user_id, viewer_cart_id=viewer.cart_id),
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


async def get_visible_record(tx: ReadTx, order_id: OrderId, *, viewer: Actor) -> OrderRecord:
    """Return the order's own row where the viewer may see it. Raises OrderNotFound."""
    record = await _GET.first(
        tx, order_id=order_id, sees_all=viewer.admin, viewer_id=viewer.user_id, viewer_cart_id=viewer.cart_id
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
