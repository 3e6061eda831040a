"""What customers are told about their orders."""

from decimal import Decimal

from babel.numbers import format_currency

from server.features.cart.values import Address
from server.features.orders.rules import address_lines
from server.features.orders.values import LineRecord, Order, OrderRecord
from server.kernel.money import currency_exponent
from server.mail.letter import Block, Paragraph, Table, write_mail
from server.mail.message import Mail


def confirmation_mail(order: Order, *, shop_name: str) -> Mail:
    """Tell the customer that the order stands."""
    record = order.record
    blocks: list[Block] = [
        Paragraph(f"Thank you for your order {record.number}. It is confirmed, and this is what you bought:"),
        Table([_line_cells(line, record.currency) for line in order.lines]),
        Table(_sum_cells(record)),
    ]
    if record.shipping_address:
        blocks.append(Paragraph(f"We send it to {', '.join(_address(record.shipping_address))}."))
    if record.invoice_number:
        blocks.append(Paragraph(f"Your invoice has the number {record.invoice_number}."))
    blocks.append(Paragraph(shop_name))
    return write_mail(to=record.email, subject=f"Your order {record.number} is confirmed", blocks=blocks)


def shipped_mail(order: Order, *, tracking: str, shop_name: str) -> Mail:
    """Tell the customer that a parcel is on its way."""
    record = order.record
    blocks = [
        Paragraph(f"A parcel of your order {record.number} is on its way."),
        Paragraph(f"Carrier and tracking number: {tracking}"),
        Paragraph(shop_name),
    ]
    return write_mail(to=record.email, subject=f"Your order {record.number} is on its way", blocks=blocks)


def _line_cells(line: LineRecord, currency: str) -> list[str]:
    options = ", ".join(option["value"] for option in line.options)
    title = f"{line.title} ({options})" if options else line.title
    return [f"{line.quantity} × {title}", _amount(line.subtotal_minor, currency)]


def _sum_cells(record: OrderRecord) -> list[list[str]]:
    rows = []
    if record.discount_minor:
        rows.append(["Discount", _amount(-record.discount_minor, record.currency)])
    if record.shipping_method:
        rows.append([f"Shipping ({record.shipping_method['name']})", _amount(record.shipping_minor, record.currency)])
    rows += [[tax["name"], _amount(tax["tax_minor"], record.currency)] for tax in record.taxes if not tax["included"]]
    rows.append(["Total", _amount(record.total_minor, record.currency)])
    rows += [
        [f"includes {tax['name']}", _amount(tax["tax_minor"], record.currency)]
        for tax in record.taxes
        if tax["included"]
    ]
    return rows


def _amount(minor: int, currency: str) -> str:
    return format_currency(Decimal(minor).scaleb(-currency_exponent(currency)), currency, locale="en_GB")


def _address(address: Address) -> list[str]:
    return address_lines(address, country=address["region_code"], brief=True)
