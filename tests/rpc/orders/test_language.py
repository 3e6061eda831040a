"""The language of an order: that of the call that placed it, else the account's."""

from typing import Any

import pytest

from tests.world.people import Person
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")

GERMAN = "de-DE,de;q=0.9"
ENGLISH = "en-GB"
# Asked for, and not spoken here.
FRENCH = "fr;q=0.9, !"


def guest_who_asks_for(shop: Shop, language: str) -> Person:
    guest = shop.guest()
    guest.language = language
    return guest


async def languages(shop: Shop) -> list[Any]:
    return await shop.run("SELECT o.language, i.document->>'language' FROM orders o JOIN invoices i ON order_id = o.id")


async def user_who_reads(shop: Shop, language: str) -> Person:
    customer = await shop.customer()
    await shop.run("UPDATE users SET language = %s", language)
    return customer


async def test_mails_and_invoice_of_an_order_speak_it(shop: Shop) -> None:
    guest = guest_who_asks_for(shop, GERMAN)
    placed = await guest.buy("shirt")
    await shop.pay(placed)
    admin = await shop.admin()
    parcel = await admin.pack(placed.order.id)
    await admin.ship(placed.order.id, parcel.id)
    await shop.work()

    assert await languages(shop) == [("de", "de")]
    number = placed.order.number
    assert [mail.subject for mail in shop.mailbox.mails] == [
        f"Ihre Bestellung {number} ist bestätigt",
        f"Ihre Bestellung {number} ist unterwegs",
    ]
    assert "20,00\xa0€" in shop.mailbox.mails[0].text
    assert b"/Lang(de)" in (await guest.invoice(placed.order.id)).data


@pytest.mark.parametrize(
    ("header", "account", "language"),
    [
        (GERMAN, "en", "de"),
        (ENGLISH, "de", "en"),
        ("", "de", "de"),
        (FRENCH, "de", "de"),
        ("", "", ""),
        (FRENCH, "", ""),
    ],
)
async def test_the_call_counts_more_than_the_account(shop: Shop, header: str, account: str, language: str) -> None:
    customer = await user_who_reads(shop, account)

    customer.language = header
    await shop.pay(await customer.buy("shirt"))

    assert await languages(shop) == [(language, language or "en")]


async def test_an_order_that_costs_nothing_has_it_on_its_invoice_at_once(shop: Shop) -> None:
    await shop.shelve("Gift", price=0, requires_shipping=False)
    customer = await user_who_reads(shop, "de")

    placed = await customer.buy("gift")

    assert not placed.HasField("payment")
    assert await languages(shop) == [("de", "de")]


async def test_a_guest_who_asks_for_none_gets_the_shops(shop: Shop) -> None:
    placed = await shop.guest().buy("shirt")
    await shop.pay(placed)

    assert await languages(shop) == [("", "en")]
    assert shop.mailbox.mails[0].subject == f"Your order {placed.order.number} is confirmed"


async def test_an_issued_invoice_does_not_change_with_the_order(shop: Shop) -> None:
    guest = guest_who_asks_for(shop, GERMAN)
    placed = await guest.buy("shirt")
    await shop.pay(placed)

    await shop.run("UPDATE orders SET language = 'en'")

    assert b"/Lang(de)" in (await guest.invoice(placed.order.id)).data


async def test_an_invoice_of_before_there_was_a_choice_is_english(shop: Shop) -> None:
    guest = guest_who_asks_for(shop, GERMAN)
    placed = await guest.buy("shirt")
    await shop.pay(placed)

    await shop.run("UPDATE invoices SET document = document - 'language'")

    assert b"/Lang(en)" in (await guest.invoice(placed.order.id)).data


async def test_the_same_call_from_elsewhere_is_the_same_order(shop: Shop) -> None:
    """The language is no part of what was asked."""
    guest = guest_who_asks_for(shop, GERMAN)
    request = await guest.fill("shirt")

    first = await guest.place(request)
    guest.language = ENGLISH
    again = await guest.place(request)

    assert again == first
    assert await shop.run("SELECT language FROM orders") == [("de",)]
