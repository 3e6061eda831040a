"""What may go into the next fulfillment of an order, and what shipping one does to it: values in, values out."""

from collections.abc import Mapping
from dataclasses import replace

from server.features.orders.errors import NothingToFulfill
from server.features.orders.values import FulfillmentRecord, FulfillmentStatus, Order
from server.kernel.errors import invalid_field
from server.kernel.ids import OrderLineId, VariantId


def pack(order: Order, wanted: Mapping[OrderLineId, int]) -> dict[OrderLineId, int]:
    """Return what to pack, by line: what is wanted, or everything that is left when nothing is.

    Raises NothingToFulfill naming the line of which too few are left, InvalidArgument for a line of another order.
    """
    remaining = _remaining(order)
    if not wanted:
        packed = {line_id: left for line_id, left in remaining.items() if left > 0}
        if not packed:
            raise NothingToFulfill
        return packed
    for line_id, quantity in wanted.items():
        if line_id not in remaining:
            raise invalid_field("lines.line_id", "is not a line of this order that needs a parcel")
        if quantity > remaining[line_id]:
            raise NothingToFulfill(line_id, remaining=remaining[line_id])
    return dict(wanted)


def with_shipped(order: Order, shipped: FulfillmentRecord) -> Order:
    """Return an order of which a fulfillment has gone off: its goods count as shipped on their lines."""
    sent = shipped.quantities
    return replace(
        order,
        lines=tuple(
            [replace(line, shipped_quantity=line.shipped_quantity + sent.get(line.id, 0)) for line in order.lines]
        ),
        fulfillments=tuple([shipped if one.id == shipped.id else one for one in order.fulfillments]),
    )


def goods_of(order: Order, fulfillment: FulfillmentRecord) -> dict[VariantId, int]:
    """Return how much of each variant is in a fulfillment."""
    variant_of = {line.id: line.variant_id for line in order.lines}
    goods: dict[VariantId, int] = {}
    for line_id, quantity in fulfillment.quantities.items():
        variant_id = variant_of[line_id]
        goods[variant_id] = goods.get(variant_id, 0) + quantity
    return goods


def _remaining(order: Order) -> dict[OrderLineId, int]:
    remaining = {line.id: line.quantity for line in order.lines if line.requires_shipping}
    for fulfillment in order.fulfillments:
        if fulfillment.status is FulfillmentStatus.CANCELED:
            continue
        for line_id, quantity in fulfillment.quantities.items():
            remaining[line_id] -= quantity
    return remaining
