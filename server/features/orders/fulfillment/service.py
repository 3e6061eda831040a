"""Packing parcels and sending them off."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from server.db.idempotency import Claim
from server.db.session import Database, WriteTx
from server.db.statement import together
from server.features.inventory import service as inventory
from server.features.inventory.events import StockAdjusted
from server.features.orders import queries, rules, write_queries
from server.features.orders.errors import FulfillmentNotFound, InvalidTransition
from server.features.orders.events import OrderShipped
from server.features.orders.fulfillment.rules import pack
from server.features.orders.progress_service import changing, complete_if_nothing_left
from server.features.orders.rules import OrderStatus, ParcelStatus
from server.features.orders.values import Order, ParcelRecord
from server.features.orders.write_queries import Step
from server.kernel.actor import Actor
from server.kernel.clock import Clock
from server.kernel.ids import FulfillmentId, OrderId, OrderLineId, VariantId, new_id

_WAITING_BATCH: Final = 1000


class FulfillmentService:
    """The staff's side of an order."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def create_fulfillment(
        self, order_id: OrderId, wanted: Mapping[OrderLineId, int], *, actor: Actor, claim: Claim
    ) -> ParcelRecord:
        """Pack a parcel; nothing wanted means everything that is left.

        Raises OrderNotFound, InvalidTransition when the order is not confirmed, NothingToFulfill.
        """
        parcel_id = FulfillmentId(new_id())
        async with self._db.write() as tx:
            earlier = await claim.take(tx, parcel_id)
            order = await queries.lock_order(tx, order_id)
            if earlier is not None:
                return _parcel_of(order, earlier)
            if order.record.status is not OrderStatus.CONFIRMED:
                allowed = rules.ORDER_TRANSITIONS[order.record.status]
                raise InvalidTransition("the order", order.record.status, "FULFILLED", allowed)
            packed = pack(order, wanted)
            now = self._clock.now()
            step = Step("FULFILLMENT_CREATED", to_state=ParcelStatus.PENDING, actor=actor)
            await together(
                tx,
                write_queries.inserting_parcel(parcel_id, order_id, packed=packed, now=now),
                write_queries.noting_steps(order_id, [step], now=now),
            )
            return ParcelRecord(
                order_id, parcel_id, ParcelStatus.PENDING, "", "", "", now, None, list(packed), list(packed.values())
            )

    async def ship_fulfillment(
        self,
        order_id: OrderId,
        parcel_id: FulfillmentId,
        *,
        carrier: str,
        tracking_number: str,
        tracking_url: str,
        actor: Actor,
    ) -> Order:
        """Send a parcel off: its stock is consumed, and the order completes when nothing is left.

        Raises OrderNotFound, FulfillmentNotFound, InvalidTransition, and OutOfStock when goods on backorder have not
        come in.
        """
        async with self._db.write() as tx:
            order = await queries.lock_order(tx, order_id)
            parcel = _parcel_of(order, parcel_id)
            rules.check_parcel_step(parcel.status, ParcelStatus.SHIPPED)
            now = self._clock.now()
            await write_queries.ship_parcel(
                tx, parcel_id, carrier=carrier, tracking_number=tracking_number, tracking_url=tracking_url, now=now
            )
            await inventory.consume(tx, order_id, _goods(order, parcel), now=now, actor_id=actor.user_id)
            tracking = f"{carrier} {tracking_number}"
            shipped = Step("SHIPPED", ParcelStatus.PENDING, ParcelStatus.SHIPPED, tracking, actor)
            return await self._after_shipping(tx, order_id, shipped)

    async def hand_over_arrived(self, event: StockAdjusted) -> None:
        """Hand over goods that need no parcel to the orders that waited for them, the oldest first."""
        async with self._db.read() as tx:
            waiting = await queries.list_waiting_for(tx, event.variant_id, count=_WAITING_BATCH)
        for order_id in waiting:
            async with self._db.write() as tx:
                order = await queries.lock_order(tx, order_id)
                async with changing(tx, order, now=self._clock.now()) as change:
                    await complete_if_nothing_left(tx, change)

    async def _after_shipping(self, tx: WriteTx, order_id: OrderId, shipped: Step) -> Order:
        order = await queries.lock_order(tx, order_id)
        async with changing(tx, order, now=self._clock.now()) as change:
            change.update(fulfillment_status=rules.fulfillment_status(line.progress for line in order.lines))
            change.note(shipped)
            await complete_if_nothing_left(tx, change)
            change.tell(OrderShipped(order_id=order_id, order_number=order.record.number, tracking=shipped.note))
        return change.order


def _parcel_of(order: Order, parcel_id: UUID) -> ParcelRecord:
    for parcel in order.parcels:
        if parcel.id == parcel_id:
            return parcel
    raise FulfillmentNotFound


def _goods(order: Order, parcel: ParcelRecord) -> dict[VariantId, int]:
    variant_of = {line.id: line.variant_id for line in order.lines}
    goods: dict[VariantId, int] = {}
    for line_id, quantity in zip(parcel.line_ids, parcel.line_quantities, strict=True):
        variant_id = variant_of[line_id]
        goods[variant_id] = goods.get(variant_id, 0) + quantity
    return goods
