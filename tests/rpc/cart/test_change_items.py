"""CartService.UpdateItem and RemoveItem."""

import grpc
import pytest

from server.kernel.ids import Prefix, format_id, new_id
from tests.factories import MadeProduct
from tests.rpc.cart.conftest import Buyer, lines, stored
from tests.shop import refusal


async def test_sets_a_quantity(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    for buyer in (guest, user):
        [item] = (await buyer.add(shirt, 2)).items

        cart = await buyer.update(item.id, 10)

        assert lines(cart) == {shirt.variant.name: 10}
        assert cart.totals.total.amount_minor == 11_900
        assert lines(await buyer.update(item.id, 1)) == {shirt.variant.name: 1}


async def test_refuses_more_than_is_left(guest: Buyer, shirt: MadeProduct) -> None:
    [item] = (await guest.add(shirt, 2, at=1)).items
    before = await stored(guest.db)

    refused = await refusal(guest.update(item.id, 4))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK")
    assert refused.metadata == {shirt.variants[1].name: "3"}
    assert await stored(guest.db) == before


async def test_removes_an_item(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    for buyer in (guest, user):
        await buyer.add(shirt)
        small, medium = (await buyer.add(shirt, at=1)).items

        assert lines(await buyer.remove(small.id)) == {shirt.variants[1].name: 1}
        last = await buyer.remove(medium.id)

        assert (list(last.items), last.totals.total.amount_minor) == ([], 0)
        assert "items" in last.missing
        again = await refusal(buyer.remove(medium.id))
        assert again.code is grpc.StatusCode.NOT_FOUND


async def test_does_not_know_items_of_others(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    [item] = (await user.add(shirt)).items
    await guest.add(shirt)
    before = await stored(guest.db)
    unknown = format_id(Prefix.CART_ITEM, new_id())

    for buyer in (guest, Buyer(guest.client, guest.app)):
        for item_id in (item.id, unknown):
            for call in (buyer.update(item_id, 2), buyer.remove(item_id)):
                refused = await refusal(call)
                assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert await stored(guest.db) == before


async def test_refuses_a_closed_cart(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    [item] = (await guest.add(shirt)).items
    [own] = (await user.add(shirt)).items
    await guest.close()
    before = await stored(guest.db)

    for call in (guest.update(item.id, 2), guest.remove(item.id)):
        refused = await refusal(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CART_CLOSED")
    # A user has no token of it: what was ordered is not there any more.
    for call in (user.update(own.id, 2), user.remove(own.id)):
        assert (await refusal(call)).code is grpc.StatusCode.NOT_FOUND
    assert await stored(guest.db) == before


@pytest.mark.parametrize(
    ("item_id", "quantity", "field"), [("x", 1, "item_id"), ("", 1, "item_id"), (None, 0, "quantity")]
)
async def test_names_the_wrong_field(
    guest: Buyer, shirt: MadeProduct, item_id: str | None, quantity: int, field: str
) -> None:
    [item] = (await guest.add(shirt)).items

    refused = await refusal(guest.update(item.id if item_id is None else item_id, quantity))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
