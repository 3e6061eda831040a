"""Orders that nobody pays in time, and money that comes too late."""

from datetime import timedelta

from tests.contract.journey.buying import check_out, new_guest, order
from tests.contract.journey.chapters.payments import announce
from tests.contract.journey.walk import Walk


async def lateness(walk: Walk) -> None:
    """Half an hour passes."""
    await walk.look_around()
    await _expired(walk)
    await _late_and_there(walk)
    await _late_and_sold(walk)
    await _on_its_way(walk)
    await _transfer(walk)


async def _expired(walk: Walk) -> None:
    walk.scene("an order that nobody pays gives its stock back")
    guest = await new_guest(walk, "POSTER")
    placed = await order(guest, "expired-1")
    await walk.pass_time(minutes=29)
    await guest.does("GetOrder", order_id=placed.order.id)
    await walk.pass_time(minutes=2)
    await guest.does("GetOrder", order_id=placed.order.id)
    await guest.does("GetPayment", payment_id=placed.payment.id)
    await guest.does("ListTimeline", order_id=placed.order.id)
    await walk.person("anybody").does("GetProduct", product_id="harbour-poster")


async def _late_and_there(walk: Walk) -> None:
    walk.scene("money that comes late, while the goods are still there")
    guest = await new_guest(walk, "MUG")
    placed = await order(guest, "late-1")
    await walk.pass_time(minutes=31)
    # It was paid in the moment in which it was given up.
    walk.shop.stripe.pay(placed.payment.provider_reference)
    await guest.does("GetOrder", order_id=placed.order.id)
    await announce(walk, placed.payment.provider_reference, "evt_late")
    await guest.does("GetOrder", order_id=placed.order.id)
    await guest.does("GetPayment", payment_id=placed.payment.id)
    walk.scene("money that comes late and before anybody has looked")
    guest = await new_guest(walk, "MUG")
    placed = await order(guest, "late-2")
    walk.shop.stripe.pay(placed.payment.provider_reference)
    await walk.pass_time(minutes=31)
    await guest.does("GetOrder", order_id=placed.order.id)
    await guest.does("ListTimeline", order_id=placed.order.id)


async def _late_and_sold(walk: Walk) -> None:
    walk.scene("money that comes late, when the goods are sold, goes back")
    slow, quick = [await new_guest(walk, "POSTER", name=name) for name in ("slow guest", "quick guest")]
    wanted = await check_out(quick)
    placed = await order(slow, "slow-1")
    walk.shop.stripe.move(placed.payment.provider_reference, "processing")
    await slow.does("ConfirmPayment", payment_id=placed.payment.id)
    walk.shop.clock.advance(timedelta(minutes=31))
    bought = await quick.quietly("PlaceOrder", **wanted, payment_provider="STRIPE", request_id="quick-1")
    walk.shop.stripe.pay(bought.payment.provider_reference)
    await announce(walk, bought.payment.provider_reference, "evt_quick")
    walk.shop.stripe.pay(placed.payment.provider_reference)
    await announce(walk, placed.payment.provider_reference, "evt_slow")
    await slow.does("GetOrder", order_id=placed.order.id)
    await slow.does("GetPayment", payment_id=placed.payment.id)
    await slow.does("ListTimeline", order_id=placed.order.id)
    await slow.tries("GetInvoice", order_id=placed.order.id)


async def _on_its_way(walk: Walk) -> None:
    walk.scene("money that is on its way keeps its order alive")
    guest = await new_guest(walk, "TEE")
    placed = await order(guest, "processing-1")
    walk.shop.stripe.move(placed.payment.provider_reference, "processing")
    await walk.pass_time(minutes=31)
    await guest.does("GetOrder", order_id=placed.order.id)
    await walk.pass_time(days=7)
    await guest.does("GetOrder", order_id=placed.order.id)


async def _transfer(walk: Walk) -> None:
    walk.scene("a bank transfer has a week")
    guest, admin = await new_guest(walk, "TEE"), await walk.admin()
    placed = await order(guest, "transfer-1", "MANUAL")
    await walk.pass_time(days=6, hours=23)
    await guest.does("GetOrder", order_id=placed.order.id)
    await walk.pass_time(hours=2)
    await guest.does("GetOrder", order_id=placed.order.id)
    await guest.does("GetPayment", payment_id=placed.payment.id)
    # The administrator's token ran out meanwhile.
    told = {"payment_id": placed.payment.id, "amount": placed.payment.amount, "reference": "too late"}
    await admin.tries("RecordManualPayment", **told)
    await (await walk.admin()).tries("RecordManualPayment", **told)
