"""Orders that nobody pays, or not yet."""

from datetime import timedelta

import pytest
from kontor.orders.v1 import orders_pb2, orders_service_pb2

from server.features.orders import expiry_service
from tests.buying import Bazaar, Buyer
from tests.shop import refusal

_OVERDUE = timedelta(minutes=31)


async def place(bazaar: Bazaar, sku: str = "poster") -> tuple[Buyer, orders_service_pb2.PlaceOrderResponse]:
    guest = bazaar.guest()
    return guest, await guest.place(await guest.fill(sku))


async def sweep(bazaar: Bazaar) -> int:
    return await bazaar.app.orders.expiry.sweep()


async def deadlines(bazaar: Bazaar) -> list[tuple[bool, ...]]:
    """Tell of every order whether its deadline is that of its hold, and lies ahead."""
    rows = await bazaar.run(
        "SELECT r.expires_time = o.expires_time, o.expires_time > %s FROM orders o"
        " JOIN reservations r ON r.order_id = o.id",
        bazaar.clock.now(),
    )
    return list(rows)


async def test_an_unpaid_order_expires_and_gives_its_stock_back(bazaar: Bazaar) -> None:
    guest, placed = await place(bazaar)
    bazaar.clock.advance(_OVERDUE)

    assert await sweep(bazaar) == 1
    assert await sweep(bazaar) == 0
    await bazaar.work()

    order = await guest.order(placed.order.id)
    assert order.status == orders_pb2.Order.EXPIRED
    assert await bazaar.stock("poster") == (1, 0)
    assert bazaar.stripe.intents[placed.payment.provider_reference]["status"] == "canceled"
    await bazaar.check_ledger()


async def test_an_order_within_its_time_does_not_expire(bazaar: Bazaar) -> None:
    await place(bazaar)
    bazaar.clock.advance(timedelta(minutes=29))

    assert await sweep(bazaar) == 0
    assert await bazaar.stock("poster") == (1, 1)


async def test_an_order_that_turns_out_paid_does_not_expire(bazaar: Bazaar) -> None:
    guest, placed = await place(bazaar)
    bazaar.stripe.pay(placed.payment.provider_reference)
    bazaar.clock.advance(_OVERDUE)

    assert await sweep(bazaar) == 0

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.CONFIRMED


async def test_an_order_whose_payment_is_refused_expires(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    request = await guest.fill("poster")
    bazaar.stripe.fail_next("POST /v1/payment_intents", "refuse", times=2)
    refused = await refusal(guest.place(request))
    bazaar.clock.advance(_OVERDUE)

    assert await sweep(bazaar) == 1
    await bazaar.work()

    assert (await guest.order(refused.metadata["order_id"])).status == orders_pb2.Order.EXPIRED
    assert await bazaar.stock("poster") == (1, 0)
    assert await bazaar.run("SELECT status FROM payments") == [("CANCELED",)]
    await bazaar.check_ledger()


async def test_an_order_whose_payment_stripe_has_forgotten_expires(bazaar: Bazaar) -> None:
    guest, placed = await place(bazaar)
    bazaar.stripe.fail_next("GET /v1/payment_intents", "refuse")
    bazaar.clock.advance(_OVERDUE)

    assert await sweep(bazaar) == 1

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.EXPIRED


async def test_an_order_is_not_ended_without_the_word_of_the_provider(bazaar: Bazaar) -> None:
    guest, placed = await place(bazaar)
    bazaar.clock.advance(_OVERDUE)
    bazaar.stripe.fail_next("GET /v1/payment_intents", "error", times=10)

    assert await sweep(bazaar) == 0

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.PENDING
    # It is asked again later, and has its stock until then.
    assert await deadlines(bazaar) == [(True, True)]


async def test_orders_that_have_to_wait_let_others_pass(bazaar: Bazaar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry_service, "_BATCH", 1)
    waiting, waits = await place(bazaar)
    bazaar.clock.advance(timedelta(seconds=1))
    other, placed = await place(bazaar, "mug")
    bazaar.clock.advance(_OVERDUE)
    bazaar.stripe.fail_next(f"GET /v1/payment_intents/{waits.payment.provider_reference}", "error", times=10)

    assert [await sweep(bazaar), await sweep(bazaar)] == [0, 1]

    assert (await waiting.order(waits.order.id)).status == orders_pb2.Order.PENDING
    assert (await other.order(placed.order.id)).status == orders_pb2.Order.EXPIRED


async def test_a_payment_on_its_way_keeps_its_order_and_its_stock(bazaar: Bazaar) -> None:
    late = bazaar.guest()
    request = await late.fill("poster")
    guest, placed = await place(bazaar)
    bazaar.stripe.move(placed.payment.provider_reference, "processing")
    bazaar.clock.advance(_OVERDUE)

    assert await sweep(bazaar) == 0

    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.PENDING, orders_pb2.PaymentSummary.PENDING)
    assert order.expire_time.ToDatetime() - order.place_time.ToDatetime() == timedelta(minutes=61)
    assert await deadlines(bazaar) == [(True, True)]
    assert (await refusal(late.place(request))).reason == "OUT_OF_STOCK"


async def test_a_payment_on_its_way_does_not_keep_its_order_for_ever(bazaar: Bazaar) -> None:
    guest, placed = await place(bazaar)
    bazaar.stripe.move(placed.payment.provider_reference, "processing")
    bazaar.clock.advance(timedelta(days=7))

    assert await sweep(bazaar) == 1

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.EXPIRED


async def test_a_buyer_who_left_at_the_banks_page_keeps_nothing(bazaar: Bazaar) -> None:
    guest, placed = await place(bazaar)
    bazaar.stripe.move(placed.payment.provider_reference, "requires_action")
    bazaar.clock.advance(_OVERDUE)

    assert await sweep(bazaar) == 1
    await bazaar.work()

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.EXPIRED
    assert await bazaar.stock("poster") == (1, 0)
    assert bazaar.stripe.intents[placed.payment.provider_reference]["status"] == "canceled"


async def test_an_order_whose_stock_is_gone_waits_for_its_money_and_gives_it_back(bazaar: Bazaar) -> None:
    quick = bazaar.guest()
    request = await quick.fill("poster")
    guest, placed = await place(bazaar)
    bazaar.stripe.move(placed.payment.provider_reference, "processing")
    bazaar.clock.advance(_OVERDUE)
    await quick.place(request)

    assert await sweep(bazaar) == 0
    waiting = await guest.order(placed.order.id)
    await bazaar.pay(placed)

    assert waiting.status == orders_pb2.Order.PENDING
    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.EXPIRED, orders_pb2.PaymentSummary.REFUNDED)
    assert await bazaar.stock("poster") == (1, 1)
    await bazaar.check_ledger()


async def test_an_order_whose_stock_came_back_holds_it_again(bazaar: Bazaar) -> None:
    other = bazaar.guest()
    request = await other.fill("poster")
    guest, placed = await place(bazaar)
    bazaar.stripe.move(placed.payment.provider_reference, "processing")
    bazaar.clock.advance(_OVERDUE)
    bought = await other.place(request)
    bazaar.clock.advance(_OVERDUE)

    assert await sweep(bazaar) == 1

    assert (await other.order(bought.order.id)).status == orders_pb2.Order.EXPIRED
    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.PENDING
    held = await bazaar.run(
        "SELECT o.number FROM orders o JOIN reservations r ON r.order_id = o.id"
        " WHERE r.status = 'HELD' AND r.expires_time = o.expires_time"
    )
    assert held == [(placed.order.number,)]
    assert await bazaar.stock("poster") == (1, 1)
    await bazaar.check_ledger()
