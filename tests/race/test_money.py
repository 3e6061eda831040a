"""News of money, parcels and deadlines that come at the same time."""

import asyncio
from datetime import timedelta

import pytest
from kontor.orders.v1 import orders_pb2, orders_service_pb2

from server.features.payments.values import Provider
from server.kernel.ids import ORDER
from tests.world.people import Person
from tests.world.refusals import Refusal, outcome, race
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")

Placed = orders_service_pb2.PlaceOrderResponse


async def apply(shop: Shop, event_id: str) -> None:
    """Do what the job of an event does, without waiting for the others."""
    stripe = shop.app.payments.webhooks[Provider.STRIPE]
    await stripe.apply(event_id)


async def test_one_event_ten_times_at_once_is_one(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("shirt")
    reference = placed.payment.provider_reference
    shop.stripe.pay(reference)

    await asyncio.gather(*[shop.announce(reference, "evt_same") for _ in range(10)])
    stored = await shop.count("provider_events")
    queued = await shop.run("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'payments.apply_event'")
    await asyncio.gather(*[apply(shop, "evt_same") for _ in range(10)])
    await shop.work()

    assert (stored, queued) == (1, [(1,)])
    await assert_paid_once(shop, guest, placed)


async def test_many_events_of_one_payment_at_once_pay_once(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("shirt")
    reference = placed.payment.provider_reference
    shop.stripe.pay(reference)
    names = [f"evt_{number}" for number in range(10)]
    await asyncio.gather(*[shop.announce(reference, name) for name in names])

    await asyncio.gather(
        *[apply(shop, name) for name in names],
        *[guest.confirm(placed.payment.id) for _ in range(5)],
    )
    await shop.work()

    await assert_paid_once(shop, guest, placed)


async def assert_paid_once(shop: Shop, guest: Person, placed: Placed) -> None:
    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.CONFIRMED, orders_pb2.PaymentSummary.PAID)
    captures = await shop.run("SELECT kind, status, amount_minor FROM payment_transactions")
    assert captures == [("CAPTURE", "SUCCEEDED", placed.payment.amount.amount_minor)]
    assert await shop.count("invoices") == 1
    assert len(await guest.timeline(order.id)) == 4
    assert [mail.subject for mail in shop.mailbox.mails] == [f"Your order {order.number} is confirmed"]
    await shop.check_ledger()


@pytest.mark.parametrize("repetition", range(6))
async def test_paying_races_with_expiring(shop: Shop, repetition: int) -> None:
    guest = shop.guest()
    placed = await guest.buy("poster")
    reference = placed.payment.provider_reference
    shop.clock.advance(timedelta(minutes=31))
    order_id = ORDER.read(placed.order.id, "order_id")

    async def pay() -> None:
        shop.stripe.pay(reference)
        await shop.announce(reference, "evt_paid")
        await apply(shop, "evt_paid")

    first, second = pay(), shop.app.orders.expiry.expire_if_unpaid(order_id)
    await asyncio.gather(*((first, second) if repetition % 2 else (second, first)))
    await shop.work()

    # Nobody else wants the poster, so the money buys it, whoever came first.
    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.CONFIRMED, orders_pb2.PaymentSummary.PAID)
    assert await shop.stock("poster") == (1, 1)
    await shop.check_ledger()


async def test_sweepers_of_two_workers_expire_an_order_once(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("poster")
    shop.clock.advance(timedelta(minutes=31))

    expired = await asyncio.gather(*[shop.app.orders.expiry.sweep() for _ in range(5)])

    assert sum(expired) == 1
    states = [entry.to_state for entry in await guest.timeline(placed.order.id)]
    assert states == ["PENDING", "EXPIRED"]
    assert await shop.stock("poster") == (1, 0)
    await shop.check_ledger()


async def test_late_money_and_the_next_buyer_never_share_the_last_unit(shop: Shop) -> None:
    quick = shop.guest()
    request = await quick.fill("poster")
    late = shop.guest()
    placed = await late.buy("poster")
    shop.clock.advance(timedelta(minutes=31))
    reference = placed.payment.provider_reference
    shop.stripe.pay(reference)
    await shop.announce(reference, "evt_late")

    _, bought = await asyncio.gather(apply(shop, "evt_late"), outcome(quick.place(request)))
    await shop.work()

    order = await late.order(placed.order.id)
    if isinstance(bought, Refusal):
        assert bought.reason == "OUT_OF_STOCK"
        assert (order.status, order.payment.status) == (orders_pb2.Order.CONFIRMED, orders_pb2.PaymentSummary.PAID)
    else:
        assert order.payment.status == orders_pb2.PaymentSummary.REFUNDED
        assert shop.stripe.count("POST /v1/refunds") == 1
    assert await shop.stock("poster") == (1, 1)
    await shop.check_ledger()


async def test_a_parcel_shipped_twice_at_once_leaves_once(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("shirt", "mug")
    await shop.pay(placed)
    admin = await shop.admin()
    parcel = await admin.pack(placed.order.id)

    shipped, refused = await race(admin.ship(placed.order.id, parcel.id) for _ in range(6))
    await shop.work()

    assert [order.status for order in shipped] == [orders_pb2.Order.COMPLETED]
    assert [one.reason for one in refused] == ["INVALID_TRANSITION"] * 5
    assert await shop.stock("shirt") == (9, 0)
    assert await shop.stock("mug") == (9, 0)
    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.COMPLETED
    assert sum("on its way" in mail.subject for mail in shop.mailbox.mails) == 1
    await shop.check_ledger()


async def test_everything_left_is_packed_once(shop: Shop) -> None:
    placed = await shop.guest().buy("shirt", "mug")
    await shop.pay(placed)
    admin = await shop.admin()

    packed, refused = await race(admin.pack(placed.order.id) for _ in range(6))

    assert [len(parcel.lines) for parcel in packed] == [2]
    assert [one.reason for one in refused] == ["NOTHING_TO_FULFILL"] * 5
    assert await shop.run("SELECT count(*), sum(quantity) FROM fulfillment_lines") == [(2, 2)]
