"""CartService.SetEmail."""

import grpc

from tests.rpc.cart.carts import order
from tests.world.goods import Product
from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_takes_an_email(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    for buyer in (guest, customer):
        await buyer.add(shirt)

        cart = await buyer.set_email("gifts@shop.example")

        assert cart.email == "gifts@shop.example"
        assert "email" not in cart.missing
        assert (await buyer.cart()).email == "gifts@shop.example"


async def test_needs_an_open_cart(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    for buyer in (guest, customer):
        refused = await refusal(buyer.set_email("a@b.example"))
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    await guest.add(shirt)
    await order(shop)

    refused = await refusal(guest.set_email("a@b.example"))

    assert refused.reason == "CART_CLOSED"


async def test_names_the_wrong_field(guest: Person, shirt: Product) -> None:
    await guest.add(shirt)

    refused = await refusal(guest.set_email("nobody"))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["email"])
