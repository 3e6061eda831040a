"""The whole journey of a purchase, over REST through the real Envoy."""

from uuid import uuid4

from structlog.testing import capture_logs

from tests.rest.purchase import announce, check_out, fill_as_guest, place, sign_up
from tests.rest.web import Json, Web, answer, refusal
from tests.world.shop import Shop


async def test_from_registration_to_the_parcel(web: Web, shop: Shop) -> None:
    customer = await sign_up(web, shop)
    guest = await fill_as_guest(web, *await browse(web))

    merged = await customer.post("/v1/cart:merge", {"cartToken": guest.headers["x-cart-token"]})
    assert [item["sku"] for item in merged["items"]] == ["shirt", "mug"]
    request = await check_out(customer)
    placed = answer(await place(customer, request))
    order = await confirm(customer, shop, placed)
    assert shop.mailbox.mails[-1].subject == f"Your order {order['number']} is confirmed"
    await download_invoice(customer, order)
    await ship(web, shop, order["id"])

    order = await customer.get(f"/v1/orders/{order['id']}")
    assert (order["status"], order["fulfillment"]["status"]) == ("COMPLETED", "FULFILLED")
    assert await shop.stock("shirt") == (9, 0)
    timeline = await customer.get(f"/v1/orders/{order['id']}/timeline")
    assert [(entry["kind"], entry["toState"]) for entry in timeline["entries"]] == [
        ("PLACED", "PENDING"),
        ("PAYMENT_CHANGED", "PAID"),
        ("STATUS_CHANGED", "CONFIRMED"),
        ("INVOICE_ISSUED", ""),
        ("FULFILLMENT_CREATED", "PENDING"),
        ("SHIPPED", "SHIPPED"),
        ("STATUS_CHANGED", "COMPLETED"),
    ]
    assert [one["id"] for one in (await customer.get("/v1/orders"))["orders"]] == [order["id"]]
    await shop.check_ledger()


async def browse(web: Web) -> list[str]:
    """Look around; return the variants that please."""
    listed = await web.get("/v1/products?pageSize=2&inStock=true")
    assert len(listed["products"]) == 2
    more = await web.get(f"/v1/products?pageSize=2&inStock=true&pageToken={listed['nextPageToken']}")
    assert len({product["id"] for product in listed["products"] + more["products"]}) == 4
    found = await web.get("/v1/products:search?query=shrit")
    assert (found["corrected"], [product["slug"] for product in found["products"]]) == (True, ["shirt"])
    shirt, mug = await web.get("/v1/products/shirt"), await web.get("/v1/products/mug")
    assert await web.get(f"/v1/products/{shirt['id']}") == shirt
    return [shirt["variants"][0]["id"], mug["variants"][0]["id"]]


async def confirm(customer: Web, shop: Shop, placed: Json) -> Json:
    """Pay at Stripe, whose webhook comes through Envoy."""
    assert placed["order"]["status"] == "PENDING"
    reference = placed["payment"]["providerReference"]
    shop.stripe.pay(reference)
    taken = await announce(customer, shop, reference)
    assert (taken.status_code, taken.json()) == (200, {})
    await shop.work()
    order = await customer.get(f"/v1/orders/{placed['order']['id']}")
    assert (order["status"], order["payment"]["status"]) == ("CONFIRMED", "PAID")
    # int64 is text in JSON, as JavaScript has no such numbers.
    assert order["totals"]["total"] == {"currencyCode": "EUR", "amountMinor": "3340"}
    payment = await customer.get(f"/v1/payments/{placed['payment']['id']}")
    assert payment["status"] == "CAPTURED"
    return order


async def download_invoice(customer: Web, order: Json) -> None:
    invoice = await customer.send("GET", f"/v1/orders/{order['id']}/invoice")
    assert invoice.status_code == 200
    assert invoice.headers["content-type"] == "application/pdf"
    assert order["invoiceNumber"] in invoice.headers["content-disposition"]
    assert invoice.content.startswith(b"%PDF-")


async def ship(web: Web, shop: Shop, order_id: str) -> None:
    admin = web.signed_in((await shop.admin()).access_token)
    parcel = await admin.post(f"/v1/orders/{order_id}/fulfillments")
    path = f"/v1/orders/{order_id}/fulfillments/{parcel['id']}:ship"
    shipped = await admin.post(path, {"carrier": "DHL", "trackingNumber": "00340434161094042557"})
    assert shipped["fulfillments"][0]["trackingNumber"] == "00340434161094042557"


async def test_the_same_key_answers_with_the_same_order(web: Web, shop: Shop) -> None:
    guest = await fill_as_guest(web, shop.variants["shirt"])
    request, key = await check_out(guest), str(uuid4())

    first = await place(guest, request, key)
    again = await place(guest, request, key)
    # The header and the field are one thing, and so are the two paths.
    in_the_body = await guest.send("POST", "/v1/cart/checkout", {**request, "requestId": key})
    with_another_body = refusal(await place(guest, {**request, "paymentProvider": "MANUAL"}, key))

    assert answer(first) == answer(again) == answer(in_the_body)
    assert (with_another_body.status, with_another_body.reason) == (400, "IDEMPOTENCY_KEY_REUSED")
    assert with_another_body.metadata == {"request_id": key}
    assert await shop.count("orders") == 1
    assert shop.made_intents == 1


async def test_without_a_key_no_order_is_placed(web: Web, shop: Shop) -> None:
    guest = await fill_as_guest(web, shop.variants["shirt"])

    refused = refusal(await guest.send("POST", "/v1/orders", await check_out(guest)))

    assert (refused.status, refused.fields) == (400, ["request_id"])
    assert await shop.count("orders") == 0


async def test_the_second_buyer_of_the_last_unit_learns_what_is_left(web: Web, shop: Shop) -> None:
    poster = shop.variants["poster"]
    buyers = [await fill_as_guest(web, poster) for _ in range(2)]
    requests = [await check_out(buyer) for buyer in buyers]

    first = await place(buyers[0], requests[0])
    second = refusal(await place(buyers[1], requests[1]))

    assert answer(first)["order"]["status"] == "PENDING"
    assert (second.status, second.code, second.reason) == (400, 9, "OUT_OF_STOCK")
    assert second.metadata == {poster: "0"}
    assert poster in second.message
    assert await shop.stock("poster") == (1, 1)


async def test_a_forged_webhook_is_refused_and_logged(web: Web, shop: Shop) -> None:
    guest = await fill_as_guest(web, shop.variants["shirt"])
    placed = answer(await place(guest, await check_out(guest)))
    reference = placed["payment"]["providerReference"]
    shop.stripe.pay(reference)

    with capture_logs() as logs:
        refused = refusal(await announce(web, shop, reference, secret="whsec_guessed"))
    await shop.work()

    assert (refused.status, refused.reason) == (401, "SIGNATURE_INVALID")
    [forged] = [entry for entry in logs if entry["event"] == "payments.webhook_forged"]
    assert (forged["log_level"], forged["request_id"]) == ("warning", refused.request_id)
    assert await shop.count("provider_events") == 0
    assert (await guest.get(f"/v1/orders/{placed['order']['id']}"))["status"] == "PENDING"


async def test_what_belongs_to_others_is_not_there(web: Web, shop: Shop) -> None:
    guest = await fill_as_guest(web, shop.variants["shirt"])
    order_id = answer(await place(guest, await check_out(guest)))["order"]["id"]
    other = await fill_as_guest(web, shop.variants["mug"])

    for path in (f"/v1/orders/{order_id}", f"/v1/orders/{order_id}/timeline", f"/v1/orders/{order_id}/invoice"):
        refused = refusal(await other.send("GET", path))
        assert (refused.status, refused.reason) == (404, "NOT_FOUND")
