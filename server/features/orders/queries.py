"""Reading and locking orders."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from server.db.rows import columns_of
from server.db.session import ReadTx, WriteTx
from server.db.sight import as_viewer, visible
from server.db.statement import Query, ScalarQuery, together
from server.db.words import number, word
from server.features.orders.errors import OrderNotFound
from server.features.orders.tables import FulfillmentLines, Fulfillments, Invoices, OrderLines, Orders, OrderTimeline
from server.features.orders.values import (
    FulfillmentRecord,
    LineRecord,
    Order,
    OrderRecord,
    OrderStatus,
    TimelineRecord,
)
from server.kernel.actor import Viewer
from server.kernel.ids import OrderId, UserId

_invoice_number = select(Invoices.number).where(Invoices.order_id == Orders.id).correlate(Orders).scalar_subquery()
_orders: Select[Any] = select(*columns_of(OrderRecord, Orders, invoice_number=func.coalesce(_invoice_number, word(""))))
_one = _orders.where(Orders.id == bindparam("order_id"))
_FIND = Query(_one, OrderRecord)
_FIND_VISIBLE = Query(_one.where(visible(user_id=Orders.user_id, cart_id=Orders.cart_id)), OrderRecord)
_LOCK = Query(_one.with_for_update(of=Orders), OrderRecord)
_LOCK_ROW = ScalarQuery(select(Orders.id).where(Orders.id == bindparam("order_id")).with_for_update(), UUID)
_newest_first = (
    _orders.where(Orders.user_id == bindparam("user_id")).order_by(Orders.id.desc()).limit(bindparam("count"))
)
_LIST_FIRST = Query(_newest_first, OrderRecord)
_LIST_AFTER = Query(_newest_first.where(Orders.id < bindparam("after_id")), OrderRecord)
_order_ids = any_(bindparam("order_ids", type_=ARRAY(Uuid)))
_LIST_BY_ID = Query(_orders.where(Orders.id == _order_ids).order_by(Orders.id), OrderRecord)
_LIST_LINES = Query(
    select(*columns_of(LineRecord, OrderLines))
    .where(OrderLines.order_id == _order_ids)
    .order_by(OrderLines.order_id, OrderLines.position),
    LineRecord,
)
_by_line = FulfillmentLines.order_line_id
_LIST_FULFILLMENTS = Query(
    select(
        *columns_of(
            FulfillmentRecord,
            Fulfillments,
            line_ids=func.array_agg(aggregate_order_by(FulfillmentLines.order_line_id, _by_line)),
            line_quantities=func.array_agg(aggregate_order_by(FulfillmentLines.quantity, _by_line)),
        )
    )
    .join(FulfillmentLines, FulfillmentLines.fulfillment_id == Fulfillments.id)
    .where(Fulfillments.order_id == _order_ids)
    .group_by(Fulfillments.id)
    .order_by(Fulfillments.id),
    FulfillmentRecord,
)
_LIST_TIMELINE = Query(
    select(*columns_of(TimelineRecord, OrderTimeline))
    .where(OrderTimeline.order_id == bindparam("order_id"))
    .order_by(OrderTimeline.sequence)
    .limit(number(1000)),
    TimelineRecord,
)
_LIST_OVERDUE = ScalarQuery(
    select(Orders.id)
    # As the partial index says it.
    .where(Orders.status == word(OrderStatus.PENDING), Orders.expires_time < bindparam("now"))
    .order_by(Orders.expires_time)
    .limit(bindparam("count")),
    UUID,
)


async def get_order(tx: ReadTx, order_id: OrderId) -> Order:
    """Return an order, whoever asks. Raises OrderNotFound. Wants a snapshot: it runs three statements."""
    return _order(
        *await together(
            tx,
            _FIND.bind_first(order_id=order_id),
            _LIST_LINES.bind(order_ids=[order_id]),
            _LIST_FULFILLMENTS.bind(order_ids=[order_id]),
        )
    )


async def get_visible_order(tx: ReadTx, order_id: OrderId, *, viewer: Viewer) -> Order:
    """Return an order that the viewer may see. Raises OrderNotFound. Wants a snapshot: it runs three statements."""
    return _order(
        *await together(
            tx,
            _FIND_VISIBLE.bind_first(order_id=order_id, **as_viewer(viewer)),
            _LIST_LINES.bind(order_ids=[order_id]),
            _LIST_FULFILLMENTS.bind(order_ids=[order_id]),
        )
    )


async def get_visible_record(tx: ReadTx, order_id: OrderId, *, viewer: Viewer) -> OrderRecord:
    """Return the order's own row where the viewer may see it. Raises OrderNotFound."""
    return _found(await _FIND_VISIBLE.first(tx, order_id=order_id, **as_viewer(viewer)))


async def list_visible_timeline(tx: ReadTx, order_id: OrderId, *, viewer: Viewer) -> list[TimelineRecord]:
    """Return what happened to an order that the viewer may see, the first thing first. Raises OrderNotFound."""
    record, entries = await together(
        tx,
        _FIND_VISIBLE.bind_first(order_id=order_id, **as_viewer(viewer)),
        _LIST_TIMELINE.bind(order_id=order_id),
    )
    _found(record)
    return entries


async def list_orders_by_id(tx: ReadTx, order_ids: Sequence[OrderId]) -> list[Order]:
    """Return those of several orders that exist, in the order of their ids. Wants a snapshot."""
    ids = list(order_ids)
    records, lines, fulfillments = await together(
        tx,
        _LIST_BY_ID.bind(order_ids=ids),
        _LIST_LINES.bind(order_ids=ids),
        _LIST_FULFILLMENTS.bind(order_ids=ids),
    )
    return _assemble(records, lines, fulfillments)


async def list_orders(tx: ReadTx, user_id: UserId, *, count: int, after_id: UUID | None) -> list[Order]:
    """Return a user's orders, the newest first. Wants a snapshot."""
    if after_id is None:
        records = await _LIST_FIRST.all(tx, user_id=user_id, count=count)
    else:
        records = await _LIST_AFTER.all(tx, user_id=user_id, count=count, after_id=after_id)
    if not records:
        return []
    ids = [record.id for record in records]
    lines, fulfillments = await together(tx, _LIST_LINES.bind(order_ids=ids), _LIST_FULFILLMENTS.bind(order_ids=ids))
    return _assemble(records, lines, fulfillments)


async def list_overdue(tx: ReadTx, *, now: datetime, count: int) -> list[OrderId]:
    """Return pending orders whose time is up, the oldest first."""
    return [OrderId(order_id) for order_id in await _LIST_OVERDUE.all(tx, now=now, count=count)]


async def lock_row(tx: WriteTx, order_id: OrderId) -> None:
    """Lock an order's row and read nothing of it. Raises OrderNotFound."""
    if await _LOCK_ROW.first(tx, order_id=order_id) is None:
        raise OrderNotFound


async def lock_order(tx: WriteTx, order_id: OrderId) -> Order:
    """Lock an order's row and return it with what hangs on it. Raises OrderNotFound."""
    # One after the other on the server: what hangs on it is read when its row is locked.
    return _order(
        *await together(
            tx,
            _LOCK.bind_first(order_id=order_id),
            _LIST_LINES.bind(order_ids=[order_id]),
            _LIST_FULFILLMENTS.bind(order_ids=[order_id]),
        )
    )


def _found(record: OrderRecord | None) -> OrderRecord:
    if record is None:
        raise OrderNotFound
    return record


def _order(record: OrderRecord | None, lines: Sequence[LineRecord], fulfillments: Sequence[FulfillmentRecord]) -> Order:
    return Order(_found(record), tuple(lines), tuple(fulfillments))


def _assemble(
    records: Sequence[OrderRecord], lines: Sequence[LineRecord], fulfillments: Sequence[FulfillmentRecord]
) -> list[Order]:
    lines_of: dict[OrderId, list[LineRecord]] = {record.id: [] for record in records}
    fulfillments_of: dict[OrderId, list[FulfillmentRecord]] = {record.id: [] for record in records}
    for line in lines:
        lines_of[line.order_id].append(line)
    for fulfillment in fulfillments:
        fulfillments_of[fulfillment.order_id].append(fulfillment)
    return [Order(record, tuple(lines_of[record.id]), tuple(fulfillments_of[record.id])) for record in records]
