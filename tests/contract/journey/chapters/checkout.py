"""Placing orders."""

from typing import Any

from tests.contract.journey.buying import BERLIN, SPRINGFIELD, check_out, new_guest, put_in
from tests.contract.journey.walk import Person, Walk


async def checkout(walk: Walk) -> None:
    """From a cart to an order, and what stands against it."""
    await walk.look_around()
    await _incomplete(walk)
    await _placed(walk)
    await _other_kinds(walk)
    await _price_changed(walk)
    await _sold(walk)
    await _taken_out(walk)
    await _free(walk)
    if walk.carrier.thorough:
        await _stripe_is_away(walk)
    await _stripe_refuses(walk)


async def _incomplete(walk: Walk) -> None:
    walk.scene("what an order needs")
    nobody = walk.person("nobody")
    five = {"currency_code": "EUR", "amount_minor": 500}
    await nobody.tries("PlaceOrder", expected_total=five, payment_provider="STRIPE", request_id="nobody-1")
    await nobody.tries("PlaceOrder")
    await nobody.tries("PlaceOrder", expected_total={"currency_code": "euro"}, payment_provider=9, request_id="x" * 129)
    guest = await new_guest(walk, "SHIRT-M-WHITE")
    await guest.tries("PlaceOrder", expected_total=five, payment_provider="STRIPE")
    await guest.tries("PlaceOrder", expected_total=five, payment_provider="STRIPE", request_id="incomplete-1")
    await guest.quietly("SetEmail", email="guest@customer.example")
    await guest.quietly("SetAddresses", shipping_address=BERLIN)
    await guest.tries("PlaceOrder", expected_total=five, payment_provider="STRIPE", request_id="incomplete-2")
    item = (await guest.quietly("GetCart")).items[0]
    await guest.quietly("RemoveItem", item_id=item.id)
    await guest.tries("PlaceOrder", expected_total=five, payment_provider="STRIPE", request_id="incomplete-3")
    forged = walk.person("somebody with a forged cart", x_cart_token="x")
    await forged.tries("PlaceOrder", expected_total=five, payment_provider="STRIPE", request_id="forged-1")


async def _placed(walk: Walk) -> None:
    walk.scene("a guest places an order, twice with one key")
    guest = await new_guest(walk, "SHIRT-M-WHITE", "MUG", "STAMP", quantity=2)
    wanted = await check_out(guest)
    placed = {**wanted, "payment_provider": "STRIPE", "request_id": "placed-1"}
    await guest.does("PlaceOrder", **placed)
    await guest.does("PlaceOrder", **placed)
    await guest.tries("PlaceOrder", **{**placed, "payment_provider": "MANUAL"})
    await guest.tries("PlaceOrder", **{**placed, "request_id": "placed-2"})
    await guest.does("GetCart")
    for method, fields in _changes(walk).items():
        await guest.tries(method, **fields)


def _changes(walk: Walk) -> dict[str, dict[str, Any]]:
    return {
        "AddItem": {"variant_id": walk.variants["MUG"], "quantity": 1},
        "SetEmail": {"email": "guest@customer.example"},
        "SetAddresses": {"shipping_address": BERLIN},
        "SetShippingMethod": {"shipping_method_id": "ship_01h455vb4pex5vsknk084sn02q"},
        "ListShippingMethods": {},
    }


async def _other_kinds(walk: Walk) -> None:
    walk.scene("a user's order, to be paid by bank transfer, billed elsewhere")
    ada = await walk.customer("ada")
    await put_in(walk, ada, "TEE", "PATTERN")
    await ada.quietly("SetAddresses", shipping_address=BERLIN, billing_address=SPRINGFIELD)
    ways = await ada.quietly("ListShippingMethods")
    cart = await ada.quietly("SetShippingMethod", shipping_method_id=ways.shipping_methods[1].id)
    await _place(ada, {"expected_total": cart.totals.total}, "transfer-1", "MANUAL")
    await ada.does("GetCart")
    walk.scene("an order in dollars, with taxes on top")
    guest = await new_guest(walk, "SHIRT-L-WHITE", "MUG", name="guest with dollars", currency_code="USD")
    await _place(guest, await check_out(guest, SPRINGFIELD), "dollars-1")
    walk.scene("an order of what needs no parcel")
    guest = await new_guest(walk, "PATTERN", name="guest without a parcel")
    cart = await guest.quietly("SetEmail", email="guest@customer.example")
    await _place(guest, {"expected_total": cart.totals.total}, "digital-1")
    walk.scene("an order of what is made when it is ordered, sent for nothing")
    guest = await new_guest(walk, "KETTLE", name="guest who waits", quantity=2)
    await _place(guest, await check_out(guest), "backorder-1")


async def _place(buyer: Person, wanted: dict[str, Any], key: str, provider: str = "STRIPE") -> Any:
    return await buyer.does("PlaceOrder", **wanted, payment_provider=provider, request_id=key)


async def _price_changed(walk: Walk) -> None:
    walk.scene("a price changes before the order is placed")
    guest = await new_guest(walk, "TEE")
    wanted = await check_out(guest)
    await walk.change("cotton-tee", Variant_Price="16.50")
    await guest.tries("PlaceOrder", **wanted, payment_provider="STRIPE", request_id="price-1")
    dollars = {"currency_code": "USD", "amount_minor": wanted["expected_total"].amount_minor}
    await guest.tries("PlaceOrder", expected_total=dollars, payment_provider="STRIPE", request_id="price-1")
    cart = await guest.quietly("GetCart")
    await _place(guest, {"expected_total": cart.totals.total}, "price-1")


async def _sold(walk: Walk) -> None:
    walk.scene("the second buyer of the last unit")
    buyers = [await new_guest(walk, "POSTER", name=name) for name in ("first", "second")]
    wanted = [await check_out(buyer) for buyer in buyers]
    await _place(buyers[0], wanted[0], "first-1")
    await buyers[1].tries("PlaceOrder", **wanted[1], payment_provider="STRIPE", request_id="second-1")
    await buyers[1].does("GetCart")
    await walk.person("anybody").does("GetProduct", product_id="harbour-poster")


async def _taken_out(walk: Walk) -> None:
    walk.scene("what the shop takes out of sale cannot be ordered")
    guest = await new_guest(walk, "JUMPER", "HAT")
    wanted = await check_out(guest)
    await walk.change("old-hat", Status="archived")
    await guest.tries("PlaceOrder", **wanted, payment_provider="STRIPE", request_id="hat-1")
    walk.scene("nor be sent in a way that is not offered any more")
    guest = await new_guest(walk, "TEE")
    wanted = await check_out(guest, way=1)
    await walk.shop.run("UPDATE shipping_methods SET active = false WHERE code = 'express'")
    await guest.tries("PlaceOrder", **wanted, payment_provider="STRIPE", request_id="express-1")
    await guest.does("GetCart")
    await walk.shop.run("UPDATE shipping_methods SET active = true WHERE code = 'express'")


async def _free(walk: Walk) -> None:
    walk.scene("an order that costs nothing is complete at once")
    guest = await new_guest(walk, "SAMPLER", name="guest who pays nothing")
    cart = await guest.quietly("SetEmail", email="guest@customer.example")
    placed = await _place(guest, {"expected_total": cart.totals.total}, "free-1")
    await walk.work()
    await guest.does("ListTimeline", order_id=placed.order.id)
    await guest.does("GetInvoice", order_id=placed.order.id)


async def _stripe_is_away(walk: Walk) -> None:
    walk.scene("Stripe does not answer; the same call goes on later")
    guest = await new_guest(walk, "MUG")
    wanted = await check_out(guest)
    walk.shop.stripe.fail_next("POST /v1/payment_intents", "error", times=3)
    await guest.tries("PlaceOrder", **wanted, payment_provider="STRIPE", request_id="away-1")
    await _place(guest, wanted, "away-1")


async def _stripe_refuses(walk: Walk) -> None:
    walk.scene("Stripe refuses; the order stands")
    guest = await new_guest(walk, "MUG")
    wanted = await check_out(guest)
    walk.shop.stripe.fail_next("POST /v1/payment_intents", "refuse")
    refused = await guest.tries("PlaceOrder", **wanted, payment_provider="STRIPE", request_id="refused-1")
    await guest.does("GetOrder", order_id=refused["order_id"])
    await guest.does("ListTimeline", order_id=refused["order_id"])
