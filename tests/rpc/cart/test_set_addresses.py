"""CartService.SetAddresses."""

import grpc

from tests.rpc.cart.carts import order
from tests.world.goods import Product
from tests.world.people import Person, address
from tests.world.pricing import make_shipping_method
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_takes_addresses(guest: Person, customer: Person, shirt: Product) -> None:
    for buyer in (guest, customer):
        await buyer.add(shirt)

        cart = await buyer.set_addresses(billing={"recipient": "The Office"}, phone_number="+49 30 1")

        assert cart.shipping_address == address(phone_number="+49 30 1")
        assert cart.billing_address == address(recipient="The Office")
        assert "shipping_address" not in cart.missing
        assert await buyer.cart() == cart
        without = await buyer.set_addresses()
        assert not without.HasField("billing_address")


async def test_forgets_a_method_that_does_not_go_to_a_new_address(shop: Shop, guest: Person, shirt: Product) -> None:
    german = await make_shipping_method(shop.db, countries=["DE"])
    await guest.add(shirt)
    await guest.set_addresses()
    await guest.set_shipping_method(german.name)

    kept = await guest.set_addresses(locality="Potsdam")
    forgotten = await guest.set_addresses(region_code="FR")
    back = await guest.set_addresses()

    assert kept.HasField("shipping_method")
    assert not forgotten.HasField("shipping_method")
    assert "shipping_method" in forgotten.missing
    assert not back.HasField("shipping_method")


async def test_needs_an_open_cart(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    for buyer in (guest, customer):
        refused = await refusal(buyer.set_addresses())
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    await guest.add(shirt)
    await order(shop)

    refused = await refusal(guest.set_addresses())

    assert refused.reason == "CART_CLOSED"


async def test_names_the_wrong_field(guest: Person, shirt: Product) -> None:
    await guest.add(shirt)

    for call, field in (
        (guest.set_addresses(region_code="de"), "shipping_address.region_code"),
        (guest.set_addresses(recipient=""), "shipping_address.recipient"),
        (guest.set_addresses(billing={"locality": ""}), "billing_address.locality"),
    ):
        refused = await refusal(call)
        assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
