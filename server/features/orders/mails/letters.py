"""What customers are told about their orders."""

from server.features.cart.values import Address
from server.features.orders.rules import address_lines
from server.features.orders.values import LineRecord, Order, OrderRecord
from server.mail.letter import Block, Paragraph, Table, write_mail
from server.mail.message import Mail
from server.texts.catalogue import Texts, texts_in


def confirmation_mail(order: Order, *, shop_name: str, shop_language: str) -> Mail:
    """Tell the customer that the order stands."""
    record = order.record
    texts = texts_in(record.language, shop_language)
    say = texts.say
    blocks: list[Block] = [
        Paragraph(say("order_confirmed.thanks", number=record.number)),
        Table([_line_cells(texts, line, record.currency) for line in order.lines]),
        Table(_sum_cells(texts, record)),
    ]
    if record.shipping_address:
        blocks.append(Paragraph(say("order_confirmed.address", address=", ".join(_address(record.shipping_address)))))
    if record.invoice_number:
        blocks.append(Paragraph(say("order_confirmed.invoice", number=record.invoice_number)))
    blocks.append(Paragraph(shop_name))
    subject = say("order_confirmed.subject", number=record.number)
    return write_mail(to=record.email, subject=subject, blocks=blocks, language=texts.language)


def shipped_mail(order: Order, *, tracking: str, shop_name: str, shop_language: str) -> Mail:
    """Tell the customer that a parcel is on its way."""
    record = order.record
    texts = texts_in(record.language, shop_language)
    say = texts.say
    blocks = [
        Paragraph(say("order_shipped.parcel", number=record.number)),
        Paragraph(say("order_shipped.tracking", tracking=tracking)),
        Paragraph(shop_name),
    ]
    subject = say("order_shipped.subject", number=record.number)
    return write_mail(to=record.email, subject=subject, blocks=blocks, language=texts.language)


def _line_cells(texts: Texts, line: LineRecord, currency: str) -> list[str]:
    options = ", ".join(option["value"] for option in line.options)
    title = f"{line.title} ({options})" if options else line.title
    return [f"{line.quantity} × {title}", texts.amount(line.subtotal_minor, currency)]


def _sum_cells(texts: Texts, record: OrderRecord) -> list[list[str]]:
    say = texts.say

    def amount(minor: int) -> str:
        return texts.amount(minor, record.currency)

    rows = []
    if record.discount_minor:
        rows.append([say("order_confirmed.discount"), amount(-record.discount_minor)])
    if record.shipping_method:
        method = record.shipping_method["name"]
        rows.append([say("order_confirmed.shipping", method=method), amount(record.shipping_minor)])
    rows += [[tax["name"], amount(tax["tax_minor"])] for tax in record.taxes if not tax["included"]]
    rows.append([say("order_confirmed.total"), amount(record.total_minor)])
    rows += [
        [say("order_confirmed.included_tax", tax=tax["name"]), amount(tax["tax_minor"])]
        for tax in record.taxes
        if tax["included"]
    ]
    return rows


def _address(address: Address) -> list[str]:
    return address_lines(address, country=address["region_code"], brief=True)
