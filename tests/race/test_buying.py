"""Many buyers at once, through the real RPC."""

import asyncio
from collections import Counter

import grpc
import pytest
from kontor.orders.v1 import orders_service_pb2

from tests.world.people import Person, placing
from tests.world.refusals import Refusal, outcome, race
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")

Request = orders_service_pb2.PlaceOrderRequest


async def buyers_of(shop: Shop, count: int, *skus: str) -> list[tuple[Person, Request]]:
    """Make guests who are about to place an order."""

    async def ready() -> tuple[Person, Request]:
        guest = shop.guest()
        return guest, await guest.fill(*skus)

    return list(await asyncio.gather(*[ready() for _ in range(count)]))


async def test_fifty_buyers_of_five_units_make_five_orders(shop: Shop) -> None:
    await shop.shelve("Lamp", stock=5)
    buyers = await buyers_of(shop, 50, "lamp")

    placed, refused = await race(buyer.place(request) for buyer, request in buyers)

    assert len({one.order.id for one in placed}) == 5
    assert Counter((one.code, one.reason) for one in refused) == {
        (grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK"): 45
    }
    # Whoever is refused learns what there is: as long as a unit was left, nobody was.
    assert {tuple(one.metadata.items()) for one in refused} == {((shop.variants["lamp"], "0"),)}
    assert await shop.stock("lamp") == (5, 5)
    assert await shop.count("orders") == 5
    assert await shop.count("payments") == 5
    assert shop.made_intents == 5
    await shop.check_ledger()


async def test_every_unit_is_paid_for_and_shipped_once(shop: Shop) -> None:
    await shop.shelve("Lamp", stock=3)
    buyers = await buyers_of(shop, 12, "lamp")
    placed, _ = await race(buyer.place(request) for buyer, request in buyers)

    for one in placed:
        shop.stripe.pay(one.payment.provider_reference)
    await asyncio.gather(*[shop.announce(one.payment.provider_reference) for one in placed for _ in range(3)])
    await shop.work()

    states = await shop.run("SELECT status, payment_status, count(*) FROM orders GROUP BY 1, 2")
    assert states == [("CONFIRMED", "PAID", 3)]
    numbers = await shop.run("SELECT number FROM invoices ORDER BY 1")
    assert [row[0][-6:] for row in numbers] == ["000001", "000002", "000003"]
    assert await shop.stock("lamp") == (3, 3)
    await shop.check_ledger()


async def test_two_products_in_opposite_order_never_deadlock(shop: Shop) -> None:
    await shop.shelve("Left", stock=1000)
    await shop.shelve("Right", stock=1000)
    forth = await buyers_of(shop, 15, "left", "right")
    back = await buyers_of(shop, 15, "right", "left")

    placed, refused = await race(
        buyer.place(request) for pair in zip(forth, back, strict=True) for buyer, request in pair
    )

    assert refused == []
    assert len(placed) == 30
    assert await shop.stock("left") == await shop.stock("right") == (1000, 30)
    await shop.check_ledger()


async def test_the_short_one_of_two_products_leaves_nothing_of_the_other(shop: Shop) -> None:
    await shop.shelve("Rare", stock=4)
    await shop.shelve("Common", stock=1000)
    buyers = [*await buyers_of(shop, 10, "rare", "common"), *await buyers_of(shop, 10, "common", "rare")]

    placed, refused = await race(buyer.place(request) for buyer, request in buyers)

    assert (len(placed), len(refused)) == (4, 16)
    assert await shop.stock("rare") == (4, 4)
    assert await shop.stock("common") == (1000, 4)
    await shop.check_ledger()


async def test_twins_with_different_keys_place_a_cart_once(shop: Shop) -> None:
    guest = shop.guest()
    await guest.fill("shirt", "mug")
    twins = [placing(await guest.cart()) for _ in range(10)]

    placed, refused = await race(guest.place(twin) for twin in twins)

    assert len(placed) == 1
    assert Counter(one.reason for one in refused) == {"CART_CLOSED": 9}
    assert await shop.count("orders") == 1
    assert await shop.stock("shirt") == (10, 1)
    assert shop.made_intents == 1
    await shop.check_ledger()


async def test_a_users_twins_with_different_keys_place_a_cart_once(shop: Shop) -> None:
    """A user's next cart is another one: the twins find none."""
    user = await shop.customer()
    await user.fill("shirt")
    twins = [placing(await user.cart()) for _ in range(9)]

    placed, refused = await race(user.place(twin) for twin in twins)

    assert len(placed) == 1
    assert Counter(one.reason for one in refused) == {"CART_EMPTY": 8}
    assert await shop.stock("shirt") == (10, 1)


async def test_items_added_while_an_order_is_placed_are_in_it_or_refused(shop: Shop) -> None:
    guest = shop.guest()
    request = await guest.fill("shirt")

    placing, (added, closed) = await asyncio.gather(
        outcome(guest.place(request)), race(guest.add("mug") for _ in range(4))
    )

    if isinstance(placing, Refusal):
        # The total was another one by then, and the buyer has not seen it.
        assert placing.reason == "PRICE_CHANGED"
        assert await shop.count("orders") == 0
    else:
        assert (added, {one.reason for one in closed}) == ([], {"CART_CLOSED"})
        assert [line.sku for line in placing.order.lines] == ["shirt"]


async def test_stock_is_adjusted_while_it_is_sold(shop: Shop) -> None:
    await shop.shelve("Lamp", stock=10)
    buyers = await buyers_of(shop, 20, "lamp")
    admin = await shop.admin()

    (placed, refused), (adjusted, kept) = await asyncio.gather(
        race(buyer.place(request) for buyer, request in buyers),
        race(admin.adjust("lamp", -2) for _ in range(6)),
    )

    taken = len(adjusted)
    assert {one.reason for one in refused} <= {"OUT_OF_STOCK"}
    assert {one.reason for one in kept} <= {"STOCK_RESERVED"}
    assert await shop.stock("lamp") == (10 - 2 * taken, len(placed))
    # Nobody was refused for nothing: what is left is less than what anybody wanted.
    assert 10 - 2 * taken - len(placed) < 2
    await shop.check_ledger()
