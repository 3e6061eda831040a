"""Orders that nobody pays, or not yet."""

from datetime import timedelta

import pytest
from kontor.orders.v1 import orders_pb2, orders_service_pb2

from server.features.orders import expiry_service
from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")

_OVERDUE = timedelta(minutes=31)


async def place(shop: Shop, sku: str = "poster") -> tuple[Person, orders_service_pb2.PlaceOrderResponse]:
    guest = shop.guest()
    return guest, await guest.buy(sku)


async def sweep(shop: Shop) -> int:
    return await shop.app.orders.expiry.sweep()


async def deadlines(shop: Shop) -> list[tuple[bool, ...]]:
    """Tell of every order whether its deadline is that of its hold, and lies ahead."""
    rows = await shop.run(
        "SELECT r.expires_time = o.expires_time, o.expires_time > %s FROM orders o"
        " JOIN reservations r ON r.order_id = o.id",
        shop.clock.now(),
    )
    return list(rows)


async def test_an_unpaid_order_expires_and_gives_its_stock_back(shop: Shop) -> None:
    guest, placed = await place(shop)
    shop.clock.advance(_OVERDUE)

    assert await sweep(shop) == 1
    assert await sweep(shop) == 0
    await shop.work()

    order = await guest.order(placed.order.id)
    assert order.status == orders_pb2.Order.EXPIRED
    assert await shop.stock("poster") == (1, 0)
    assert shop.stripe.intents[placed.payment.provider_reference]["status"] == "canceled"
    await shop.check_ledger()


async def test_an_order_within_its_time_does_not_expire(shop: Shop) -> None:
    await place(shop)
    shop.clock.advance(timedelta(minutes=29))

    assert await sweep(shop) == 0
    assert await shop.stock("poster") == (1, 1)


async def test_an_order_that_turns_out_paid_does_not_expire(shop: Shop) -> None:
    guest, placed = await place(shop)
    shop.stripe.pay(placed.payment.provider_reference)
    shop.clock.advance(_OVERDUE)

    assert await sweep(shop) == 0

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.CONFIRMED


async def test_an_order_whose_payment_is_refused_expires(shop: Shop) -> None:
    guest = shop.guest()
    request = await guest.fill("poster")
    shop.stripe.fail_next("POST /v1/payment_intents", "refuse", times=2)
    refused = await refusal(guest.place(request))
    shop.clock.advance(_OVERDUE)

    assert await sweep(shop) == 1
    await shop.work()

    assert (await guest.order(refused.metadata["order_id"])).status == orders_pb2.Order.EXPIRED
    assert await shop.stock("poster") == (1, 0)
    assert await shop.run("SELECT status FROM payments") == [("CANCELED",)]
    await shop.check_ledger()


async def test_an_order_whose_payment_stripe_has_forgotten_expires(shop: Shop) -> None:
    guest, placed = await place(shop)
    shop.stripe.fail_next("GET /v1/payment_intents", "refuse")
    shop.clock.advance(_OVERDUE)

    assert await sweep(shop) == 1

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.EXPIRED


async def test_an_order_is_not_ended_without_the_word_of_the_provider(shop: Shop) -> None:
    guest, placed = await place(shop)
    shop.clock.advance(_OVERDUE)
    shop.stripe.fail_next("GET /v1/payment_intents", "error", times=10)

    assert await sweep(shop) == 0

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.PENDING
    # It is asked again later, and has its stock until then.
    assert await deadlines(shop) == [(True, True)]


async def test_orders_that_have_to_wait_let_others_pass(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry_service, "_BATCH", 1)
    waiting, waits = await place(shop)
    shop.clock.advance(timedelta(seconds=1))
    other, placed = await place(shop, "mug")
    shop.clock.advance(_OVERDUE)
    shop.stripe.fail_next(f"GET /v1/payment_intents/{waits.payment.provider_reference}", "error", times=10)

    assert [await sweep(shop), await sweep(shop)] == [0, 1]

    assert (await waiting.order(waits.order.id)).status == orders_pb2.Order.PENDING
    assert (await other.order(placed.order.id)).status == orders_pb2.Order.EXPIRED


async def test_a_payment_on_its_way_keeps_its_order_and_its_stock(shop: Shop) -> None:
    late = shop.guest()
    request = await late.fill("poster")
    guest, placed = await place(shop)
    shop.stripe.move(placed.payment.provider_reference, "processing")
    shop.clock.advance(_OVERDUE)

    assert await sweep(shop) == 0

    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.PENDING, orders_pb2.PaymentSummary.PENDING)
    assert order.expire_time.ToDatetime() - order.place_time.ToDatetime() == timedelta(minutes=61)
    assert await deadlines(shop) == [(True, True)]
    assert (await refusal(late.place(request))).reason == "OUT_OF_STOCK"


async def test_a_payment_on_its_way_does_not_keep_its_order_for_ever(shop: Shop) -> None:
    guest, placed = await place(shop)
    shop.stripe.move(placed.payment.provider_reference, "processing")
    shop.clock.advance(timedelta(days=7))

    assert await sweep(shop) == 1

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.EXPIRED


async def test_a_buyer_who_left_at_the_banks_page_keeps_nothing(shop: Shop) -> None:
    guest, placed = await place(shop)
    shop.stripe.move(placed.payment.provider_reference, "requires_action")
    shop.clock.advance(_OVERDUE)

    assert await sweep(shop) == 1
    await shop.work()

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.EXPIRED
    assert await shop.stock("poster") == (1, 0)
    assert shop.stripe.intents[placed.payment.provider_reference]["status"] == "canceled"


async def test_an_order_whose_stock_is_gone_waits_for_its_money_and_gives_it_back(shop: Shop) -> None:
    quick = shop.guest()
    request = await quick.fill("poster")
    guest, placed = await place(shop)
    shop.stripe.move(placed.payment.provider_reference, "processing")
    shop.clock.advance(_OVERDUE)
    await quick.place(request)

    assert await sweep(shop) == 0
    waiting = await guest.order(placed.order.id)
    await shop.pay(placed)

    assert waiting.status == orders_pb2.Order.PENDING
    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.EXPIRED, orders_pb2.PaymentSummary.REFUNDED)
    assert await shop.stock("poster") == (1, 1)
    await shop.check_ledger()


async def test_an_order_whose_stock_came_back_holds_it_again(shop: Shop) -> None:
    other = shop.guest()
    request = await other.fill("poster")
    guest, placed = await place(shop)
    shop.stripe.move(placed.payment.provider_reference, "processing")
    shop.clock.advance(_OVERDUE)
    bought = await other.place(request)
    shop.clock.advance(_OVERDUE)

    assert await sweep(shop) == 1

    assert (await other.order(bought.order.id)).status == orders_pb2.Order.EXPIRED
    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.PENDING
    held = await shop.run(
        "SELECT o.number FROM orders o JOIN reservations r ON r.order_id = o.id"
        " WHERE r.status = 'HELD' AND r.expires_time = o.expires_time"
    )
    assert held == [(placed.order.number,)]
    assert await shop.stock("poster") == (1, 1)
    await shop.check_ledger()
