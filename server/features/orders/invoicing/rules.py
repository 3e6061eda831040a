"""What is printed on invoices: values in, texts out."""

from decimal import Decimal
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency

from server.features.cart.values import Address
from server.features.orders.invoicing.values import InvoiceRecord, Seller
from server.features.orders.rules import address_lines
from server.features.orders.values import Order
from server.kernel.money import currency_exponent

# Invoices are in one language for now; the document keeps plain values, so that another can follow.
_LOCALE = "en_GB"


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
        # Goods that are not sent are sold to an e-mail address.
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


def _address_lines(address: Address) -> list[str]:
    region = address["region_code"]
    return address_lines(address, country=Locale.parse(_LOCALE).territories.get(region, region))
