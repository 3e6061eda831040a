"""CartService.ListShippingMethods."""

import grpc

from tests.rpc.cart.carts import order, stored
from tests.world.goods import Product
from tests.world.people import Person
from tests.world.pricing import make_shipping_method
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_lists_what_goes_there(shop: Shop, guest: Person, shirt: Product) -> None:
    await make_shipping_method(shop.db, "express", prices={"EUR": 990}, position=2)
    standard = await make_shipping_method(shop.db, "standard", free_from=2000, position=1)
    await make_shipping_method(shop.db, "swiss", countries=["CH"])
    german = await make_shipping_method(shop.db, "bike", countries=["AT", "DE"], position=3)
    await make_shipping_method(shop.db, "dollar", prices={"USD": 100})
    await make_shipping_method(shop.db, "gone", active=False)
    await guest.add(shirt)
    await guest.set_addresses()

    methods = await guest.list_shipping_methods()

    assert [method.name for method in methods] == ["Standard", "Express", "Bike"]
    assert (methods[0].id, methods[2].id) == (standard.name, german.name)
    assert [method.amount.amount_minor for method in methods] == [490, 990, 490]
    assert methods[0].description == "Sent standard"
    await guest.add(shirt)
    assert (await guest.list_shipping_methods())[0].amount.amount_minor == 0


async def test_needs_an_address_first(shop: Shop, guest: Person, shirt: Product) -> None:
    await make_shipping_method(shop.db)
    await guest.add(shirt)
    before = await stored(shop)

    refused = await refusal(guest.list_shipping_methods())

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CHECKOUT_INCOMPLETE")
    assert refused.metadata == {"missing": "shipping_address"}
    assert await stored(shop) == before


async def test_needs_an_open_cart(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    for buyer in (guest, customer):
        refused = await refusal(buyer.list_shipping_methods())
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    await guest.add(shirt)
    await order(shop)

    refused = await refusal(guest.list_shipping_methods())

    assert refused.reason == "NOT_FOUND"
