"""One cart, changed by many calls at once."""

import asyncio

from kontor.cart.v1 import cart_pb2, cart_service_pb2

from tests.buying import Bazaar, Buyer, Goods
from tests.race.outcomes import outcome, race
from tests.shop import Refusal

CARTS = "SELECT status, count(*) FROM carts GROUP BY 1 ORDER BY 1"


async def cart_of(buyer: Buyer) -> cart_pb2.Cart:
    return await buyer.shop.client.cart.GetCart(cart_service_pb2.GetCartRequest(), metadata=buyer.metadata)


def merge(bazaar: Bazaar, user: Buyer, guest: Buyer) -> asyncio.Future[cart_pb2.Cart]:
    request = cart_service_pb2.MergeCartRequest(cart_token=guest.metadata[0][1])
    return asyncio.ensure_future(bazaar.client.cart.MergeCart(request, metadata=user.metadata))


async def test_the_first_items_of_a_user_meet_in_one_cart(bazaar: Bazaar) -> None:
    """There is no cart yet: each of the calls would make one."""
    await bazaar.stock_up(Goods("lamp", quantity=1000))
    user = await bazaar.user()

    await asyncio.gather(*[user.add("lamp", 2) for _ in range(20)])

    cart = await cart_of(user)
    assert [(item.sku, item.quantity) for item in cart.items] == [("lamp", 40)]
    assert await bazaar.run(CARTS) == [("OPEN", 1)]


async def test_a_cart_never_promises_more_than_there_is(bazaar: Bazaar) -> None:
    user = await bazaar.user()

    added, refused = await race(user.add("shirt", 3) for _ in range(10))

    assert len(added) == 3
    assert [one.reason for one in refused] == ["OUT_OF_STOCK"] * 7
    assert [item.quantity for item in (await cart_of(user)).items] == [9]


async def test_the_same_guest_cart_merges_once(bazaar: Bazaar) -> None:
    user, guest = await bazaar.user(), bazaar.guest()
    await user.add("shirt", 1)
    await guest.add("shirt", 2)
    await guest.add("mug", 1)

    await asyncio.gather(*[merge(bazaar, user, guest) for _ in range(10)])

    assert [(item.sku, item.quantity) for item in (await cart_of(user)).items] == [("shirt", 3), ("mug", 1)]


async def test_many_guest_carts_merge_into_one(bazaar: Bazaar) -> None:
    await bazaar.stock_up(Goods("lamp", quantity=1000))
    user, guests = await bazaar.user(), [bazaar.guest() for _ in range(8)]
    for guest in guests:
        await guest.add("lamp", 2)
        await guest.add("mug")

    await asyncio.gather(*[merge(bazaar, user, guest) for guest in guests], user.add("lamp", 1))

    items = {item.sku: item.quantity for item in (await cart_of(user)).items}
    assert items == {"lamp": 17, "mug": 8}


async def test_a_cart_is_merged_or_placed_and_never_both(bazaar: Bazaar) -> None:
    user, guest = await bazaar.user(), bazaar.guest()
    request = await guest.fill("shirt")

    placed, _ = await asyncio.gather(outcome(guest.place(request)), merge(bazaar, user, guest))

    in_cart = sum(item.quantity for item in (await cart_of(user)).items)
    [(ordered,)] = await bazaar.run("SELECT coalesce(sum(quantity), 0) FROM order_lines")
    assert in_cart + ordered == 1
    assert isinstance(placed, Refusal) == (ordered == 0)
    await bazaar.check_ledger()
