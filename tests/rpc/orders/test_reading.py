"""GetOrder, ListOrders, ListTimeline and GetInvoice."""

from collections.abc import Awaitable

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from kontor.cart.v1 import cart_service_pb2
from kontor.orders.v1 import orders_pb2, orders_service_pb2
from psycopg.errors import RestrictViolation

from server.db.statement import count_statements
from server.kernel.actor import Role
from server.kernel.ids import Prefix, format_id, new_id
from tests.buying import Bazaar, Buyer, request_of
from tests.factories import guest_headers
from tests.page_tokens import edited_page_tokens
from tests.shop import refusal


async def one_order(buyer: Buyer, sku: str = "shirt") -> orders_pb2.Order:
    return (await buyer.place(await buyer.fill(sku))).order


def invoice(buyer: Buyer, order_id: str) -> Awaitable[HttpBody]:
    request = orders_service_pb2.GetInvoiceRequest(order_id=order_id)
    return buyer.shop.client.orders.GetInvoice(request, metadata=buyer.metadata)


@pytest.mark.parametrize("stranger", ["anonymous", "guest", "customer", "vendor"])
async def test_an_order_of_others_does_not_exist(bazaar: Bazaar, stranger: str) -> None:
    order = await one_order(await bazaar.user())
    guest = bazaar.guest()
    await guest.add("mug")
    viewer = {
        "anonymous": bazaar.guest(),
        "guest": guest,
        "customer": await bazaar.user(),
        "vendor": await bazaar.user(Role.VENDOR),
    }[stranger]

    for call in (viewer.order(order.id), viewer.timeline(order.id), invoice(viewer, order.id)):
        assert (await refusal(call)).code == grpc.StatusCode.NOT_FOUND


async def test_the_token_of_a_users_cart_does_not_show_its_order(bazaar: Bazaar) -> None:
    order = await one_order(await bazaar.user())
    [(cart_id,)] = await bazaar.run("SELECT cart_id FROM orders")
    holder = Buyer(bazaar, guest_headers(bazaar.app, cart_id))

    for call in (holder.order(order.id), holder.timeline(order.id), invoice(holder, order.id)):
        assert (await refusal(call)).code == grpc.StatusCode.NOT_FOUND


async def test_an_administrator_sees_every_order(bazaar: Bazaar) -> None:
    order = await one_order(bazaar.guest())
    admin = await bazaar.user(Role.ADMIN)

    assert await admin.order(order.id) == order


async def test_names_the_field_of_a_wrong_id(bazaar: Bazaar) -> None:
    product_id = format_id(Prefix.PRODUCT, new_id())

    refused = await refusal(bazaar.guest().order(product_id))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["order_id"])


async def test_lists_the_newest_first_in_pages(bazaar: Bazaar) -> None:
    customer, other = await bazaar.user(), await bazaar.user()
    placed = [await one_order(customer, sku) for sku in ("shirt", "mug", "pattern")]
    await one_order(other)

    pages = []
    token = ""
    while True:
        request = orders_service_pb2.ListOrdersRequest(page_size=2, page_token=token)
        page = await bazaar.client.orders.ListOrders(request, metadata=customer.metadata)
        pages.append(list(page.orders))
        token = page.next_page_token
        if not token:
            break

    assert pages == [[placed[2], placed[1]], [placed[0]]]


async def test_a_page_token_is_good_for_its_own_list_only(bazaar: Bazaar) -> None:
    customer, other = await bazaar.user(), await bazaar.user()
    for sku in ("shirt", "mug"):
        await one_order(customer, sku)
    first = orders_service_pb2.ListOrdersRequest(page_size=1)
    page = await bazaar.client.orders.ListOrders(first, metadata=customer.metadata)

    stolen = orders_service_pb2.ListOrdersRequest(page_token=page.next_page_token)
    refused = await refusal(bazaar.client.orders.ListOrders(stolen, metadata=other.metadata))

    assert list(refused.fields) == ["page_token"]


async def test_an_edited_page_token_is_refused(bazaar: Bazaar) -> None:
    customer = await bazaar.user()
    for sku in ("shirt", "mug"):
        await one_order(customer, sku)
    first = orders_service_pb2.ListOrdersRequest(page_size=1)
    page = await bazaar.client.orders.ListOrders(first, metadata=customer.metadata)

    for token in edited_page_tokens(page.next_page_token):
        request = orders_service_pb2.ListOrdersRequest(page_token=token)
        refused = await refusal(bazaar.client.orders.ListOrders(request, metadata=customer.metadata))
        assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_token"])


async def test_a_list_takes_three_statements_however_long(bazaar: Bazaar) -> None:
    customer = await bazaar.user()
    for sku in ("shirt", "mug", "pattern"):
        await one_order(customer, sku)

    with count_statements() as statements:
        await bazaar.client.orders.ListOrders(orders_service_pb2.ListOrdersRequest(), metadata=customer.metadata)

    assert len(statements) == 3


async def test_the_invoice_is_a_pdf(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("shirt", "mug"))
    await bazaar.pay(placed)

    body = await invoice(guest, placed.order.id)

    assert body.content_type == "application/pdf"
    assert body.data.startswith(b"%PDF-1.7")


async def test_what_needs_no_address_has_an_invoice_too(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    await guest.add("pattern")
    email = cart_service_pb2.SetEmailRequest(email="ada@customer.example")
    cart = await bazaar.client.cart.SetEmail(email, metadata=guest.metadata)
    placed = await guest.place(request_of(cart))
    await bazaar.pay(placed)

    body = await invoice(guest, placed.order.id)

    assert body.data.startswith(b"%PDF-1.7")
    order = await guest.order(placed.order.id)
    assert not order.HasField("billing_address")
    assert not order.HasField("shipping_address")
    assert await bazaar.run("SELECT billing_address IS NULL, shipping_address IS NULL FROM orders") == [(True, True)]


async def test_there_is_no_invoice_before_the_money(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    order = await one_order(guest)

    refused = await refusal(invoice(guest, order.id))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INVOICE_NOT_ISSUED")


async def test_an_order_outlives_what_was_sold(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    order = await one_order(guest)
    await bazaar.run("UPDATE products SET status = 'ARCHIVED', title = 'Gone'")
    await bazaar.run("DELETE FROM cart_items")
    await bazaar.run("DELETE FROM variant_prices")

    assert await guest.order(order.id) == order


async def test_the_ledger_of_stock_outlives_everything(bazaar: Bazaar) -> None:
    await one_order(bazaar.guest())
    await bazaar.run("DELETE FROM cart_items")

    with pytest.raises(RestrictViolation):
        await bazaar.run("DELETE FROM products WHERE slug = 'shirt'")
    with pytest.raises(RestrictViolation):
        await bazaar.run("DELETE FROM stock_items")

    assert await bazaar.stock("shirt") == (10, 1)
