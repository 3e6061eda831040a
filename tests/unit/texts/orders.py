"""An order to write about."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from server.features.orders.values import (
    FulfillmentSummary,
    LineRecord,
    Order,
    OrderRecord,
    OrderStatus,
    PaymentSummary,
)
from server.kernel.ids import CartId, OrderId, OrderLineId, ProductId, VariantId, new_id

BERLIN: dict[str, Any] = {
    "recipient": "Ada Lovelace",
    "address_lines": ["Rosenstraße 12"],
    "postal_code": "10178",
    "locality": "Berlin",
    "region_code": "DE",
}
LONDON: dict[str, Any] = {
    "recipient": "Charles Babbage",
    "address_lines": ["1 Dorset Street"],
    "postal_code": "W1U 4EG",
    "locality": "London",
    "region_code": "GB",
}


def an_order(**changes: Any) -> Order:
    """Return an order with everything that mails and invoices can show."""
    order_id = OrderId(new_id())
    record = OrderRecord(
        id=order_id,
        number="F56M-KSMZ",
        cart_id=CartId(new_id()),
        user_id=None,
        email="ada@customer.example",
        status=OrderStatus.CONFIRMED,
        payment_status=PaymentSummary.PAID,
        fulfillment_status=FulfillmentSummary.UNFULFILLED,
        currency="EUR",
        subtotal_minor=123_450,
        discount_minor=1_000,
        shipping_minor=490,
        tax_minor=19_790,
        included_tax_minor=19_629,
        total_minor=123_101,
        taxes=[
            {"name": "VAT 19%", "rate_ppm": 190_000, "included": True, "taxable_minor": 103_311, "tax_minor": 19_629},
            {"name": "City tax", "rate_ppm": 10_000, "included": False, "taxable_minor": 16_100, "tax_minor": 161},
        ],
        shipping_address=BERLIN,
        billing_address=LONDON,
        shipping_method={"id": "ship_1", "code": "standard", "name": "DHL", "description": ""},
        placed_time=datetime(2031, 3, 1, 12, tzinfo=UTC),
        expires_time=datetime(2031, 3, 1, 13, tzinfo=UTC),
        confirmed_time=None,
        completed_time=None,
        language="",
        invoice_number="2031-000001",
    )
    line = LineRecord(
        order_id=order_id,
        id=OrderLineId(new_id()),
        position=1,
        product_id=ProductId(new_id()),
        variant_id=VariantId(new_id()),
        sku="SN-ESP-250",
        title="Harbour Roast",
        options=[{"name": "Weight", "value": "250 g"}],
        requires_shipping=True,
        quantity=2,
        shipped_quantity=0,
        unit_price_minor=61_725,
        subtotal_minor=123_450,
        discount_minor=1_000,
        tax_minor=19_629,
        total_minor=122_450,
    )
    return Order(replace(record, **changes), (line,))
