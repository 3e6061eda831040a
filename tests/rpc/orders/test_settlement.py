"""What money does to an order."""

import asyncio
from datetime import timedelta

import pytest
from kontor.inventory.v1 import inventory_service_pb2
from kontor.orders.v1 import orders_pb2
from kontor.payments.v1 import payments_pb2, payments_service_pb2

from server.db.statement import count_statements
from server.features.orders.errors import OrderNotFound
from server.features.orders.invoicing.service import Seller
from server.features.orders.settlement_service import OrderSettlement
from server.kernel.actor import Role
from server.kernel.ids import OrderId, Prefix, new_id, parse_id
from tests.buying import Bazaar, Goods, request_of
from tests.shop import Mailbox


async def test_a_paid_order_is_confirmed_with_stock_committed_and_an_invoice(bazaar: Bazaar, mailbox: Mailbox) -> None:
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("shirt"))

    await bazaar.pay(placed)

    order = await guest.order(placed.order.id)
    assert order.status == orders_pb2.Order.CONFIRMED
    assert order.display_status == orders_pb2.DisplayStatus.CONFIRMED
    assert order.payment.status == orders_pb2.PaymentSummary.PAID
    assert order.invoice_number == f"{bazaar.clock.now().year}-000001"
    assert await bazaar.run("SELECT status FROM reservations") == [("COMMITTED",)]
    timeline = await guest.timeline(order.id)
    assert [(entry.kind, entry.from_state, entry.to_state, entry.actor) for entry in timeline] == [
        (orders_pb2.TimelineEntry.PLACED, "", "PENDING", orders_pb2.TimelineEntry.GUEST),
        (orders_pb2.TimelineEntry.PAYMENT_CHANGED, "UNPAID", "PAID", orders_pb2.TimelineEntry.SHOP),
        (orders_pb2.TimelineEntry.STATUS_CHANGED, "PENDING", "CONFIRMED", orders_pb2.TimelineEntry.SHOP),
        (orders_pb2.TimelineEntry.INVOICE_ISSUED, "", "", orders_pb2.TimelineEntry.SHOP),
    ]
    [mail] = mailbox.mails
    assert mail.to == "ada@customer.example"
    assert mail.subject == f"Your order {order.number} is confirmed"
    assert "1 × Shirt" in mail.text
    assert "€24.90" in mail.text


async def test_every_order_gets_its_mail_once_also_when_one_is_not_taken(bazaar: Bazaar, mailbox: Mailbox) -> None:
    placed = [await guest.place(await guest.fill("shirt")) for guest in (bazaar.guest() for _ in range(4))]
    for one in placed:
        bazaar.stripe.pay(one.payment.provider_reference)
        await bazaar.announce(one.payment.provider_reference)
    mailbox.refuse_after = 1
    mailbox.failures = 1

    await bazaar.work()

    assert sorted(mail.subject for mail in mailbox.mails) == sorted(
        f"Your order {one.order.number} is confirmed" for one in placed
    )
    jobs = await bazaar.run(
        "SELECT task_name, status::text, count(*) FROM procrastinate_jobs"
        " WHERE task_name LIKE 'orders.send%%' GROUP BY 1, 2 ORDER BY 1"
    )
    # Only those that were not sent have jobs of their own.
    assert jobs == [
        ("orders.send_confirmation_mail", "succeeded", 3),
        ("orders.send_confirmation_mails", "succeeded", 1),
    ]


async def test_the_same_event_again_and_again_changes_nothing_twice(bazaar: Bazaar, mailbox: Mailbox) -> None:
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("shirt"))
    reference = placed.payment.provider_reference
    bazaar.stripe.pay(reference)

    for _ in range(10):
        await bazaar.announce(reference, "evt_same")
    await asyncio.gather(*[bazaar.announce(reference, "evt_same") for _ in range(10)])
    await asyncio.gather(*[bazaar.announce(reference) for _ in range(5)])
    await bazaar.work()

    assert await bazaar.run("SELECT kind, status, amount_minor FROM payment_transactions") == [
        ("CAPTURE", "SUCCEEDED", 2490)
    ]
    assert len(await guest.timeline(placed.order.id)) == 4
    assert len(mailbox.mails) == 1
    assert await bazaar.run("SELECT last_number FROM invoice_counters") == [(1,)]
    await bazaar.check_ledger()


async def test_the_return_of_the_browser_confirms_too(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("shirt"))
    bazaar.stripe.pay(placed.payment.provider_reference)

    request = payments_service_pb2.ConfirmPaymentRequest(payment_id=placed.payment.id)
    payments = await asyncio.gather(
        *[bazaar.client.payments.ConfirmPayment(request, metadata=guest.metadata) for _ in range(4)]
    )

    assert {payment.status for payment in payments} == {payments_pb2.Payment.CAPTURED}
    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.CONFIRMED
    assert len(await guest.timeline(placed.order.id)) == 4


async def test_locking_an_order_is_one_statement(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("shirt"))
    order_id = OrderId(parse_id(Prefix.ORDER, placed.order.id, field="order_id"))
    settlement = OrderSettlement(bazaar.clock, Seller("Kontor", (), "", "en"))

    async with bazaar.app.core.db.write() as tx:
        with count_statements() as statements:
            await settlement.lock(tx, order_id)

        assert len(statements) == 1
        with pytest.raises(OrderNotFound):
            await settlement.lock(tx, OrderId(new_id()))


async def test_money_recorded_by_hand_confirms(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    await guest.add("shirt")
    placed = await guest.place(request_of(await guest.check_out(), payments_pb2.Payment.MANUAL))
    admin = await bazaar.sign_in(Role.ADMIN)

    request = payments_service_pb2.RecordManualPaymentRequest(
        payment_id=placed.payment.id, amount=placed.payment.amount, reference="statement 7"
    )
    await bazaar.client.payments.RecordManualPayment(request, metadata=admin)

    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.CONFIRMED, orders_pb2.PaymentSummary.PAID)
    assert bazaar.stripe.calls == []
    assert (await guest.timeline(order.id))[1].actor == orders_pb2.TimelineEntry.STAFF


async def test_late_money_confirms_when_the_stock_is_still_there(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("poster"))
    await _expire_before_stripe_hears(bazaar)

    await bazaar.pay(placed)

    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.CONFIRMED, orders_pb2.PaymentSummary.PAID)
    assert await bazaar.stock("poster") == (1, 1)
    await bazaar.check_ledger()


async def test_late_money_goes_back_when_the_stock_is_sold(bazaar: Bazaar) -> None:
    slow, quick = bazaar.guest(), bazaar.guest()
    requests = [await slow.fill("poster", "mug"), await quick.fill("poster")]
    late = await slow.place(requests[0])
    bazaar.clock.advance(timedelta(minutes=31))
    bought = await quick.place(requests[1])
    await bazaar.pay(bought)

    await bazaar.pay(late)

    order = await slow.order(late.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.EXPIRED, orders_pb2.PaymentSummary.REFUNDED)
    assert order.display_status == orders_pb2.DisplayStatus.REFUNDED
    [refund] = await bazaar.run("SELECT status, amount_minor FROM payment_transactions WHERE kind = 'REFUND'")
    assert refund == ("SUCCEEDED", late.payment.amount.amount_minor)
    assert bazaar.stripe.count("POST /v1/refunds") == 1
    assert (await quick.order(bought.order.id)).status == orders_pb2.Order.CONFIRMED
    assert await bazaar.stock("poster") == (1, 1)
    assert await bazaar.stock("mug") == (10, 0)
    await bazaar.check_ledger()


async def test_money_on_its_way_back_confirms_nothing(bazaar: Bazaar) -> None:
    slow, quick = bazaar.guest(), bazaar.guest()
    requests = [await slow.fill("poster"), await quick.fill("poster")]
    late = await slow.place(requests[0])
    bazaar.clock.advance(timedelta(minutes=31))
    await quick.place(requests[1])
    bazaar.stripe.refund_status = "pending"
    bazaar.stripe.pay(late.payment.provider_reference)
    request = payments_service_pb2.ConfirmPaymentRequest(payment_id=late.payment.id)
    await bazaar.client.payments.ConfirmPayment(request, metadata=slow.metadata)
    admin = await bazaar.sign_in(Role.ADMIN)
    adjust = inventory_service_pb2.AdjustStockRequest(
        variant_id=bazaar.variants["poster"], delta_count=1, reason="found"
    )
    await bazaar.client.inventory.AdjustStock(adjust, metadata=admin)

    # Somebody refunds a cent in Stripe's own pages, which is news about the order's money.
    bazaar.stripe.refund_by_hand(late.payment.provider_reference, 1)
    await bazaar.client.payments.ConfirmPayment(request, metadata=slow.metadata)

    order = await slow.order(late.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.EXPIRED, orders_pb2.PaymentSummary.PAID)
    assert await bazaar.stock("poster") == (2, 1)
    await bazaar.check_ledger()


async def test_goods_without_a_parcel_that_have_not_come_in_do_not_keep_the_money_away(bazaar: Bazaar) -> None:
    await bazaar.stock_up(Goods("ticket", quantity=0, requires_shipping=False, backorder=True))
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("ticket"))

    await bazaar.pay(placed)

    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.CONFIRMED, orders_pb2.PaymentSummary.PAID)
    assert order.invoice_number
    assert await bazaar.run("SELECT kind, status FROM payment_transactions") == [("CAPTURE", "SUCCEEDED")]
    assert await bazaar.stock("ticket") == (0, 1)
    await bazaar.check_ledger()


async def test_goods_without_a_parcel_are_handed_over_when_they_come_in(bazaar: Bazaar) -> None:
    await bazaar.stock_up(Goods("ticket", quantity=0, requires_shipping=False, backorder=True))
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("ticket"))
    await bazaar.pay(placed)
    admin = await bazaar.sign_in(Role.ADMIN)

    adjust = inventory_service_pb2.AdjustStockRequest(
        variant_id=bazaar.variants["ticket"], delta_count=3, reason="printed"
    )
    await bazaar.client.inventory.AdjustStock(adjust, metadata=admin)
    await bazaar.work()

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.COMPLETED
    assert await bazaar.stock("ticket") == (2, 0)
    await bazaar.check_ledger()


async def test_free_goods_that_have_not_come_in_can_be_ordered(bazaar: Bazaar) -> None:
    await bazaar.stock_up(Goods("sample", "0.00", quantity=0, requires_shipping=False, backorder=True))
    guest = bazaar.guest()

    placed = await guest.place(await guest.fill("sample"))

    assert placed.order.status == orders_pb2.Order.CONFIRMED
    assert await bazaar.stock("sample") == (0, 1)


async def _expire_before_stripe_hears(bazaar: Bazaar) -> None:
    """Let the order expire while its intent at Stripe can still be paid: the cancellation has not run yet."""
    bazaar.clock.advance(timedelta(minutes=31))
    assert await bazaar.app.orders.expiry.sweep() == 1
    await bazaar.run("DELETE FROM procrastinate_jobs WHERE task_name = 'payments.cancel'")
