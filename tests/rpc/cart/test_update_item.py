"""CartService.UpdateItem."""

import grpc
import pytest

from server.kernel.ids import CART_ITEM
from tests.rpc.cart.carts import lines, order, stored
from tests.world.goods import Product
from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_sets_a_quantity(guest: Person, customer: Person, shirt: Product) -> None:
    for buyer in (guest, customer):
        [item] = (await buyer.add(shirt, 2)).items

        cart = await buyer.update(item.id, 10)

        assert lines(cart) == {shirt.variant.name: 10}
        assert cart.totals.total.amount_minor == 11_900
        assert lines(await buyer.update(item.id, 1)) == {shirt.variant.name: 1}


async def test_refuses_more_than_is_left(shop: Shop, guest: Person, shirt: Product) -> None:
    [item] = (await guest.add(shirt.variants[1], 2)).items
    before = await stored(shop)

    refused = await refusal(guest.update(item.id, 4))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK")
    assert refused.metadata == {shirt.variants[1].name: "3"}
    assert await stored(shop) == before


async def test_does_not_know_items_of_others(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    [item] = (await customer.add(shirt)).items
    await guest.add(shirt)
    before = await stored(shop)
    unknown = CART_ITEM.write(CART_ITEM.new())

    for buyer in (guest, shop.guest()):
        for item_id in (item.id, unknown):
            refused = await refusal(buyer.update(item_id, 2))
            assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert await stored(shop) == before


async def test_refuses_a_closed_cart(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    [item] = (await guest.add(shirt)).items
    [own] = (await customer.add(shirt)).items
    await order(shop)
    before = await stored(shop)

    refused = await refusal(guest.update(item.id, 2))
    gone = await refusal(customer.update(own.id, 2))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CART_CLOSED")
    # A user has no token of it: what was ordered is not there any more.
    assert gone.code is grpc.StatusCode.NOT_FOUND
    assert await stored(shop) == before


@pytest.mark.parametrize(
    ("item_id", "quantity", "field"), [("x", 1, "item_id"), ("", 1, "item_id"), (None, 0, "quantity")]
)
async def test_names_the_wrong_field(
    guest: Person, shirt: Product, item_id: str | None, quantity: int, field: str
) -> None:
    [item] = (await guest.add(shirt)).items

    refused = await refusal(guest.update(item.id if item_id is None else item_id, quantity))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
