"""The invoice in every language."""

from datetime import UTC, datetime
from typing import Any

import pytest

from server.features.orders.invoicing.gateway import TypstPrinter
from server.features.orders.invoicing.rules import invoice_document, printed
from server.features.orders.invoicing.values import InvoiceRecord, Seller
from server.texts.languages import LANGUAGES
from tests.unit.texts.orders import an_order


def invoice(language: str = "", shop_language: str = "en") -> InvoiceRecord:
    seller = Seller("Kontor", ("Speicherstadt 1", "20457 Hamburg"), "DE123456789", shop_language)
    document = invoice_document(an_order(language=language), seller=seller)
    return InvoiceRecord("2031-000001", datetime(2031, 3, 1, tzinfo=UTC), document)


def texts(value: Any) -> list[str]:
    """Return everything that is printed."""
    if isinstance(value, str):
        return [value]
    return [text for part in (value.values() if isinstance(value, dict) else value) for text in texts(part)]


def test_is_in_the_orders_language_else_in_the_shops():
    assert printed(invoice("de"))["language"] == "de"
    assert printed(invoice("", "de"))["language"] == "de"
    assert printed(invoice("en", "de"))["language"] == "en"


def test_keeps_the_language_in_which_it_was_issued():
    """Whatever the shop or the customer speaks later."""
    assert invoice("", "de").document["language"] == "de"
    assert invoice("xx", "de").document["language"] == "de"


def test_an_old_one_without_a_language_stays_english():
    old = invoice("de")
    del old.document["language"]

    assert printed(old) == printed(invoice("en"))


def test_says_it_in_english():
    page = printed(invoice("en"))

    assert (page["document_title"], page["date"], page["total"]) == ("Invoice 2031-000001", "1 March 2031", "€1,231.01")
    assert page["labels"]["vat_id"] == "VAT ID DE123456789"
    assert page["labels"]["page"] == "Page {page} of {pages}"
    assert page["buyer"][-1] == "United Kingdom"
    assert page["lines"][0]["detail"] == "Weight: 250 g · Article SN-ESP-250"
    assert [row["name"] for row in page["sums"]] == ["Subtotal", "Discount", "Shipping (DHL)", "City tax"]
    assert page["included_taxes"] == ["includes VAT 19%: €196.29 on €1,033.11 net"]


def test_says_it_in_german():
    page = printed(invoice("de"))

    assert (page["document_title"], page["date"]) == ("Rechnung 2031-000001", "1. März 2031")
    assert page["total"] == "1.231,01\xa0€"
    assert page["labels"]["vat_id"] == "USt-IdNr. DE123456789"
    assert page["labels"]["page"] == "Seite {page} von {pages}"
    assert (page["buyer"][-1], page["ship_to"][-1]) == ("Vereinigtes Königreich", "Deutschland")
    assert page["lines"][0]["detail"] == "Weight: 250 g · Artikel-Nr. SN-ESP-250"
    assert [row["name"] for row in page["sums"]] == ["Zwischensumme", "Rabatt", "Versand (DHL)", "City tax"]
    assert page["included_taxes"] == ["inkl. VAT 19%: 196,29\xa0€ auf 1.033,11\xa0€ netto"]


def test_says_no_tax_number_where_the_shop_has_none():
    document = invoice().document | {"seller": {"name": "Kontor", "address_lines": [], "vat_id": ""}}

    assert printed(InvoiceRecord("1", datetime(2031, 3, 1, tzinfo=UTC), document))["labels"]["vat_id"] == ""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_is_printed_in_every_language(language):
    issued = invoice(language)

    pdf = await TypstPrinter().print(printed(issued))

    assert f"/Lang({language})".encode() in pdf
    assert "" not in texts(printed(issued))
    # Only the template knows the pages.
    assert [text for text in texts(printed(issued)) if "{" in text] == [printed(issued)["labels"]["page"]]
