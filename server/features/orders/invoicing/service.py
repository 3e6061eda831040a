"""Invoices: what is printed on them, and the printing."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typst

from server.features.orders.values import InvoiceRecord, Order
from server.texts.catalogue import Texts, texts_in
from server.texts.languages import FALLBACK

_TEMPLATE = Path(__file__).with_name("invoice.typ").read_bytes()


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells, as it stands on invoices."""

    name: str
    address_lines: Sequence[str]
    vat_id: str
    # Of invoices to buyers who asked for none.
    language: str


def invoice_document(order: Order, *, seller: Seller) -> dict[str, Any]:
    """Freeze everything that an invoice of this order shows; amounts in minor units."""
    record = order.record
    return {
        "language": texts_in(record.language, seller.language).language,
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
    # Invoices of before there was a choice name no language.
    texts = texts_in(document.get("language", FALLBACK))
    say = texts.say

    def amount(minor: int) -> str:
        return texts.amount(minor, currency)

    return {
        "language": texts.language,
        "labels": _labels(texts, document["seller"]["vat_id"]),
        "document_title": say("invoice.document_title", number=invoice.number),
        "number": invoice.number,
        "date": texts.date(invoice.issued_time.date()),
        "seller": document["seller"],
        # Goods without a parcel are sold to an e-mail address.
        "buyer": _address_lines(texts, document["buyer"]) if document["buyer"] else [document["email"]],
        "ship_to": _address_lines(texts, document["ship_to"]) if document["ship_to"] else [],
        "order_number": document["order_number"],
        "lines": [
            {
                "title": line["title"],
                "detail": " · ".join(
                    [f"{option['name']}: {option['value']}" for option in line["options"]]
                    + ([say("invoice.article", sku=line["sku"])] if line["sku"] else [])
                ),
                "quantity": str(line["quantity"]),
                "unit_price": amount(line["unit_price_minor"]),
                "amount": amount(line["subtotal_minor"]),
            }
            for line in document["lines"]
        ],
        "sums": _sums(texts, document),
        "total": amount(document["total_minor"]),
        "included_taxes": [
            say(
                "invoice.included_tax",
                tax=tax["name"],
                amount=amount(tax["tax_minor"]),
                net=amount(tax["taxable_minor"]),
            )
            for tax in document["taxes"]
            if tax["included"]
        ],
    }


def _labels(texts: Texts, vat_id: str) -> dict[str, str]:
    say = texts.say
    return {
        "title": say("invoice.title"),
        "vat_id": say("invoice.vat_id", vat_id=vat_id) if vat_id else "",
        # Only the template knows how many pages there are.
        "page": say("invoice.page", page="{page}", pages="{pages}"),
        "bill_to": say("invoice.bill_to"),
        "ship_to": say("invoice.ship_to"),
        "number": say("invoice.number"),
        "date": say("invoice.date"),
        "order": say("invoice.order"),
        "item": say("invoice.item"),
        "quantity": say("invoice.quantity"),
        "unit_price": say("invoice.unit_price"),
        "amount": say("invoice.amount"),
        "total": say("invoice.total"),
    }


def _sums(texts: Texts, document: dict[str, Any]) -> list[dict[str, str]]:
    say = texts.say

    def row(name: str, minor: int) -> dict[str, str]:
        return {"name": name, "amount": texts.amount(minor, document["currency"])}

    sums = [row(say("invoice.subtotal"), document["subtotal_minor"])]
    if document["discount_minor"]:
        sums.append(row(say("invoice.discount"), -document["discount_minor"]))
    if document["shipping_name"]:
        sums.append(row(say("invoice.shipping", method=document["shipping_name"]), document["shipping_minor"]))
    sums += [row(tax["name"], tax["tax_minor"]) for tax in document["taxes"] if not tax["included"]]
    return sums


def _address_lines(texts: Texts, address: dict[str, Any]) -> list[str]:
    town = " ".join(part for part in (address.get("postal_code", ""), address["locality"]) if part)
    lines = [
        address["recipient"],
        address.get("organization", ""),
        *address["address_lines"],
        town,
        address.get("administrative_area", ""),
        texts.region(address["region_code"]),
    ]
    return [line for line in lines if line]
