"""Every mail in every language."""

import re
from collections.abc import Callable, Mapping

import pytest

from server.features.orders.mails.letters import confirmation_mail, shipped_mail
from server.features.users.letters import known_address_mail, verification_mail
from server.features.users.values import Verification
from server.mail.message import Mail
from server.texts.languages import LANGUAGES
from tests.unit.texts.orders import an_order

SHOP, URL = "Tea & Sons", "https://shop.example"


def verification(language: str, shop_language: str = "en") -> Mail:
    asked = Verification("ada@example.com", language, "ABCDE-12345")
    return verification_mail(asked, shop_name=SHOP, shop_language=shop_language, public_url=URL)


def known_address(language: str, shop_language: str = "en", name: str = "Ada Byron") -> Mail:
    return known_address_mail(
        "ada@example.com", name, language=language, shop_name=SHOP, shop_language=shop_language, public_url=URL
    )


def nameless(language: str, shop_language: str = "en") -> Mail:
    return known_address(language, shop_language, name="")


def confirmation(language: str, shop_language: str = "en") -> Mail:
    return confirmation_mail(an_order(language=language), shop_name=SHOP, shop_language=shop_language)


def shipped(language: str, shop_language: str = "en") -> Mail:
    order = an_order(language=language)
    return shipped_mail(order, tracking="DHL 00340434", shop_name=SHOP, shop_language=shop_language)


MAILS: Mapping[Callable[..., Mail], list[str]] = {
    verification: ["ABCDE-12345", f"{URL}/verify-email?token=ABCDE-12345", SHOP],
    known_address: ["Ada Byron", URL, SHOP],
    nameless: [URL, SHOP],
    confirmation: ["F56M-KSMZ", "2 × Harbour Roast (250 g)", "Rosenstraße 12", "2031-000001", "City tax", "DHL", SHOP],
    shipped: ["F56M-KSMZ", "DHL 00340434", SHOP],
}
_every_mail = pytest.mark.parametrize("write", MAILS)


@_every_mail
@pytest.mark.parametrize("language", LANGUAGES)
def test_says_everything_in_the_language(write, language):
    mail = write(language)

    assert mail.html is not None
    assert mail.html.startswith(f'<!doctype html>\n<html lang="{language}">')
    assert [fact for fact in MAILS[write] if fact not in mail.text] == []
    assert "{" not in mail.subject + mail.text


@_every_mail
def test_no_text_of_one_language_stands_in_another(write):
    english, german = write("en"), write("de")

    assert english.subject != german.subject
    # Facts are the same in both, and so is the signature.
    same = set(english.text.split("\n\n")) & set(german.text.split("\n\n"))
    assert {paragraph.strip() for paragraph in same} <= {"ABCDE-12345", SHOP}


@_every_mail
def test_is_in_the_shops_language_unless_the_customers_is_known(write):
    assert write("", "de") == write("de")
    assert write("", "en") == write("en")
    assert write("en", "de") == write("en")
    # A language that the shop does not speak any more.
    assert write("xx", "de") == write("de")


def test_writes_money_as_the_language_does():
    english, german = (re.sub(" +", " ", confirmation(language).text) for language in ("en", "de"))

    assert "\nDiscount -€10.00\n" in english
    assert "\nTotal €1,231.01\nincludes VAT 19% €196.29\n" in english
    assert "\nRabatt -10,00\xa0€\n" in german
    assert "\nGesamtbetrag 1.231,01\xa0€\ninkl. VAT 19% 196,29\xa0€\n" in german
