"""Paying: at Stripe, by bank transfer, and what the provider tells by itself."""

import json
from typing import Any

from tests.contract.journey.buying import new_guest, order
from tests.contract.journey.walk import Person, Walk

NO_PAYMENT = "pay_01h455vb4pex5vsknk084sn02q"


async def paying(walk: Walk) -> None:
    """A buyer comes back from Stripe, again and again."""
    await walk.look_around()
    await _who_sees(walk)
    await _on_the_way(walk)
    if walk.carrier.thorough:
        await _promised(walk)
        await _another_amount(walk)
    await _no_word(walk)


async def webhooks(walk: Walk) -> None:
    """Stripe tells of payments, and others pretend to."""
    await walk.look_around()
    await _unsigned(walk)
    await _paid(walk)
    await _refunded(walk)


async def transfers(walk: Walk) -> None:
    """Money that somebody sees on the bank's statement."""
    await walk.look_around()
    guest, admin = await new_guest(walk, "SHIRT-M-WHITE"), await walk.admin()
    placed = await order(guest, "transfer-1", "MANUAL")
    await _refused_transfers(walk, guest, admin, placed)
    walk.scene("the money is here")
    told = _told(placed)
    await admin.does("RecordManualPayment", **told, request_id="statement-7")
    await admin.does("RecordManualPayment", **told, request_id="statement-7")
    await admin.tries("RecordManualPayment", **{**told, "reference": "statement 8"}, request_id="statement-7")
    await admin.tries("RecordManualPayment", **told)
    await walk.work()
    await guest.does("GetOrder", order_id=placed.order.id)
    await guest.does("ListTimeline", order_id=placed.order.id)
    await guest.does("GetPayment", payment_id=placed.payment.id)


def _told(placed: Any) -> dict[str, Any]:
    return {"payment_id": placed.payment.id, "amount": placed.payment.amount, "reference": "statement 7"}


async def _who_sees(walk: Walk) -> None:
    walk.scene("who sees a payment")
    guest, admin = await new_guest(walk, "MUG"), await walk.admin()
    stranger, nobody = await walk.customer("stranger"), walk.person("nobody")
    payment = (await order(guest, "seen-1")).payment
    for method in ("GetPayment", "ConfirmPayment"):
        for person in (guest, admin):
            await person.does(method, payment_id=payment.id)
        for person in (stranger, nobody):
            await person.tries(method, payment_id=payment.id)
        for name in (NO_PAYMENT, "ord_01h455vb4pex5vsknk084sn02q", ""):
            await guest.tries(method, payment_id=name)


async def _on_the_way(walk: Walk) -> None:
    walk.scene("declined, asked back, on its way, here")
    stripe, ada = walk.shop.stripe, await walk.customer("ada")
    await ada.quietly("AddItem", variant_id=walk.variants["TEE"], quantity=1)
    placed = await order(ada, "paying-1")
    reference, payment_id, order_id = placed.payment.provider_reference, placed.payment.id, placed.order.id
    stripe.decline(reference)
    await ada.does("ConfirmPayment", payment_id=payment_id)
    stripe.move(reference, "requires_action", last_payment_error=None)
    await ada.does("ConfirmPayment", payment_id=payment_id)
    stripe.move(reference, "processing")
    await ada.does("ConfirmPayment", payment_id=payment_id)
    await ada.does("GetOrder", order_id=order_id)
    await walk.pass_time(seconds=30)
    stripe.pay(reference)
    await ada.does("ConfirmPayment", payment_id=payment_id)
    await ada.does("ConfirmPayment", payment_id=payment_id)
    await ada.does("GetOrder", order_id=order_id)
    await ada.does("ListTimeline", order_id=order_id)
    await walk.work()


async def _promised(walk: Walk) -> None:
    stripe = walk.shop.stripe
    for end, changes in (("canceled", {}), ("canceled", {"cancellation_reason": "automatic"}), ("succeeded", {})):
        guest = await new_guest(walk, "MUG")
        placed = await order(guest, f"promised-{len(walk.notes)}")
        reference, payment_id = placed.payment.provider_reference, placed.payment.id
        walk.scene(f"promised by the bank, then {end} {'of itself' if changes else ''}".strip())
        stripe.move(reference, "requires_capture", amount_capturable=placed.payment.amount.amount_minor)
        await guest.does("ConfirmPayment", payment_id=payment_id)
        await guest.does("GetOrder", order_id=placed.order.id)
        received = placed.payment.amount.amount_minor if end == "succeeded" else 0
        stripe.move(reference, end, amount_capturable=0, amount_received=received, **changes)
        await guest.does("ConfirmPayment", payment_id=payment_id)
        await guest.does("GetOrder", order_id=placed.order.id)
        await guest.does("ListTimeline", order_id=placed.order.id)
        await walk.work()


async def _another_amount(walk: Walk) -> None:
    for difference in (-300, 300):
        walk.scene(f"{difference} cents more than was asked for")
        guest = await new_guest(walk, "MUG")
        placed = await order(guest, f"amount{difference}")
        amount = placed.payment.amount.amount_minor + difference
        walk.shop.stripe.pay(placed.payment.provider_reference, amount=amount)
        await guest.does("ConfirmPayment", payment_id=placed.payment.id)
        await guest.does("GetOrder", order_id=placed.order.id)
        await walk.work()
    walk.scene("in another currency")
    guest = await new_guest(walk, "MUG")
    placed = await order(guest, "currency-1")
    walk.shop.stripe.move(placed.payment.provider_reference, "succeeded", currency="usd", amount_received=1340)
    await guest.does("ConfirmPayment", payment_id=placed.payment.id)


async def _no_word(walk: Walk) -> None:
    walk.scene("Stripe refuses to say anything; of a bank transfer nobody is asked")
    guest = await new_guest(walk, "MUG")
    payment = (await order(guest, "silent-1")).payment
    walk.shop.stripe.fail_next("GET /v1/payment_intents", "refuse")
    await guest.tries("ConfirmPayment", payment_id=payment.id)
    transfer = await new_guest(walk, "MUG", name="guest who transfers")
    payment = (await order(transfer, "silent-2", "MANUAL")).payment
    await transfer.does("ConfirmPayment", payment_id=payment.id)


async def _unsigned(walk: Walk) -> None:
    walk.scene("what is not signed is refused")
    stripe = walk.shop.stripe
    body = json.dumps({"id": "evt_1"}).encode()
    signed = {
        "without a signature": {},
        "with another secret": {"stripe_signature": stripe.sign(body, "whsec_guessed")},
        "of five minutes ago": {"stripe_signature": stripe.sign(body, "whsec_test", age_seconds=400)},
        "with nonsense": {"stripe_signature": "t=1"},
        "with a forged token": {"authorization": "Bearer x"},
    }
    for how, headers in signed.items():
        await walk.person(f"somebody {how}", **headers).tries("HandleStripeEvent", event={"data": body})
    walk.scene("what is signed and no event is refused too")
    for text in (b"no JSON", b'{"id": "evt_1"}', b'{"id": 1, "type": "x", "data": {"object": {}}}'):
        await signer(walk, text).tries("HandleStripeEvent", event={"data": text})
    await walk.person("stripe").tries("HandleStripeEvent")


def signer(walk: Walk, body: bytes) -> Person:
    """Stripe, who signs this body."""
    return walk.person("stripe", stripe_signature=walk.shop.stripe.sign(body, "whsec_test"))


async def announce(walk: Walk, reference: str, event_id: str, kind: str = "payment_intent.succeeded") -> None:
    """Let Stripe tell of a payment, and the shop act on it."""
    body = walk.shop.stripe.event(kind, walk.shop.stripe.intents[reference], event_id)
    await signer(walk, body).does("HandleStripeEvent", event={"data": body})
    await walk.work()


async def _paid(walk: Walk) -> None:
    walk.scene("Stripe tells that a payment is here, three times")
    guest = await new_guest(walk, "SHIRT-M-WHITE", "PATTERN")
    placed = await order(guest, "webhook-1")
    reference = placed.payment.provider_reference
    walk.shop.stripe.pay(reference)
    await announce(walk, reference, "evt_paid")
    await guest.does("GetOrder", order_id=placed.order.id)
    await announce(walk, reference, "evt_paid")
    await announce(walk, reference, "evt_paid_again")
    await guest.does("GetPayment", payment_id=placed.payment.id)
    await guest.does("ListTimeline", order_id=placed.order.id)
    walk.scene("Stripe tells of what is no business of the shop's")
    for kind, subject in (
        ("customer.created", {"object": "customer", "id": "cus_1"}),
        ("payment_intent.created", {"object": "payment_intent", "id": "pi_unknown"}),
    ):
        body = walk.shop.stripe.event(kind, subject, f"evt_{kind}")
        await signer(walk, body).does("HandleStripeEvent", event={"data": body})
        await walk.work()


async def _refunded(walk: Walk) -> None:
    walk.scene("somebody gives money back in Stripe's own pages: some of it, then all")
    ada = await walk.customer("ada")
    await ada.quietly("AddItem", variant_id=walk.variants["TEE"], quantity=2)
    placed = await order(ada, "refund-1")
    reference = placed.payment.provider_reference
    walk.shop.stripe.pay(reference)
    await announce(walk, reference, "evt_refund_paid")
    walk.shop.stripe.refund_by_hand(reference, 500)
    await announce(walk, reference, "evt_refund_some", "charge.refunded")
    await ada.does("GetOrder", order_id=placed.order.id)
    walk.shop.stripe.refund_by_hand(reference, placed.payment.amount.amount_minor - 500)
    await announce(walk, reference, "evt_refund_all", "charge.refunded")
    await ada.does("GetOrder", order_id=placed.order.id)
    await ada.does("GetPayment", payment_id=placed.payment.id)
    await ada.does("ListTimeline", order_id=placed.order.id)


async def _refused_transfers(walk: Walk, guest: Person, admin: Person, placed: Any) -> None:
    walk.scene("who records money, and how much")
    told = _told(placed)
    for person in (walk.person("nobody"), guest, await walk.customer("ada")):
        await person.tries("RecordManualPayment", **told)
    less = {"currency_code": "EUR", "amount_minor": 1}
    await admin.tries("RecordManualPayment", **{**told, "amount": less})
    await admin.tries("RecordManualPayment", **{**told, "payment_id": NO_PAYMENT})
    await admin.tries("RecordManualPayment")
    await admin.tries("RecordManualPayment", **{**told, "amount": {"currency_code": "euro"}, "reference": ""})
    other = await new_guest(walk, "MUG", name="guest with Stripe")
    payment = (await order(other, "not-by-hand")).payment
    await admin.tries("RecordManualPayment", **{**told, "payment_id": payment.id, "amount": payment.amount})
