"""Orders and parcels: reading them, packing, sending off, and the invoice."""

from typing import Any

from tests.contract.journey.buying import BERLIN, SPRINGFIELD, check_out, new_guest, order, paid_order, put_in
from tests.contract.journey.walk import Person, Walk

NO_ORDER = "ord_01h455vb4pex5vsknk084sn02q"
NO_PARCEL = "ful_01h455vb4pex5vsknk084sn02q"
NO_LINE = "line_01h455vb4pex5vsknk084sn02q"


async def orders(walk: Walk) -> None:
    """Who sees what of an order, page by page."""
    await walk.look_around()
    ada, admin = await walk.customer("ada"), await walk.admin()
    await _who_sees(walk, ada, admin)
    await _lists(walk, ada, admin)
    await _invoices(walk, ada)


async def parcels(walk: Walk) -> None:
    """What was bought leaves the shop."""
    await walk.look_around()
    ada, admin = await walk.customer("ada"), await walk.admin()
    await put_in(walk, ada, "SHIRT-M-WHITE", "MUG", "PATTERN", quantity=2)
    bought = await paid_order(walk, ada, "parcels-1")
    await _refused_packing(walk, ada, admin, bought)
    await _two_parcels(walk, ada, admin, bought)
    if walk.carrier.thorough:
        await _backorder(walk, admin)
        await _promised(walk, admin)


async def _who_sees(walk: Walk, ada: Person, admin: Person) -> None:
    walk.scene("who sees a user's order, and who a guest's")
    guest, nobody = await new_guest(walk, "MUG"), walk.person("nobody")
    stranger = await walk.customer("stranger")
    await put_in(walk, ada, "TEE")
    of_ada, of_guest = await order(ada, "ada-1"), await order(guest, "guest-1")
    for method in ("GetOrder", "ListTimeline", "GetInvoice"):
        for placed in (of_ada, of_guest):
            for person in (ada, guest, admin, stranger, nobody):
                await person.tries(method, order_id=placed.order.id)
        for name in (NO_ORDER, "pay_01h455vb4pex5vsknk084sn02q", ""):
            await ada.tries(method, order_id=name)


async def _lists(walk: Walk, ada: Person, admin: Person) -> None:
    walk.scene("a user's orders, in two pages")
    for number in range(2, 4):
        await walk.pass_time(seconds=20)
        await put_in(walk, ada, "MUG")
        await order(ada, f"ada-{number}")
    first = await ada.does("ListOrders", page_size=2)
    await ada.does("ListOrders", page_size=2, page_token=first.next_page_token)
    await ada.does("ListOrders")
    await admin.does("ListOrders")
    await admin.tries("ListOrders", page_token=first.next_page_token)
    await ada.tries("ListOrders", page_token="bm90IGEgdG9rZW4")
    await ada.tries("ListOrders", page_size=-1)
    await walk.person("nobody").tries("ListOrders")
    await (await new_guest(walk, "MUG")).tries("ListOrders")


async def _invoices(walk: Walk, ada: Person) -> None:
    walk.scene("the invoice of an order with everything on it")
    await put_in(walk, ada, "SHIRT-M-WHITE", "MUG", "STAMP", "PATTERN", quantity=2)
    await ada.quietly("SetAddresses", shipping_address=BERLIN, billing_address=SPRINGFIELD)
    ways = await ada.quietly("ListShippingMethods")
    cart = await ada.quietly("SetShippingMethod", shipping_method_id=ways.shipping_methods[1].id)
    await _buy_and_print(walk, ada, "invoice-1", {"expected_total": cart.totals.total})
    if walk.carrier.thorough:
        await _other_invoices(walk)


async def _other_invoices(walk: Walk) -> None:
    walk.scene("in dollars, with taxes on top")
    guest = await new_guest(walk, "SHIRT-L-WHITE", "MUG", name="guest with dollars", currency_code="USD")
    await _buy_and_print(walk, guest, "invoice-2", await check_out(guest, SPRINGFIELD))
    walk.scene("sent for nothing")
    guest = await new_guest(walk, "JUMPER", name="guest who is cold")
    await _buy_and_print(walk, guest, "invoice-3", await check_out(guest))
    walk.scene("without a parcel and without an address")
    guest = await new_guest(walk, "PATTERN", name="guest without a parcel")
    cart = await guest.quietly("SetEmail", email="guest@customer.example")
    await _buy_and_print(walk, guest, "invoice-4", {"expected_total": cart.totals.total})


async def _buy_and_print(walk: Walk, buyer: Person, key: str, wanted: dict[str, Any]) -> None:
    placed = await buyer.quietly("PlaceOrder", **wanted, payment_provider="STRIPE", request_id=key)
    walk.shop.stripe.pay(placed.payment.provider_reference)
    await buyer.quietly("ConfirmPayment", payment_id=placed.payment.id)
    await walk.work()
    await buyer.does("GetOrder", order_id=placed.order.id)
    await buyer.does("GetInvoice", order_id=placed.order.id)
    await buyer.does("ListTimeline", order_id=placed.order.id)


async def _refused_packing(walk: Walk, ada: Person, admin: Person, bought: Any) -> None:
    walk.scene("who packs, and what")
    for person in (walk.person("nobody"), ada, await new_guest(walk, "MUG")):
        await person.tries("CreateFulfillment", order_id=bought.id)
        await person.tries(
            "ShipFulfillment", order_id=bought.id, fulfillment_id=NO_PARCEL, carrier="DHL", tracking_number="1"
        )
    shirt, _, pattern = bought.lines
    await admin.tries("CreateFulfillment", order_id=bought.id, lines=[{"line_id": shirt.id, "quantity": 3}])
    await admin.tries("CreateFulfillment", order_id=bought.id, lines=[{"line_id": pattern.id, "quantity": 1}])
    await admin.tries("CreateFulfillment", order_id=bought.id, lines=[{"line_id": NO_LINE, "quantity": 1}])
    await admin.tries("CreateFulfillment", order_id=bought.id, lines=[{"line_id": NO_ORDER, "quantity": 1}])
    await admin.tries("CreateFulfillment", order_id="", lines=[{}, {"line_id": "x" * 101, "quantity": -1}])
    await admin.tries("CreateFulfillment", order_id=NO_ORDER)
    unpaid = await order(await new_guest(walk, "MUG"), "unpaid-1")
    await admin.tries("CreateFulfillment", order_id=unpaid.order.id)


async def _two_parcels(walk: Walk, ada: Person, admin: Person, bought: Any) -> None:
    walk.scene("the first of two parcels, with a key")
    lines = [{"line_id": bought.lines[0].id, "quantity": 1}, {"line_id": bought.lines[0].id, "quantity": 1}]
    packed = {"order_id": bought.id, "lines": [*lines[:1], {"line_id": bought.lines[1].id, "quantity": 2}]}
    first = await admin.does("CreateFulfillment", **packed, request_id="parcel-1")
    await admin.does("CreateFulfillment", **packed, request_id="parcel-1")
    await admin.tries("CreateFulfillment", order_id=bought.id, request_id="parcel-1")
    await admin.tries("CreateFulfillment", order_id=bought.id, lines=lines)
    sent = {
        "order_id": bought.id,
        "fulfillment_id": first.id,
        "carrier": "DHL",
        "tracking_number": "00340434161094042557",
    }
    await admin.tries("ShipFulfillment")
    await admin.tries("ShipFulfillment", **{**sent, "tracking_url": "no address"})
    await admin.tries("ShipFulfillment", **{**sent, "fulfillment_id": NO_PARCEL})
    await admin.tries("ShipFulfillment", **{**sent, "order_id": NO_ORDER})
    await admin.does("ShipFulfillment", **sent)
    await admin.tries("ShipFulfillment", **sent)
    await walk.work()
    await ada.does("GetOrder", order_id=bought.id)
    walk.scene("the second, with all that is left")
    await walk.pass_time(seconds=50)
    second = await admin.does("CreateFulfillment", order_id=bought.id)
    await admin.tries("CreateFulfillment", order_id=bought.id)
    tracked = {"carrier": "UPS", "tracking_number": "1Z999", "tracking_url": "https://ups.example/1Z999"}
    await admin.does("ShipFulfillment", **{**sent, **tracked, "fulfillment_id": second.id})
    await walk.work()
    await admin.tries("CreateFulfillment", order_id=bought.id)
    await ada.does("GetOrder", order_id=bought.id)
    await ada.does("ListTimeline", order_id=bought.id)


async def _backorder(walk: Walk, admin: Person) -> None:
    walk.scene("what has not come in cannot be sent")
    guest = await new_guest(walk, "KETTLE", name="guest who waits")
    bought = await paid_order(walk, guest, "kettle-1")
    parcel = await admin.does("CreateFulfillment", order_id=bought.id)
    sent = {"order_id": bought.id, "fulfillment_id": parcel.id, "carrier": "DHL", "tracking_number": "7"}
    await admin.tries("ShipFulfillment", **sent)
    await admin.does("AdjustStock", variant_id=walk.variants["KETTLE"], delta_count=5, reason="they came in")
    await walk.work()
    await admin.does("ShipFulfillment", **sent)
    await walk.work()
    await guest.does("ListTimeline", order_id=bought.id)


async def _promised(walk: Walk, admin: Person) -> None:
    walk.scene("what the bank has promised is sent, and paid afterwards")
    guest = await new_guest(walk, "TEE", name="guest with a promise")
    placed = await order(guest, "promise-1")
    reference, amount = placed.payment.provider_reference, placed.payment.amount.amount_minor
    walk.shop.stripe.move(reference, "requires_capture", amount_capturable=amount)
    await guest.quietly("ConfirmPayment", payment_id=placed.payment.id)
    await walk.work()
    parcel = await admin.quietly("CreateFulfillment", order_id=placed.order.id)
    sent = {"order_id": placed.order.id, "fulfillment_id": parcel.id, "carrier": "DHL", "tracking_number": "8"}
    await admin.does("ShipFulfillment", **sent)
    await walk.work()
    await guest.tries("GetInvoice", order_id=placed.order.id)
    walk.shop.stripe.pay(reference)
    await guest.does("ConfirmPayment", payment_id=placed.payment.id)
    await walk.work()
    await guest.does("ListTimeline", order_id=placed.order.id)
    await guest.does("GetInvoice", order_id=placed.order.id)
