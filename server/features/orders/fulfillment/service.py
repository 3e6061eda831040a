"""Packing fulfillments and sending them off."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID

from server.db.idempotency import Claim
from server.db.session import Database
from server.db.statement import together
from server.features.inventory import service as inventory
from server.features.inventory.events import StockAdjusted
from server.features.orders.errors import FulfillmentNotFound, OrderTransitionInvalid
from server.features.orders.events import OrderShipped
from server.features.orders.fulfillment import queries
from server.features.orders.fulfillment.rules import goods_of, pack, with_shipped
from server.features.orders.progress.queries import inserting_steps
from server.features.orders.progress.service import changing, complete_if_nothing_left
from server.features.orders.queries import lock_order
from server.features.orders.rules import ORDER_TRANSITIONS, check_fulfillment_step, fulfillment_summary
from server.features.orders.values import (
    FulfillmentRecord,
    FulfillmentStatus,
    FulfillmentSummary,
    Order,
    OrderStatus,
    TimelineKind,
    TimelineStep,
)
from server.kernel.actor import Actor
from server.kernel.clock import Clock
from server.kernel.ids import FULFILLMENT, FulfillmentId, OrderId, OrderLineId

_WAITING_BATCH: Final = 1000


class FulfillmentService:
    """The staff's side of an order."""

    def __init__(self, *, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def create_fulfillment(
        self, order_id: OrderId, wanted: Mapping[OrderLineId, int], *, actor: Actor, claim: Claim
    ) -> FulfillmentRecord:
        """Pack a fulfillment; nothing wanted means everything that is left.

        Raises OrderNotFound, OrderTransitionInvalid when the order is not confirmed, NothingToFulfill.
        """
        fulfillment_id = FULFILLMENT.new()
        async with self._db.write() as tx:
            earlier = await claim.take(tx, fulfillment_id)
            order = await lock_order(tx, order_id)
            if earlier is not None:
                return _fulfillment_of(order, earlier)
            status = order.record.status
            if status is not OrderStatus.CONFIRMED:
                raise OrderTransitionInvalid(status, FulfillmentSummary.FULFILLED, ORDER_TRANSITIONS[status])
            packed = pack(order, wanted)
            now = self._clock.now()
            fulfillment = FulfillmentRecord(
                order_id=order_id,
                id=fulfillment_id,
                status=FulfillmentStatus.PENDING,
                carrier="",
                tracking_number="",
                tracking_url="",
                created_time=now,
                shipped_time=None,
                line_ids=list(packed),
                line_quantities=list(packed.values()),
            )
            step = TimelineStep(TimelineKind.FULFILLMENT_CREATED, to_state=fulfillment.status, actor=actor)
            await together(tx, queries.inserting_fulfillment(fulfillment), inserting_steps(order_id, [step], now=now))
            return fulfillment

    async def ship_fulfillment(
        self,
        order_id: OrderId,
        fulfillment_id: FulfillmentId,
        *,
        carrier: str,
        tracking_number: str,
        tracking_url: str,
        actor: Actor,
    ) -> Order:
        """Send a fulfillment off: its stock is consumed, and the order completes when nothing is left.

        Raises OrderNotFound, FulfillmentNotFound, FulfillmentTransitionInvalid, and OutOfStock when goods on backorder
        have not come in.
        """
        async with self._db.write() as tx:
            before = await lock_order(tx, order_id)
            packed = _fulfillment_of(before, fulfillment_id)
            check_fulfillment_step(packed.status, FulfillmentStatus.SHIPPED)
            now = self._clock.now()
            shipped = replace(
                packed,
                status=FulfillmentStatus.SHIPPED,
                carrier=carrier,
                tracking_number=tracking_number,
                tracking_url=tracking_url,
                shipped_time=now,
            )
            order = with_shipped(before, shipped)
            await queries.ship_fulfillment(tx, shipped)
            await inventory.consume(tx, order_id, goods_of(order, shipped), now=now, actor_id=actor.user_id)
            tracking = f"{carrier} {tracking_number}"
            async with changing(tx, order, now=now) as change:
                change.update(fulfillment_status=fulfillment_summary(line.progress for line in order.lines))
                change.note(
                    TimelineStep(TimelineKind.SHIPPED, packed.status, shipped.status, note=tracking, actor=actor)
                )
                await complete_if_nothing_left(tx, change)
                change.tell(OrderShipped(order_id=order_id, order_number=order.record.number, tracking=tracking))
            return change.order

    async def hand_over_arrived(self, event: StockAdjusted) -> None:
        """Hand over goods that are not sent to the orders that waited for them, the oldest first."""
        async with self._db.read() as tx:
            waiting = await queries.list_waiting_for(tx, event.variant_id, count=_WAITING_BATCH)
        for order_id in waiting:
            async with self._db.write() as tx:
                order = await lock_order(tx, order_id)
                async with changing(tx, order, now=self._clock.now()) as change:
                    await complete_if_nothing_left(tx, change)


def _fulfillment_of(order: Order, fulfillment_id: UUID) -> FulfillmentRecord:
    for fulfillment in order.fulfillments:
        if fulfillment.id == fulfillment_id:
            return fulfillment
    raise FulfillmentNotFound
