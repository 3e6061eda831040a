"""Orders as messages. They are filled from plain dictionaries: see `rpc.messages`."""

from collections.abc import Iterable

from kontor.orders.v1 import orders_pb2

from server.features.cart.mapping import to_totals
from server.features.orders import rules
from server.features.orders.values import FulfillmentRecord, LineRecord, Order, OrderRecord, TimelineRecord
from server.kernel.errors import invalid_field
from server.kernel.ids import FULFILLMENT, ORDER, ORDER_LINE, PRODUCT, VARIANT, OrderLineId
from server.rpc.messages import Fields, to_money, to_time


def to_order(order: Order) -> orders_pb2.Order:
    """Make an Order."""
    record = order.record
    currency = record.currency
    fields: Fields = {
        "id": ORDER.write(record.id),
        "number": record.number,
        "status": record.status,
        "display_status": rules.display_status(record.status, record.payment_status, record.fulfillment_status),
        "payment": {"status": record.payment_status},
        "fulfillment": {"status": record.fulfillment_status},
        "lines": [_line(line, currency) for line in order.lines],
        "totals": to_totals(
            currency,
            subtotal_minor=record.subtotal_minor,
            discount_minor=record.discount_minor,
            shipping_minor=record.shipping_minor,
            tax_minor=record.tax_minor,
            included_tax_minor=record.included_tax_minor,
            total_minor=record.total_minor,
            taxes=record.tax_amounts,
        ),
        "email": record.email,
        "shipping_address": record.shipping_address,
        "billing_address": record.billing_address,
        "shipping_method": _shipping_method(record),
        "fulfillments": [_fulfillment(one) for one in order.fulfillments],
        "invoice_number": record.invoice_number,
        "place_time": to_time(record.placed_time),
        "expire_time": to_time(record.expires_time),
        "confirm_time": to_time(record.confirmed_time),
        "complete_time": to_time(record.completed_time),
    }
    return orders_pb2.Order(**fields)


def to_fulfillment(fulfillment: FulfillmentRecord) -> orders_pb2.Fulfillment:
    """Make a Fulfillment."""
    return orders_pb2.Fulfillment(**_fulfillment(fulfillment))


def to_timeline_entry(entry: TimelineRecord) -> orders_pb2.TimelineEntry:
    """Make a TimelineEntry."""
    fields: Fields = {
        "sequence": entry.sequence,
        "kind": entry.kind,
        "from_state": entry.from_state,
        "to_state": entry.to_state,
        "actor": entry.actor_kind,
        "note": entry.note,
        "create_time": to_time(entry.created_time),
    }
    return orders_pb2.TimelineEntry(**fields)


def _fulfillment(fulfillment: FulfillmentRecord) -> Fields:
    return {
        "id": FULFILLMENT.write(fulfillment.id),
        "status": fulfillment.status,
        "lines": [
            {"line_id": ORDER_LINE.write(line_id), "quantity": quantity}
            for line_id, quantity in fulfillment.quantities.items()
        ],
        "carrier": fulfillment.carrier,
        "tracking_number": fulfillment.tracking_number,
        "tracking_url": fulfillment.tracking_url,
        "create_time": to_time(fulfillment.created_time),
        "ship_time": to_time(fulfillment.shipped_time),
    }


def _line(line: LineRecord, currency: str) -> Fields:
    return {
        "id": ORDER_LINE.write(line.id),
        "product_id": PRODUCT.write(line.product_id),
        "variant_id": VARIANT.write(line.variant_id),
        "title": line.title,
        "sku": line.sku,
        # Each has a name and a value, as the message has.
        "options": line.options,
        "quantity": line.quantity,
        "shipped_quantity": line.shipped_quantity,
        "requires_shipping": line.requires_shipping,
        "unit_price": to_money(currency, line.unit_price_minor),
        "subtotal": to_money(currency, line.subtotal_minor),
        "discount": to_money(currency, line.discount_minor),
        "tax": to_money(currency, line.tax_minor),
        "total": to_money(currency, line.total_minor),
    }


def _shipping_method(record: OrderRecord) -> Fields | None:
    method = record.shipping_method
    if method is None:
        return None
    return {
        "id": method["id"],
        "name": method["name"],
        "description": method["description"],
        "amount": to_money(record.currency, record.shipping_minor),
    }


def from_fulfillment_lines(lines: Iterable[orders_pb2.FulfillmentLine]) -> dict[OrderLineId, int]:
    """Read how much of each line to pack; the same line twice adds up. Raises InvalidArgument naming the field."""
    wanted: dict[OrderLineId, int] = {}
    for index, line in enumerate(lines):
        line_id = ORDER_LINE.read(line.line_id, f"lines[{index}].line_id")
        if line.quantity < 1:
            raise invalid_field(f"lines[{index}].quantity", "must be at least 1")
        wanted[line_id] = wanted.get(line_id, 0) + line.quantity
    return wanted
