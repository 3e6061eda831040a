"""Many buyers at once, through the real RPC."""

import asyncio
from collections import Counter
from uuid import uuid4

import grpc
from kontor.cart.v1 import cart_service_pb2
from kontor.inventory.v1 import inventory_service_pb2
from kontor.orders.v1 import orders_service_pb2

from server.kernel.actor import Role
from tests.buying import Bazaar, Buyer, Goods, request_of
from tests.race.outcomes import outcome, race
from tests.shop import Refusal

Request = orders_service_pb2.PlaceOrderRequest


async def buyers_of(bazaar: Bazaar, count: int, *skus: str) -> list[tuple[Buyer, Request]]:
    """Make guests who are about to place an order."""

    async def ready() -> tuple[Buyer, Request]:
        guest = bazaar.guest()
        return guest, await guest.fill(*skus)

    return list(await asyncio.gather(*[ready() for _ in range(count)]))


async def test_fifty_buyers_of_five_units_make_five_orders(bazaar: Bazaar) -> None:
    await bazaar.stock_up(Goods("lamp", quantity=5))
    buyers = await buyers_of(bazaar, 50, "lamp")

    placed, refused = await race(buyer.place(request) for buyer, request in buyers)

    assert len({one.order.id for one in placed}) == 5
    assert Counter((one.code, one.reason) for one in refused) == {
        (grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK"): 45
    }
    # Whoever is refused learns what there is: as long as a unit was left, nobody was.
    assert {tuple(one.metadata.items()) for one in refused} == {((bazaar.variants["lamp"], "0"),)}
    assert await bazaar.stock("lamp") == (5, 5)
    assert await bazaar.run("SELECT count(*) FROM orders") == [(5,)]
    assert await bazaar.run("SELECT count(*) FROM payments") == [(5,)]
    assert bazaar.made_intents == 5
    await bazaar.check_ledger()


async def test_every_unit_is_paid_for_and_shipped_once(bazaar: Bazaar) -> None:
    await bazaar.stock_up(Goods("lamp", quantity=3))
    buyers = await buyers_of(bazaar, 12, "lamp")
    placed, _ = await race(buyer.place(request) for buyer, request in buyers)

    for one in placed:
        bazaar.stripe.pay(one.payment.provider_reference)
    await asyncio.gather(*[bazaar.announce(one.payment.provider_reference) for one in placed for _ in range(3)])
    await bazaar.work()

    states = await bazaar.run("SELECT status, payment_status, count(*) FROM orders GROUP BY 1, 2")
    assert states == [("CONFIRMED", "PAID", 3)]
    numbers = await bazaar.run("SELECT number FROM invoices ORDER BY 1")
    assert [row[0][-6:] for row in numbers] == ["000001", "000002", "000003"]
    assert await bazaar.stock("lamp") == (3, 3)
    await bazaar.check_ledger()


async def test_two_products_in_opposite_order_never_deadlock(bazaar: Bazaar) -> None:
    await bazaar.stock_up(Goods("left", quantity=1000), Goods("right", quantity=1000))
    forth = await buyers_of(bazaar, 15, "left", "right")
    back = await buyers_of(bazaar, 15, "right", "left")

    placed, refused = await race(
        buyer.place(request) for pair in zip(forth, back, strict=True) for buyer, request in pair
    )

    assert refused == []
    assert len(placed) == 30
    assert await bazaar.stock("left") == await bazaar.stock("right") == (1000, 30)
    await bazaar.check_ledger()


async def test_the_short_one_of_two_products_leaves_nothing_of_the_other(bazaar: Bazaar) -> None:
    await bazaar.stock_up(Goods("rare", quantity=4), Goods("common", quantity=1000))
    buyers = [*await buyers_of(bazaar, 10, "rare", "common"), *await buyers_of(bazaar, 10, "common", "rare")]

    placed, refused = await race(buyer.place(request) for buyer, request in buyers)

    assert (len(placed), len(refused)) == (4, 16)
    assert await bazaar.stock("rare") == (4, 4)
    assert await bazaar.stock("common") == (1000, 4)
    await bazaar.check_ledger()


async def test_twins_with_different_keys_place_a_cart_once(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    request = await guest.fill("shirt", "mug")
    total, provider = request.expected_total, request.payment_provider
    twins = [Request(expected_total=total, payment_provider=provider, request_id=str(uuid4())) for _ in range(10)]

    placed, refused = await race(guest.place(twin) for twin in twins)

    assert len(placed) == 1
    assert Counter(one.reason for one in refused) == {"CART_CLOSED": 9}
    assert await bazaar.run("SELECT count(*) FROM orders") == [(1,)]
    assert await bazaar.stock("shirt") == (10, 1)
    assert bazaar.made_intents == 1
    await bazaar.check_ledger()


async def test_a_users_twins_with_different_keys_place_a_cart_once(bazaar: Bazaar) -> None:
    """A user's next cart is another one: the twins find none."""
    user = await bazaar.user()
    cart_request = await user.fill("shirt")
    cart = await bazaar.client.cart.GetCart(cart_service_pb2.GetCartRequest(), metadata=user.metadata)
    twins = [request_of(cart) for _ in range(8)]

    placed, refused = await race(user.place(twin) for twin in [cart_request, *twins])

    assert len(placed) == 1
    assert Counter(one.reason for one in refused) == {"CART_EMPTY": 8}
    assert await bazaar.stock("shirt") == (10, 1)


async def test_items_added_while_an_order_is_placed_are_in_it_or_refused(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    request = await guest.fill("shirt")

    placing, (added, closed) = await asyncio.gather(
        outcome(guest.place(request)), race(guest.add("mug") for _ in range(4))
    )

    if isinstance(placing, Refusal):
        # The total was another one by then, and the buyer has not seen it.
        assert placing.reason == "PRICE_CHANGED"
        assert await bazaar.run("SELECT count(*) FROM orders") == [(0,)]
    else:
        assert (added, {one.reason for one in closed}) == ([], {"CART_CLOSED"})
        assert [line.sku for line in placing.order.lines] == ["shirt"]


async def test_stock_is_adjusted_while_it_is_sold(bazaar: Bazaar) -> None:
    await bazaar.stock_up(Goods("lamp", quantity=10))
    buyers = await buyers_of(bazaar, 20, "lamp")
    admin = await bazaar.sign_in(Role.ADMIN)

    broken = inventory_service_pb2.AdjustStockRequest(
        variant_id=bazaar.variants["lamp"], delta_count=-2, reason="broken"
    )

    (placed, refused), (adjusted, kept) = await asyncio.gather(
        race(buyer.place(request) for buyer, request in buyers),
        race(bazaar.client.inventory.AdjustStock(broken, metadata=admin) for _ in range(6)),
    )

    taken = len(adjusted)
    assert {one.reason for one in refused} <= {"OUT_OF_STOCK"}
    assert {one.reason for one in kept} <= {"STOCK_RESERVED"}
    assert await bazaar.stock("lamp") == (10 - 2 * taken, len(placed))
    # Nobody was refused for nothing: what is left is less than what anybody wanted.
    assert 10 - 2 * taken - len(placed) < 2
    await bazaar.check_ledger()
