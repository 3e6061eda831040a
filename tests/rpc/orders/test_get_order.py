"""OrderService.GetOrder."""

import grpc
import pytest
from kontor.orders.v1 import orders_pb2
from psycopg.errors import RestrictViolation

from server.kernel.ids import PRODUCT
from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")


async def test_an_administrator_sees_every_order(shop: Shop) -> None:
    order = (await shop.guest().buy("shirt")).order
    admin = await shop.admin()

    assert await admin.order(order.id) == order


async def test_names_the_field_of_a_wrong_id(shop: Shop) -> None:
    product_id = PRODUCT.write(PRODUCT.new())

    refused = await refusal(shop.guest().order(product_id))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["order_id"])


async def test_an_order_outlives_what_was_sold(shop: Shop) -> None:
    guest = shop.guest()
    order = (await guest.buy("shirt")).order
    await shop.run("UPDATE products SET status = 'ARCHIVED', title = 'Gone'")
    await shop.run("DELETE FROM cart_items")
    await shop.run("DELETE FROM variant_prices")

    assert await guest.order(order.id) == order


async def test_the_ledger_of_stock_outlives_everything(shop: Shop) -> None:
    await shop.guest().buy("shirt")
    await shop.run("DELETE FROM cart_items")

    with pytest.raises(RestrictViolation):
        await shop.run("DELETE FROM products WHERE slug = 'shirt'")
    with pytest.raises(RestrictViolation):
        await shop.run("DELETE FROM stock_items")

    assert await shop.stock("shirt") == (10, 1)


async def test_an_order_of_others_does_not_exist(others_order: orders_pb2.Order, stranger: Person) -> None:
    assert (await refusal(stranger.order(others_order.id))).code == grpc.StatusCode.NOT_FOUND
