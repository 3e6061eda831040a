"""OrderService.ListOrders."""

import grpc
import pytest
from kontor.orders.v1.orders_service_pb2 import ListOrdersRequest

from server.db.statement import count_statements
from tests.world.paging import edited_page_tokens, pages
from tests.world.refusals import refusal
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")


async def test_lists_the_newest_first_in_pages(shop: Shop) -> None:
    customer, other = await shop.customer(), await shop.customer()
    placed = [(await customer.buy(sku)).order for sku in ("shirt", "mug", "pattern")]
    await other.buy("shirt")

    found = await pages(customer, ListOrdersRequest(page_size=2))

    assert [list(page.orders) for page in found] == [[placed[2], placed[1]], [placed[0]]]


async def test_a_page_token_is_good_for_its_own_list_only(shop: Shop) -> None:
    customer, other = await shop.customer(), await shop.customer()
    for sku in ("shirt", "mug"):
        await customer.buy(sku)
    page = await customer.list_orders(page_size=1)

    refused = await refusal(other.list_orders(page_token=page.next_page_token))

    assert list(refused.fields) == ["page_token"]


async def test_an_edited_page_token_is_refused(shop: Shop) -> None:
    customer = await shop.customer()
    for sku in ("shirt", "mug"):
        await customer.buy(sku)
    page = await customer.list_orders(page_size=1)

    for token in edited_page_tokens(page.next_page_token):
        refused = await refusal(customer.list_orders(page_token=token))
        assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_token"])


async def test_a_list_takes_three_statements_however_long(shop: Shop) -> None:
    customer = await shop.customer()
    for sku in ("shirt", "mug", "pattern"):
        await customer.buy(sku)

    with count_statements() as statements:
        await customer.list_orders()

    assert len(statements) == 3
