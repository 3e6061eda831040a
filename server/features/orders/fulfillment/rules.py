"""What may go into the next parcel of an order: values in, values out."""

from collections.abc import Mapping

from server.features.orders.errors import NothingToFulfill
from server.features.orders.rules import ParcelStatus
from server.features.orders.values import Order
from server.kernel.errors import invalid_field
from server.kernel.ids import OrderLineId


def pack(order: Order, wanted: Mapping[OrderLineId, int]) -> dict[OrderLineId, int]:
    """Return what to pack, by line: what is wanted, or everything that is left when nothing is.

    Raises NothingToFulfill naming the line of which too few are left, InvalidArgument for a line of another order.
    """
    remaining = _remaining(order)
    if not wanted:
        packed = {line_id: left for line_id, left in remaining.items() if left > 0}
        if not packed:
            raise NothingToFulfill(None, 0)
        return packed
    for line_id, quantity in wanted.items():
        if line_id not in remaining:
            raise invalid_field("lines.line_id", "is not a line of this order that needs a parcel")
        if quantity > remaining[line_id]:
            raise NothingToFulfill(line_id, remaining[line_id])
    return dict(wanted)


def _remaining(order: Order) -> dict[OrderLineId, int]:
    remaining = {line.id: line.quantity for line in order.lines if line.requires_shipping}
    for parcel in order.parcels:
        if parcel.status is ParcelStatus.CANCELED:
            continue
        for line_id, quantity in zip(parcel.line_ids, parcel.line_quantities, strict=True):
            remaining[line_id] -= quantity
    return remaining
