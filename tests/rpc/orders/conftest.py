"""An order, and those whom it is none of the business of."""

import pytest
from kontor.orders.v1 import orders_pb2

from tests.world.people import Person
from tests.world.shop import Shop


@pytest.fixture
async def others_order(shop: Shop, goods: None) -> orders_pb2.Order:
    """Return the order of a customer."""
    return (await (await shop.customer()).buy("shirt")).order


@pytest.fixture(params=["anonymous", "guest", "customer", "vendor", "holder of the cart's token"])
async def stranger(request: pytest.FixtureRequest, shop: Shop, others_order: orders_pb2.Order) -> Person:
    """Return somebody who may not see that order."""
    match request.param:
        case "customer":
            return await shop.customer()
        case "vendor":
            return await shop.vendor()
        case "holder of the cart's token":
            [(cart_id,)] = await shop.run("SELECT cart_id FROM orders")
            return shop.guest(cart_id)
    guest = shop.guest()
    if request.param == "guest":
        await guest.add("mug")
    return guest
