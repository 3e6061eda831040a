"""The language of an order: that of the call that placed it, else the account's."""

from typing import Any

import pytest
from google.api.httpbody_pb2 import HttpBody
from kontor.orders.v1 import orders_pb2, orders_service_pb2

from server.kernel.actor import Role
from tests.buying import Bazaar, Buyer, Goods
from tests.shop import Mailbox

GERMAN = (("accept-language", "de-DE,de;q=0.9"),)
ENGLISH = (("accept-language", "en-GB"),)
# Asked for, and not spoken here.
FRENCH = (("accept-language", "fr;q=0.9, !"),)


async def buy(
    bazaar: Bazaar, buyer: Buyer, headers: tuple[tuple[str, str], ...] = (), sku: str = "shirt"
) -> orders_service_pb2.PlaceOrderResponse:
    request = await buyer.fill(sku)
    return await bazaar.client.orders.PlaceOrder(request, metadata=(*buyer.metadata, *headers))


async def invoice(bazaar: Bazaar, buyer: Buyer, order_id: str) -> bytes:
    request = orders_service_pb2.GetInvoiceRequest(order_id=order_id)
    body: HttpBody = await bazaar.client.orders.GetInvoice(request, metadata=buyer.metadata)
    return body.data


async def ship(bazaar: Bazaar, order: orders_pb2.Order) -> None:
    admin = await bazaar.sign_in(Role.ADMIN)
    packing = orders_service_pb2.CreateFulfillmentRequest(order_id=order.id)
    parcel = await bazaar.client.orders.CreateFulfillment(packing, metadata=admin)
    shipping = orders_service_pb2.ShipFulfillmentRequest(
        order_id=order.id, fulfillment_id=parcel.id, carrier="DHL", tracking_number="00340434"
    )
    await bazaar.client.orders.ShipFulfillment(shipping, metadata=admin)
    await bazaar.work()


async def languages(bazaar: Bazaar) -> list[Any]:
    return await bazaar.run(
        "SELECT o.language, i.document->>'language' FROM orders o JOIN invoices i ON order_id = o.id"
    )


async def user_who_reads(bazaar: Bazaar, language: str) -> Buyer:
    buyer = await bazaar.user()
    await bazaar.run("UPDATE users SET language = %s", language)
    return buyer


async def test_mails_and_invoice_of_an_order_speak_it(bazaar: Bazaar, mailbox: Mailbox) -> None:
    guest = bazaar.guest()
    placed = await buy(bazaar, guest, GERMAN)
    await bazaar.pay(placed)
    await ship(bazaar, placed.order)

    assert await languages(bazaar) == [("de", "de")]
    number = placed.order.number
    assert [mail.subject for mail in mailbox.mails] == [
        f"Ihre Bestellung {number} ist bestätigt",
        f"Ihre Bestellung {number} ist unterwegs",
    ]
    assert "20,00\xa0€" in mailbox.mails[0].text
    assert b"/Lang(de)" in await invoice(bazaar, guest, placed.order.id)


@pytest.mark.parametrize(
    ("headers", "account", "language"),
    [
        (GERMAN, "en", "de"),
        (ENGLISH, "de", "en"),
        ((), "de", "de"),
        (FRENCH, "de", "de"),
        ((), "", ""),
        (FRENCH, "", ""),
    ],
)
async def test_the_call_counts_more_than_the_account(
    bazaar: Bazaar, headers: tuple[tuple[str, str], ...], account: str, language: str
) -> None:
    customer = await user_who_reads(bazaar, account)

    await bazaar.pay(await buy(bazaar, customer, headers))

    assert await languages(bazaar) == [(language, language or "en")]


async def test_an_order_that_costs_nothing_has_it_on_its_invoice_at_once(bazaar: Bazaar) -> None:
    await bazaar.stock_up(Goods("gift", "0.00", requires_shipping=False))
    customer = await user_who_reads(bazaar, "de")

    placed = await buy(bazaar, customer, sku="gift")

    assert not placed.HasField("payment")
    assert await languages(bazaar) == [("de", "de")]


async def test_a_guest_who_asks_for_none_gets_the_shops(bazaar: Bazaar, mailbox: Mailbox) -> None:
    placed = await buy(bazaar, bazaar.guest())
    await bazaar.pay(placed)

    assert await languages(bazaar) == [("", "en")]
    assert mailbox.mails[0].subject == f"Your order {placed.order.number} is confirmed"


async def test_an_issued_invoice_does_not_change_with_the_order(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    placed = await buy(bazaar, guest, GERMAN)
    await bazaar.pay(placed)

    await bazaar.run("UPDATE orders SET language = 'en'")

    assert b"/Lang(de)" in await invoice(bazaar, guest, placed.order.id)


async def test_an_invoice_of_before_there_was_a_choice_is_english(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    placed = await buy(bazaar, guest, GERMAN)
    await bazaar.pay(placed)

    await bazaar.run("UPDATE invoices SET document = document - 'language'")

    assert b"/Lang(en)" in await invoice(bazaar, guest, placed.order.id)


async def test_the_same_call_from_elsewhere_is_the_same_order(bazaar: Bazaar) -> None:
    """The language is no part of what was asked."""
    guest = bazaar.guest()
    request = await guest.fill("shirt")
    place = bazaar.client.orders.PlaceOrder

    first = await place(request, metadata=(*guest.metadata, *GERMAN))
    again = await place(request, metadata=(*guest.metadata, *ENGLISH))

    assert again == first
    assert await bazaar.run("SELECT language FROM orders") == [("de",)]
