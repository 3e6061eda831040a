"""A shop without payment providers, whose seller has an address."""

from tests.contract.journey.buying import check_out, new_guest, order
from tests.contract.journey.chapters.payments import signer
from tests.contract.journey.ground import without_providers
from tests.contract.journey.over_grpc import GrpcCarrier
from tests.contract.journey.walk import Walk


async def without_provider(walk: Walk) -> None:
    """What such a shop refuses, and what it sells all the same."""
    await walk.look_around()
    paying = await new_guest(walk, "MUG", name="guest with an order")
    payment = (await order(paying, "earlier-1")).payment
    async with without_providers(walk.ground) as channel:
        walk.carrier = walk.quiet = GrpcCarrier(channel)
        walk.scene("no provider is there")
        guest = await new_guest(walk, "MUG")
        wanted = await check_out(guest)
        for provider in ("STRIPE", "MANUAL"):
            await guest.tries("PlaceOrder", **wanted, payment_provider=provider, request_id=f"none-{provider}")
        await paying.tries("ConfirmPayment", payment_id=payment.id)
        body = walk.shop.stripe.event("payment_intent.succeeded", {"object": "payment_intent", "id": "pi_x"}, "evt_1")
        await signer(walk, body).tries("HandleStripeEvent", event={"data": body})
        walk.scene("what costs nothing needs none")
        guest = await new_guest(walk, "SAMPLER", name="guest who pays nothing")
        cart = await guest.quietly("SetEmail", email="guest@customer.example")
        total = cart.totals.total
        placed = await guest.does("PlaceOrder", expected_total=total, payment_provider="STRIPE", request_id="free-1")
        await guest.does("GetInvoice", order_id=placed.order.id)
