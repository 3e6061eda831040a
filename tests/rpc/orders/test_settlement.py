"""What money does to an order."""

import asyncio
from datetime import timedelta

import pytest
from kontor.orders.v1 import orders_pb2
from kontor.payments.v1 import payments_pb2

from server.db.statement import count_statements
from server.features.orders.errors import OrderNotFound
from server.features.orders.invoicing.values import Seller
from server.features.orders.settlement_service import OrderSettlement
from server.kernel.ids import ORDER, OrderId, new_id
from tests.world.people import MANUAL
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")


async def test_a_paid_order_is_confirmed_with_stock_committed_and_an_invoice(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("shirt")

    await shop.pay(placed)

    order = await guest.order(placed.order.id)
    assert order.status == orders_pb2.Order.CONFIRMED
    assert order.display_status == orders_pb2.DisplayStatus.CONFIRMED
    assert order.payment.status == orders_pb2.PaymentSummary.PAID
    assert order.invoice_number == f"{shop.clock.now().year}-000001"
    assert await shop.run("SELECT status FROM reservations") == [("COMMITTED",)]
    timeline = await guest.timeline(order.id)
    assert [(entry.kind, entry.from_state, entry.to_state, entry.actor) for entry in timeline] == [
        (orders_pb2.TimelineEntry.PLACED, "", "PENDING", orders_pb2.TimelineEntry.GUEST),
        (orders_pb2.TimelineEntry.PAYMENT_CHANGED, "UNPAID", "PAID", orders_pb2.TimelineEntry.SHOP),
        (orders_pb2.TimelineEntry.STATUS_CHANGED, "PENDING", "CONFIRMED", orders_pb2.TimelineEntry.SHOP),
        (orders_pb2.TimelineEntry.INVOICE_ISSUED, "", "", orders_pb2.TimelineEntry.SHOP),
    ]
    [mail] = shop.mailbox.mails
    assert mail.to == "ada@customer.example"
    assert mail.subject == f"Your order {order.number} is confirmed"
    assert "1 × Shirt" in mail.text
    assert "€24.90" in mail.text


async def test_every_order_gets_its_mail_once_also_when_one_is_not_taken(shop: Shop) -> None:
    placed = [await guest.buy("shirt") for guest in (shop.guest() for _ in range(4))]
    for one in placed:
        shop.stripe.pay(one.payment.provider_reference)
        await shop.announce(one.payment.provider_reference)
    shop.mailbox.refuse_after = 1
    shop.mailbox.failures = 1

    await shop.work()

    assert sorted(mail.subject for mail in shop.mailbox.mails) == sorted(
        f"Your order {one.order.number} is confirmed" for one in placed
    )
    jobs = await shop.run(
        "SELECT task_name, status::text, count(*) FROM procrastinate_jobs"
        " WHERE task_name LIKE 'orders.send%' GROUP BY 1, 2 ORDER BY 1"
    )
    # Only those that were not sent have jobs of their own.
    assert jobs == [
        ("orders.send_confirmation_mail", "succeeded", 3),
        ("orders.send_confirmation_mails", "succeeded", 1),
    ]


async def test_the_same_event_again_and_again_changes_nothing_twice(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("shirt")
    reference = placed.payment.provider_reference
    shop.stripe.pay(reference)

    for _ in range(10):
        await shop.announce(reference, "evt_same")
    await asyncio.gather(*[shop.announce(reference, "evt_same") for _ in range(10)])
    await asyncio.gather(*[shop.announce(reference) for _ in range(5)])
    await shop.work()

    assert await shop.run("SELECT kind, status, amount_minor FROM payment_transactions") == [
        ("CAPTURE", "SUCCEEDED", 2490)
    ]
    assert len(await guest.timeline(placed.order.id)) == 4
    assert len(shop.mailbox.mails) == 1
    assert await shop.run("SELECT last_number FROM invoice_counters") == [(1,)]
    await shop.check_ledger()


async def test_the_return_of_the_browser_confirms_too(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("shirt")
    shop.stripe.pay(placed.payment.provider_reference)

    payments = await asyncio.gather(*[guest.confirm(placed.payment.id) for _ in range(4)])

    assert {payment.status for payment in payments} == {payments_pb2.Payment.CAPTURED}
    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.CONFIRMED
    assert len(await guest.timeline(placed.order.id)) == 4


async def test_locking_an_order_is_one_statement(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("shirt")
    order_id = ORDER.read(placed.order.id, "order_id")
    settlement = OrderSettlement(clock=shop.clock, seller=Seller("Kontor", (), "", "en"))

    async with shop.db.write() as tx:
        with count_statements() as statements:
            await settlement.lock(tx, order_id)

        assert len(statements) == 1
        with pytest.raises(OrderNotFound):
            await settlement.lock(tx, OrderId(new_id()))


async def test_money_recorded_by_hand_confirms(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("shirt", provider=MANUAL)
    admin = await shop.admin()

    await admin.record(placed.payment)

    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.CONFIRMED, orders_pb2.PaymentSummary.PAID)
    assert shop.stripe.calls == []
    assert (await guest.timeline(order.id))[1].actor == orders_pb2.TimelineEntry.STAFF


async def test_late_money_confirms_when_the_stock_is_still_there(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("poster")
    await _expire_before_stripe_hears(shop)

    await shop.pay(placed)

    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.CONFIRMED, orders_pb2.PaymentSummary.PAID)
    assert await shop.stock("poster") == (1, 1)
    await shop.check_ledger()


async def test_late_money_goes_back_when_the_stock_is_sold(shop: Shop) -> None:
    slow, quick = shop.guest(), shop.guest()
    requests = [await slow.fill("poster", "mug"), await quick.fill("poster")]
    late = await slow.place(requests[0])
    shop.clock.advance(timedelta(minutes=31))
    bought = await quick.place(requests[1])
    await shop.pay(bought)

    await shop.pay(late)

    order = await slow.order(late.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.EXPIRED, orders_pb2.PaymentSummary.REFUNDED)
    assert order.display_status == orders_pb2.DisplayStatus.REFUNDED
    [refund] = await shop.run("SELECT status, amount_minor FROM payment_transactions WHERE kind = 'REFUND'")
    assert refund == ("SUCCEEDED", late.payment.amount.amount_minor)
    assert shop.stripe.count("POST /v1/refunds") == 1
    assert (await quick.order(bought.order.id)).status == orders_pb2.Order.CONFIRMED
    assert await shop.stock("poster") == (1, 1)
    assert await shop.stock("mug") == (10, 0)
    await shop.check_ledger()


async def test_money_on_its_way_back_confirms_nothing(shop: Shop) -> None:
    slow, quick = shop.guest(), shop.guest()
    requests = [await slow.fill("poster"), await quick.fill("poster")]
    late = await slow.place(requests[0])
    shop.clock.advance(timedelta(minutes=31))
    await quick.place(requests[1])
    shop.stripe.refund_status = "pending"
    shop.stripe.pay(late.payment.provider_reference)
    await slow.confirm(late.payment.id)
    admin = await shop.admin()
    await admin.adjust("poster", 1)

    # Somebody refunds a cent in Stripe's own pages, which is news about the order's money.
    shop.stripe.refund_by_hand(late.payment.provider_reference, 1)
    await slow.confirm(late.payment.id)

    order = await slow.order(late.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.EXPIRED, orders_pb2.PaymentSummary.PAID)
    assert await shop.stock("poster") == (2, 1)
    await shop.check_ledger()


async def test_goods_without_a_parcel_that_have_not_come_in_do_not_keep_the_money_away(shop: Shop) -> None:
    await shop.shelve("Ticket", stock=0, requires_shipping=False, backorder_limit=10)
    guest = shop.guest()
    placed = await guest.buy("ticket")

    await shop.pay(placed)

    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.CONFIRMED, orders_pb2.PaymentSummary.PAID)
    assert order.invoice_number
    assert await shop.run("SELECT kind, status FROM payment_transactions") == [("CAPTURE", "SUCCEEDED")]
    assert await shop.stock("ticket") == (0, 1)
    await shop.check_ledger()


async def test_goods_without_a_parcel_are_handed_over_when_they_come_in(shop: Shop) -> None:
    await shop.shelve("Ticket", stock=0, requires_shipping=False, backorder_limit=10)
    guest = shop.guest()
    placed = await guest.buy("ticket")
    await shop.pay(placed)
    admin = await shop.admin()

    await admin.adjust("ticket", 3)
    await shop.work()

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.COMPLETED
    assert await shop.stock("ticket") == (2, 0)
    await shop.check_ledger()


async def test_free_goods_that_have_not_come_in_can_be_ordered(shop: Shop) -> None:
    await shop.shelve("Sample", price=0, stock=0, requires_shipping=False, backorder_limit=10)
    guest = shop.guest()

    placed = await guest.buy("sample")

    assert placed.order.status == orders_pb2.Order.CONFIRMED
    assert await shop.stock("sample") == (0, 1)


async def _expire_before_stripe_hears(shop: Shop) -> None:
    """Let the order expire while its intent at Stripe can still be paid: the cancellation has not run yet."""
    shop.clock.advance(timedelta(minutes=31))
    assert await shop.app.orders.expiry.sweep() == 1
    await shop.run("DELETE FROM procrastinate_jobs WHERE task_name = 'payments.cancel'")
