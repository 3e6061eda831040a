"""Invoices: what is printed on them, and the printing."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import typst
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency

from server.features.orders.values import InvoiceRecord, Order
from server.kernel.money import currency_exponent

_TEMPLATE = Path(__file__).with_name("invoice.typ").read_bytes()
# Invoices are in one language for now; the document keeps plain values, so that another can follow.
_LOCALE = "en_GB"


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells, as it stands on invoices."""

    name: str
    address_lines: Sequence[str]
    vat_id: str


def invoice_document(order: Order, *, seller: Seller) -> dict[str, Any]:
    """Freeze everything that an invoice of this order shows; amounts in minor units."""
    record = order.record
    return {
        "seller": {"name": seller.name, "address_lines": list(seller.address_lines), "vat_id": seller.vat_id},
        "buyer": record.billing_address,
        "ship_to": record.shipping_address,
        "email": record.email,
        "order_number": record.number,
        "order_date": record.placed_time.date().isoformat(),
        "currency": record.currency,
        "shipping_name": record.shipping_method["name"] if record.shipping_method else None,
        "lines": [
            {
                "title": line.title,
                "sku": line.sku,
                "options": line.options,
                "quantity": line.quantity,
                "unit_price_minor": line.unit_price_minor,
                "discount_minor": line.discount_minor,
                "subtotal_minor": line.subtotal_minor,
            }
            for line in order.lines
        ],
        "subtotal_minor": record.subtotal_minor,
        "discount_minor": record.discount_minor,
        "shipping_minor": record.shipping_minor,
        "taxes": record.taxes,
        "total_minor": record.total_minor,
    }


async def render_invoice(invoice: InvoiceRecord) -> bytes:
    """Print an invoice as PDF, in a thread: it takes tens of milliseconds of computing."""
    data = json.dumps(printed(invoice))
    return await asyncio.to_thread(typst.compile, _TEMPLATE, sys_inputs={"invoice": data}, format="pdf")


def printed(invoice: InvoiceRecord) -> dict[str, Any]:
    """Make the texts that the template prints."""
    document = invoice.document
    currency = document["currency"]

    def amount(minor: int) -> str:
        value = Decimal(minor).scaleb(-currency_exponent(currency))
        return format_currency(value, currency, locale=_LOCALE)

    return {
        "number": invoice.number,
        "date": format_date(invoice.issued_time.date(), format="long", locale=_LOCALE),
        "seller": document["seller"],
        # Goods without a parcel are sold to an e-mail address.
        "buyer": _address_lines(document["buyer"]) if document["buyer"] else [document["email"]],
        "ship_to": _address_lines(document["ship_to"]) if document["ship_to"] else [],
        "order_number": document["order_number"],
        "lines": [
            {
                "title": line["title"],
                "detail": " · ".join(
                    [f"{option['name']}: {option['value']}" for option in line["options"]]
                    + ([f"Article {line['sku']}"] if line["sku"] else [])
                ),
                "quantity": str(line["quantity"]),
                "unit_price": amount(line["unit_price_minor"]),
                "amount": amount(line["subtotal_minor"]),
            }
            for line in document["lines"]
        ],
        "sums": _sums(document, amount),
        "total": amount(document["total_minor"]),
        "included_taxes": [
            f"{tax['name']}: {amount(tax['tax_minor'])} on {amount(tax['taxable_minor'])} net"
            for tax in document["taxes"]
            if tax["included"]
        ],
    }


def _sums(document: dict[str, Any], amount: Any) -> list[dict[str, str]]:
    sums = [{"name": "Subtotal", "amount": amount(document["subtotal_minor"])}]
    if document["discount_minor"]:
        sums.append({"name": "Discount", "amount": amount(-document["discount_minor"])})
    if document["shipping_name"]:
        sums.append({"name": f"Shipping ({document['shipping_name']})", "amount": amount(document["shipping_minor"])})
    sums += [
        {"name": tax["name"], "amount": amount(tax["tax_minor"])} for tax in document["taxes"] if not tax["included"]
    ]
    return sums


def _address_lines(address: dict[str, Any]) -> list[str]:
    town = " ".join(part for part in (address.get("postal_code", ""), address["locality"]) if part)
    lines = [
        address["recipient"],
        address.get("organization", ""),
        *address["address_lines"],
        town,
        address.get("administrative_area", ""),
        Locale.parse(_LOCALE).territories.get(address["region_code"], address["region_code"]),
    ]
    return [line for line in lines if line]
