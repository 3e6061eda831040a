"""CartService.RemoveItem."""

import grpc
import pytest

from server.kernel.ids import CART_ITEM
from tests.rpc.cart.carts import lines, order, stored
from tests.world.goods import Product
from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_removes_an_item(guest: Person, customer: Person, shirt: Product) -> None:
    for buyer in (guest, customer):
        await buyer.add(shirt)
        small, medium = (await buyer.add(shirt.variants[1])).items

        assert lines(await buyer.remove(small.id)) == {shirt.variants[1].name: 1}
        last = await buyer.remove(medium.id)

        assert (list(last.items), last.totals.total.amount_minor) == ([], 0)
        assert "items" in last.missing
        again = await refusal(buyer.remove(medium.id))
        assert again.code is grpc.StatusCode.NOT_FOUND


async def test_does_not_know_items_of_others(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    [item] = (await customer.add(shirt)).items
    await guest.add(shirt)
    before = await stored(shop)
    unknown = CART_ITEM.write(CART_ITEM.new())

    for buyer in (guest, shop.guest()):
        for item_id in (item.id, unknown):
            refused = await refusal(buyer.remove(item_id))
            assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert await stored(shop) == before


async def test_refuses_a_closed_cart(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    [item] = (await guest.add(shirt)).items
    [own] = (await customer.add(shirt)).items
    await order(shop)
    before = await stored(shop)

    refused = await refusal(guest.remove(item.id))
    gone = await refusal(customer.remove(own.id))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CART_CLOSED")
    # A user has no token of it: what was ordered is not there any more.
    assert gone.code is grpc.StatusCode.NOT_FOUND
    assert await stored(shop) == before


@pytest.mark.parametrize("item_id", ["x", ""])
async def test_names_the_wrong_field(guest: Person, shirt: Product, item_id: str) -> None:
    await guest.add(shirt)

    refused = await refusal(guest.remove(item_id))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["item_id"])
