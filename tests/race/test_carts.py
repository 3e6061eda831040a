"""One cart, changed by many calls at once."""

import asyncio

import pytest

from tests.world.refusals import Refusal, outcome, race
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")


CARTS = "SELECT status, count(*) FROM carts GROUP BY 1 ORDER BY 1"


async def test_the_first_items_of_a_user_meet_in_one_cart(shop: Shop) -> None:
    """There is no cart yet: each of the calls would make one."""
    await shop.shelve("Lamp", stock=1000)
    user = await shop.customer()

    await asyncio.gather(*[user.add("lamp", 2) for _ in range(20)])

    cart = await user.cart()
    assert [(item.sku, item.quantity) for item in cart.items] == [("lamp", 40)]
    assert await shop.run(CARTS) == [("OPEN", 1)]


async def test_a_cart_never_promises_more_than_there_is(shop: Shop) -> None:
    user = await shop.customer()

    added, refused = await race(user.add("shirt", 3) for _ in range(10))

    assert len(added) == 3
    assert [one.reason for one in refused] == ["OUT_OF_STOCK"] * 7
    assert [item.quantity for item in (await user.cart()).items] == [9]


async def test_the_same_guest_cart_merges_once(shop: Shop) -> None:
    user, guest = await shop.customer(), shop.guest()
    await user.add("shirt", 1)
    await guest.add("shirt", 2)
    await guest.add("mug", 1)

    await asyncio.gather(*[user.merge(guest.cart_token) for _ in range(10)])

    assert [(item.sku, item.quantity) for item in (await user.cart()).items] == [("shirt", 3), ("mug", 1)]


async def test_many_guest_carts_merge_into_one(shop: Shop) -> None:
    await shop.shelve("Lamp", stock=1000)
    user, guests = await shop.customer(), [shop.guest() for _ in range(8)]
    for guest in guests:
        await guest.add("lamp", 2)
        await guest.add("mug")

    await asyncio.gather(*[user.merge(guest.cart_token) for guest in guests], user.add("lamp", 1))

    items = {item.sku: item.quantity for item in (await user.cart()).items}
    assert items == {"lamp": 17, "mug": 8}


async def test_a_cart_is_merged_or_placed_and_never_both(shop: Shop) -> None:
    user, guest = await shop.customer(), shop.guest()
    request = await guest.fill("shirt")

    placed, _ = await asyncio.gather(outcome(guest.place(request)), user.merge(guest.cart_token))

    in_cart = sum(item.quantity for item in (await user.cart()).items)
    [(ordered,)] = await shop.run("SELECT coalesce(sum(quantity), 0) FROM order_lines")
    assert in_cart + ordered == 1
    assert isinstance(placed, Refusal) == (ordered == 0)
    await shop.check_ledger()
