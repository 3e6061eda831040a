"""The SQL of packing and shipping."""

from uuid import UUID

from sqlalchemy import BigInteger, Uuid, bindparam, insert, select, update

from server.db.session import ReadTx, WriteTx
from server.db.statement import Bound, Command, ScalarQuery, unnest_rows
from server.db.words import word
from server.features.inventory.tables import Reservations, StockItems
from server.features.inventory.values import ReservationStatus
from server.features.orders.tables import FulfillmentLines, Fulfillments, OrderLines
from server.features.orders.values import FulfillmentRecord, FulfillmentStatus
from server.kernel.ids import OrderId, VariantId

_fulfillment = (
    insert(Fulfillments)
    .values(
        id=bindparam("fulfillment_id"),
        order_id=bindparam("order_id"),
        status=word(FulfillmentStatus.PENDING),
        created_time=bindparam("created_time"),
    )
    .returning(Fulfillments.id)
    .cte("fulfillment")
)
_packed = unnest_rows("packed", line_id=Uuid(), quantity=BigInteger())
_INSERT = Command(
    insert(FulfillmentLines)
    .from_select(
        ["fulfillment_id", "order_line_id", "quantity"],
        select(bindparam("fulfillment_id", type_=Uuid), _packed.c.line_id, _packed.c.quantity),
    )
    .add_cte(_fulfillment)
)
_shipped = (
    update(Fulfillments)
    .where(Fulfillments.id == bindparam("fulfillment_id"))
    .values(
        status=word(FulfillmentStatus.SHIPPED),
        carrier=bindparam("carrier"),
        tracking_number=bindparam("tracking_number"),
        tracking_url=bindparam("tracking_url"),
        shipped_time=bindparam("shipped_time"),
    )
    .returning(Fulfillments.id)
    .cte("shipped")
)
_SHIP = Command(
    update(OrderLines)
    .where(
        OrderLines.id == FulfillmentLines.order_line_id,
        FulfillmentLines.fulfillment_id == bindparam("fulfillment_id"),
    )
    .values(shipped_quantity=OrderLines.shipped_quantity + FulfillmentLines.quantity)
    .add_cte(_shipped)
)
_goods_that_are_not_sent = select(OrderLines.id).where(
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
        Reservations.status == word(ReservationStatus.COMMITTED),
        _goods_that_are_not_sent.exists(),
    )
    .distinct()
    .order_by(Reservations.order_id)
    .limit(bindparam("count")),
    UUID,
)


def inserting_fulfillment(fulfillment: FulfillmentRecord) -> Bound[object]:
    """Return the statement that stores a new fulfillment and what is in it."""
    return _INSERT.bind(
        fulfillment_id=fulfillment.id,
        order_id=fulfillment.order_id,
        created_time=fulfillment.created_time,
        line_id=fulfillment.line_ids,
        quantity=fulfillment.line_quantities,
    )


async def ship_fulfillment(tx: WriteTx, fulfillment: FulfillmentRecord) -> None:
    """Store how and when a fulfillment went off, and count its goods as shipped on their lines."""
    await _SHIP.run(
        tx,
        fulfillment_id=fulfillment.id,
        carrier=fulfillment.carrier,
        tracking_number=fulfillment.tracking_number,
        tracking_url=fulfillment.tracking_url,
        shipped_time=fulfillment.shipped_time,
    )


async def list_waiting_for(tx: ReadTx, variant_id: VariantId, *, count: int) -> list[OrderId]:
    """Return orders that have yet to hand over a variant which is not sent, the oldest first."""
    return [OrderId(order_id) for order_id in await _LIST_WAITING.all(tx, variant_id=variant_id, count=count)]
