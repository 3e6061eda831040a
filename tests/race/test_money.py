"""News of money, parcels and deadlines that come at the same time."""

import asyncio
from datetime import timedelta

import pytest
from kontor.orders.v1 import orders_pb2, orders_service_pb2
from kontor.payments.v1 import payments_service_pb2

from server.features.payments.values import Provider
from server.kernel.actor import Role
from server.kernel.ids import OrderId, Prefix, parse_id
from tests.buying import Bazaar, Buyer
from tests.race.outcomes import outcome, race
from tests.shop import Mailbox, Refusal

Placed = orders_service_pb2.PlaceOrderResponse


async def place(bazaar: Bazaar, *skus: str) -> tuple[Buyer, Placed]:
    guest = bazaar.guest()
    return guest, await guest.place(await guest.fill(*skus))


async def apply(bazaar: Bazaar, event_id: str) -> None:
    """Do what the job of an event does, without waiting for the others."""
    stripe = bazaar.app.payments.webhooks[Provider.STRIPE]
    await stripe.apply(event_id)


async def test_one_event_ten_times_at_once_is_one(bazaar: Bazaar, mailbox: Mailbox) -> None:
    guest, placed = await place(bazaar, "shirt")
    reference = placed.payment.provider_reference
    bazaar.stripe.pay(reference)

    await asyncio.gather(*[bazaar.announce(reference, "evt_same") for _ in range(10)])
    stored = await bazaar.run("SELECT count(*) FROM provider_events")
    queued = await bazaar.run("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'payments.apply_event'")
    await asyncio.gather(*[apply(bazaar, "evt_same") for _ in range(10)])
    await bazaar.work()

    assert (stored, queued) == ([(1,)], [(1,)])
    await assert_paid_once(bazaar, guest, placed, mailbox)


async def test_many_events_of_one_payment_at_once_pay_once(bazaar: Bazaar, mailbox: Mailbox) -> None:
    guest, placed = await place(bazaar, "shirt")
    reference = placed.payment.provider_reference
    bazaar.stripe.pay(reference)
    names = [f"evt_{number}" for number in range(10)]
    await asyncio.gather(*[bazaar.announce(reference, name) for name in names])
    confirm = payments_service_pb2.ConfirmPaymentRequest(payment_id=placed.payment.id)

    await asyncio.gather(
        *[apply(bazaar, name) for name in names],
        *[bazaar.client.payments.ConfirmPayment(confirm, metadata=guest.metadata) for _ in range(5)],
    )
    await bazaar.work()

    await assert_paid_once(bazaar, guest, placed, mailbox)


async def assert_paid_once(bazaar: Bazaar, guest: Buyer, placed: Placed, mailbox: Mailbox) -> None:
    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.CONFIRMED, orders_pb2.PaymentSummary.PAID)
    captures = await bazaar.run("SELECT kind, status, amount_minor FROM payment_transactions")
    assert captures == [("CAPTURE", "SUCCEEDED", placed.payment.amount.amount_minor)]
    assert await bazaar.run("SELECT count(*) FROM invoices") == [(1,)]
    assert len(await guest.timeline(order.id)) == 4
    assert [mail.subject for mail in mailbox.mails] == [f"Your order {order.number} is confirmed"]
    await bazaar.check_ledger()


@pytest.mark.parametrize("repetition", range(6))
async def test_paying_races_with_expiring(bazaar: Bazaar, repetition: int) -> None:
    guest, placed = await place(bazaar, "poster")
    reference = placed.payment.provider_reference
    bazaar.clock.advance(timedelta(minutes=31))
    order_id = OrderId(parse_id(Prefix.ORDER, placed.order.id, field="order_id"))

    async def pay() -> None:
        bazaar.stripe.pay(reference)
        await bazaar.announce(reference, "evt_paid")
        await apply(bazaar, "evt_paid")

    first, second = pay(), bazaar.app.orders.expiry.expire_if_unpaid(order_id)
    await asyncio.gather(*((first, second) if repetition % 2 else (second, first)))
    await bazaar.work()

    # Nobody else wants the poster, so the money buys it, whoever came first.
    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.CONFIRMED, orders_pb2.PaymentSummary.PAID)
    assert await bazaar.stock("poster") == (1, 1)
    await bazaar.check_ledger()


async def test_sweepers_of_two_workers_expire_an_order_once(bazaar: Bazaar) -> None:
    guest, placed = await place(bazaar, "poster")
    bazaar.clock.advance(timedelta(minutes=31))

    expired = await asyncio.gather(*[bazaar.app.orders.expiry.sweep() for _ in range(5)])

    assert sum(expired) == 1
    states = [entry.to_state for entry in await guest.timeline(placed.order.id)]
    assert states == ["PENDING", "EXPIRED"]
    assert await bazaar.stock("poster") == (1, 0)
    await bazaar.check_ledger()


async def test_late_money_and_the_next_buyer_never_share_the_last_unit(bazaar: Bazaar) -> None:
    quick = bazaar.guest()
    request = await quick.fill("poster")
    late, placed = await place(bazaar, "poster")
    bazaar.clock.advance(timedelta(minutes=31))
    reference = placed.payment.provider_reference
    bazaar.stripe.pay(reference)
    await bazaar.announce(reference, "evt_late")

    _, bought = await asyncio.gather(apply(bazaar, "evt_late"), outcome(quick.place(request)))
    await bazaar.work()

    order = await late.order(placed.order.id)
    if isinstance(bought, Refusal):
        assert bought.reason == "OUT_OF_STOCK"
        assert (order.status, order.payment.status) == (orders_pb2.Order.CONFIRMED, orders_pb2.PaymentSummary.PAID)
    else:
        assert order.payment.status == orders_pb2.PaymentSummary.REFUNDED
        assert bazaar.stripe.count("POST /v1/refunds") == 1
    assert await bazaar.stock("poster") == (1, 1)
    await bazaar.check_ledger()


async def test_a_parcel_shipped_twice_at_once_leaves_once(bazaar: Bazaar, mailbox: Mailbox) -> None:
    guest, placed = await place(bazaar, "shirt", "mug")
    await bazaar.pay(placed)
    admin = await bazaar.sign_in(Role.ADMIN)
    pack = orders_service_pb2.CreateFulfillmentRequest(order_id=placed.order.id)
    parcel = await bazaar.client.orders.CreateFulfillment(pack, metadata=admin)
    ship = orders_service_pb2.ShipFulfillmentRequest(
        order_id=placed.order.id, fulfillment_id=parcel.id, carrier="DHL", tracking_number="JJD0001"
    )

    shipped, refused = await race(bazaar.client.orders.ShipFulfillment(ship, metadata=admin) for _ in range(6))
    await bazaar.work()

    assert [order.status for order in shipped] == [orders_pb2.Order.COMPLETED]
    assert [one.reason for one in refused] == ["INVALID_TRANSITION"] * 5
    assert await bazaar.stock("shirt") == (9, 0)
    assert await bazaar.stock("mug") == (9, 0)
    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.COMPLETED
    assert sum("on its way" in mail.subject for mail in mailbox.mails) == 1
    await bazaar.check_ledger()


async def test_everything_left_is_packed_once(bazaar: Bazaar) -> None:
    _, placed = await place(bazaar, "shirt", "mug")
    await bazaar.pay(placed)
    admin = await bazaar.sign_in(Role.ADMIN)
    pack = orders_service_pb2.CreateFulfillmentRequest(order_id=placed.order.id)

    packed, refused = await race(bazaar.client.orders.CreateFulfillment(pack, metadata=admin) for _ in range(6))

    assert [len(parcel.lines) for parcel in packed] == [2]
    assert [one.reason for one in refused] == ["NOTHING_TO_FULFILL"] * 5
    assert await bazaar.run("SELECT count(*), sum(quantity) FROM fulfillment_lines") == [(2, 2)]
