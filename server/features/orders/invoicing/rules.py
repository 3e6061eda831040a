"""What is printed on invoices: values in, texts out."""

from typing import Any

from server.features.cart.values import Address
from server.features.orders.invoicing.values import InvoiceRecord, Seller
from server.features.orders.rules import address_lines
from server.features.orders.values import Order
from server.texts.catalogue import Texts, texts_in
from server.texts.languages import FALLBACK


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
        # Goods that are not sent are sold to an e-mail address.
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


def _address_lines(texts: Texts, address: Address) -> list[str]:
    return address_lines(address, country=texts.region(address["region_code"]))
