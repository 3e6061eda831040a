"""OrderService.GetInvoice."""

import grpc
import pytest
from kontor.orders.v1 import orders_pb2

from tests.world.people import Person, placing
from tests.world.refusals import refusal
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")


async def test_the_invoice_is_a_pdf(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("shirt", "mug")
    await shop.pay(placed)

    body = await guest.invoice(placed.order.id)

    assert body.content_type == "application/pdf"
    assert body.data.startswith(b"%PDF-1.7")


async def test_what_needs_no_address_has_an_invoice_too(shop: Shop) -> None:
    guest = shop.guest()
    await guest.add("pattern")
    placed = await guest.place(placing(await guest.set_email()))
    await shop.pay(placed)

    body = await guest.invoice(placed.order.id)

    assert body.data.startswith(b"%PDF-1.7")
    order = await guest.order(placed.order.id)
    assert not order.HasField("billing_address")
    assert not order.HasField("shipping_address")
    assert await shop.run("SELECT billing_address IS NULL, shipping_address IS NULL FROM orders") == [(True, True)]


async def test_there_is_no_invoice_before_the_money(shop: Shop) -> None:
    guest = shop.guest()
    order = (await guest.buy("shirt")).order

    refused = await refusal(guest.invoice(order.id))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INVOICE_NOT_ISSUED")


async def test_the_invoice_of_others_does_not_exist(others_order: orders_pb2.Order, stranger: Person) -> None:
    assert (await refusal(stranger.invoice(others_order.id))).code == grpc.StatusCode.NOT_FOUND
