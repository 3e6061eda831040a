"""What shoppers are told when the shop refuses."""

from datetime import timedelta

import pytest

from server.texts.catalogue import texts_in
from server.texts.refusals import refusal_text


@pytest.mark.parametrize(
    ("reason", "metadata", "english", "german"),
    [
        ("CART_EMPTY", {}, "Your cart is empty.", "Ihr Warenkorb ist leer."),
        (
            "CART_FULL",
            {"max_lines": "100"},
            "A cart holds at most 100 different items. Please remove one first.",
            "Ein Warenkorb fasst höchstens 100 verschiedene Artikel. Bitte entfernen Sie zuerst einen.",
        ),
        (
            "PRICE_CHANGED",
            {"amount_minor": "123430", "currency_code": "EUR"},
            "The total is now €1,234.30. Please look through your cart again.",
            "Der Gesamtbetrag beträgt jetzt 1.234,30\xa0€. Bitte sehen Sie Ihren Warenkorb noch einmal durch.",
        ),
        (
            "CHECKOUT_INCOMPLETE",
            {"missing": "email,shipping_address,shipping_method"},
            "Something is missing before you can order: e-mail address, shipping address and shipping method.",
            "Für Ihre Bestellung fehlen noch Angaben: E-Mail-Adresse, Lieferadresse und Versandart.",
        ),
        (
            "OUT_OF_STOCK",
            {"var_1": "0"},
            "One of the items is not available in the quantity that you want. Please choose fewer of it.",
            "Einer der Artikel ist nicht in der gewünschten Menge verfügbar. Bitte verringern Sie die Menge.",
        ),
        (
            "OUT_OF_STOCK",
            {"var_1": "0", "var_2": "3", "more_count": "10"},
            "12 of the items are not available in the quantities that you want. Please choose fewer of them.",
            "12 der Artikel sind nicht in der gewünschten Menge verfügbar. Bitte verringern Sie die Mengen.",
        ),
        (
            "TOO_MANY_ATTEMPTS",
            {},
            "Too many attempts. Please try again in 5 minutes.",
            "Zu viele Versuche. Bitte versuchen Sie es in 5 Minuten noch einmal.",
        ),
    ],
)
def test_says_it_in_each_language(reason, metadata, english, german):
    said = [
        refusal_text(texts_in(language), reason, metadata=metadata, retry_after=timedelta(minutes=5))
        for language in ("en", "de")
    ]

    assert said == [english, german]


def test_shows_a_word_that_it_does_not_know_as_it_is():
    text = refusal_text(texts_in("en"), "CHECKOUT_INCOMPLETE", metadata={"missing": "wish"}, retry_after=None)

    assert text == "Something is missing before you can order: wish."


def test_says_nothing_about_what_no_shopper_meets():
    assert refusal_text(texts_in("de"), "STOCK_RESERVED", metadata={}, retry_after=None) is None
