"""Orders as messages. They are filled from plain dictionaries: see `rpc.messages`."""

from collections.abc import Iterable

from kontor.orders.v1 import orders_pb2

from server.features.orders import rules
from server.features.orders.values import LineRecord, Order, OrderRecord, ParcelRecord, TimelineRecord
from server.kernel.errors import invalid_field
from server.kernel.ids import OrderLineId, Prefix, format_id, parse_id
from server.rpc.messages import Fields, to_money, to_time, to_timestamp


def to_order(order: Order) -> orders_pb2.Order:
    """Make an Order."""
    record = order.record
    currency = record.currency
    fields: Fields = {
        "id": format_id(Prefix.ORDER, record.id),
        "number": record.number,
        "status": record.status,
        "display_status": rules.display_status(record.status, record.payment_status, record.fulfillment_status),
        "payment": {"status": record.payment_status},
        "fulfillment": {"status": record.fulfillment_status},
        "lines": [_line(line, currency) for line in order.lines],
        "totals": _totals(record),
        "email": record.email,
        "shipping_address": record.shipping_address,
        "billing_address": record.billing_address,
        "shipping_method": _shipping_method(record),
        "fulfillments": [_fulfillment(parcel) for parcel in order.parcels],
        "invoice_number": record.invoice_number,
        "place_time": to_time(record.placed_time),
        "expire_time": to_time(record.expires_time),
        "confirm_time": to_time(record.confirmed_time),
        "complete_time": to_time(record.completed_time),
    }
    return orders_pb2.Order(**fields)


def to_fulfillment(parcel: ParcelRecord) -> orders_pb2.Fulfillment:
    """Make a Fulfillment."""
    return orders_pb2.Fulfillment(**_fulfillment(parcel))


def to_timeline_entry(entry: TimelineRecord) -> orders_pb2.TimelineEntry:
    """Make a TimelineEntry."""
    return orders_pb2.TimelineEntry(
        sequence=entry.sequence,
        kind=orders_pb2.TimelineEntry.Kind.Value(entry.kind),
        from_state=entry.from_state,
        to_state=entry.to_state,
        actor=orders_pb2.TimelineEntry.Actor.Value(entry.actor_kind),
        note=entry.note,
        create_time=to_timestamp(entry.created_time),
    )


def _fulfillment(parcel: ParcelRecord) -> Fields:
    return {
        "id": format_id(Prefix.FULFILLMENT, parcel.id),
        "status": parcel.status,
        "lines": [
            {"line_id": format_id(Prefix.ORDER_LINE, line_id), "quantity": quantity}
            for line_id, quantity in zip(parcel.line_ids, parcel.line_quantities, strict=True)
        ],
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking_number,
        "tracking_url": parcel.tracking_url,
        "create_time": to_time(parcel.created_time),
        "ship_time": to_time(parcel.shipped_time),
    }


def _line(line: LineRecord, currency: str) -> Fields:
    return {
        "id": format_id(Prefix.ORDER_LINE, line.id),
        "product_id": format_id(Prefix.PRODUCT, line.product_id),
        "variant_id": format_id(Prefix.VARIANT, line.variant_id),
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


def _totals(record: OrderRecord) -> Fields:
    currency = record.currency
    return {
        "subtotal": to_money(currency, record.subtotal_minor),
        "discount": to_money(currency, record.discount_minor),
        "shipping": to_money(currency, record.shipping_minor),
        "tax": to_money(currency, record.tax_minor),
        "included_tax": to_money(currency, record.included_tax_minor),
        "total": to_money(currency, record.total_minor),
        "taxes": [
            {
                "name": tax["name"],
                "rate_ppm": tax["rate_ppm"],
                "included": tax["included"],
                "taxable_amount": to_money(currency, tax["taxable_minor"]),
                "amount": to_money(currency, tax["tax_minor"]),
            }
            for tax in record.taxes
        ],
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
        line_id = OrderLineId(parse_id(Prefix.ORDER_LINE, line.line_id, field=f"lines[{index}].line_id"))
        if line.quantity < 1:
            raise invalid_field(f"lines[{index}].quantity", "must be at least 1")
        wanted[line_id] = wanted.get(line_id, 0) + line.quantity
    return wanted
