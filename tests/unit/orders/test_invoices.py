"""What is printed on an invoice."""

from datetime import UTC, datetime
from typing import Any

import pytest

from server.features.orders.invoicing.rules import printed
from server.features.orders.invoicing.values import InvoiceRecord

ADDRESS = {"recipient": "Ada Lovelace", "address_lines": ["Rosenstraße 12"], "locality": "Berlin", "region_code": "DE"}
DOCUMENT: dict[str, Any] = {
    "seller": {"name": "Kontor", "address_lines": [], "vat_id": ""},
    "ship_to": None,
    "email": "ada@customer.example",
    "order_number": "K7QF-3M2P",
    "currency": "EUR",
    "shipping_name": None,
    "lines": [],
    "subtotal_minor": 500,
    "discount_minor": 0,
    "shipping_minor": 0,
    "taxes": [],
    "total_minor": 500,
}


@pytest.mark.parametrize(
    ("buyer", "expected"),
    [
        (ADDRESS, ["Ada Lovelace", "Rosenstraße 12", "Berlin", "Germany"]),
        (None, ["ada@customer.example"]),
    ],
)
def test_names_the_buyer(buyer: dict[str, Any] | None, expected: list[str]) -> None:
    invoice = InvoiceRecord("2031-000001", datetime(2031, 5, 4, tzinfo=UTC), {**DOCUMENT, "buyer": buyer})

    assert printed(invoice)["buyer"] == expected
