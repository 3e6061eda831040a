"""What money does to an order."""

import asyncio
from datetime import timedelta

from kontor.orders.v1 import orders_pb2
from kontor.payments.v1 import payments_pb2, payments_service_pb2

from server.kernel.actor import Role
from tests.buying import Bazaar, request_of
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
        (orders_pb2.TimelineEntry.PLACED, "", "PENDING", "guest"),
        (orders_pb2.TimelineEntry.PAYMENT_CHANGED, "UNPAID", "PAID", "shop"),
        (orders_pb2.TimelineEntry.STATUS_CHANGED, "PENDING", "CONFIRMED", "shop"),
        (orders_pb2.TimelineEntry.INVOICE_ISSUED, "", "", "shop"),
    ]
    [mail] = mailbox.mails
    assert mail.to == "ada@customer.example"
    assert mail.subject == f"Your order {order.number} is confirmed"
    assert "1 × Shirt" in mail.text
    assert "€24.90" in mail.text


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


async def test_money_recorded_by_hand_confirms(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    await guest.add("shirt")
    placed = await guest.place(request_of(await guest.check_out(), payments_pb2.MANUAL))
    admin = await bazaar.sign_in(Role.ADMIN)

    request = payments_service_pb2.RecordManualPaymentRequest(
        payment_id=placed.payment.id, amount=placed.payment.amount, reference="statement 7"
    )
    await bazaar.client.payments.RecordManualPayment(request, metadata=admin)

    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.CONFIRMED, orders_pb2.PaymentSummary.PAID)
    assert bazaar.stripe.calls == []
    assert (await guest.timeline(order.id))[1].actor == "staff"


async def test_an_unpaid_order_expires_and_gives_its_stock_back(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("poster"))
    bazaar.clock.advance(timedelta(minutes=31))

    assert await bazaar.app.features.expiry.sweep() == 1
    assert await bazaar.app.features.expiry.sweep() == 0
    await bazaar.work()

    order = await guest.order(placed.order.id)
    assert order.status == orders_pb2.Order.EXPIRED
    assert await bazaar.stock("poster") == (1, 0)
    assert bazaar.stripe.intents[placed.payment.provider_reference]["status"] == "canceled"
    await bazaar.check_ledger()


async def test_an_order_within_its_time_does_not_expire(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    await guest.place(await guest.fill("poster"))
    bazaar.clock.advance(timedelta(minutes=29))

    assert await bazaar.app.features.expiry.sweep() == 0
    assert await bazaar.stock("poster") == (1, 1)


async def test_an_order_that_turns_out_paid_does_not_expire(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("poster"))
    bazaar.stripe.pay(placed.payment.provider_reference)
    bazaar.clock.advance(timedelta(minutes=31))

    assert await bazaar.app.features.expiry.sweep() == 0

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.CONFIRMED


async def test_a_payment_on_its_way_keeps_its_order_alive(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("poster"))
    bazaar.stripe.move(placed.payment.provider_reference, "processing")
    bazaar.clock.advance(timedelta(minutes=31))

    assert await bazaar.app.features.expiry.sweep() == 0

    order = await guest.order(placed.order.id)
    assert (order.status, order.payment.status) == (orders_pb2.Order.PENDING, orders_pb2.PaymentSummary.PENDING)
    assert order.expire_time.ToDatetime() - order.place_time.ToDatetime() == timedelta(minutes=61)


async def test_an_order_is_not_ended_without_the_word_of_the_provider(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("poster"))
    bazaar.clock.advance(timedelta(minutes=31))
    bazaar.stripe.fail_next("GET /v1/payment_intents", "error", times=10)

    assert await bazaar.app.features.expiry.sweep() == 0

    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.PENDING


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


async def _expire_before_stripe_hears(bazaar: Bazaar) -> None:
    """Let the order expire while its intent at Stripe can still be paid: the cancellation has not run yet."""
    bazaar.clock.advance(timedelta(minutes=31))
    assert await bazaar.app.features.expiry.sweep() == 1
    await bazaar.run("DELETE FROM procrastinate_jobs WHERE task_name = 'payments.cancel'")
