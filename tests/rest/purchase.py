"""The steps of a purchase over HTTP, as the tests of the journey take them."""

from uuid import uuid4

import httpx
from google.protobuf.json_format import MessageToDict

from tests.rest.web import Json, Web
from tests.world.people import BERLIN, EMAIL, PASSWORD
from tests.world.shop import Shop
from tests.world.stripe import SECRET


async def sign_up(web: Web, shop: Shop) -> Web:
    """Register, verify with the code of the mail, and log in."""
    registered = await web.post("/v1/auth/register", {"email": EMAIL, "password": PASSWORD, "displayName": "Ada"})
    assert registered == {"email": EMAIL}
    code = await shop.mailed_code()
    assert [mail.to for mail in shop.mailbox.mails] == [EMAIL]
    verified = await web.post("/v1/auth/verify-email", {"token": code, "password": PASSWORD})
    assert verified["user"]["email"] == EMAIL
    session = await web.post("/v1/auth/login", {"email": EMAIL, "password": PASSWORD})
    return web.signed_in(session["tokens"]["accessToken"])


async def fill_as_guest(web: Web, *variants: str) -> Web:
    """Put one of each variant into a new guest's cart; return the guest, who has its token."""
    first = await web.send("POST", "/v1/cart/items", {"variantId": variants[0], "quantity": 1})
    assert first.json()["token"] == first.headers["x-cart-token"]
    guest = web.with_cart(first.headers["x-cart-token"])
    for variant in variants[1:]:
        await guest.post("/v1/cart/items", {"variantId": variant, "quantity": 1})
    return guest


async def check_out(buyer: Web) -> Json:
    """Say where it goes and how; return the request that places the order."""
    await buyer.put("/v1/cart/email", {"email": EMAIL})
    await buyer.put("/v1/cart/addresses", {"shippingAddress": MessageToDict(BERLIN)})
    methods = await buyer.get("/v1/cart/shipping-methods")
    cart = await buyer.put("/v1/cart/shipping-method", {"shippingMethodId": methods["shippingMethods"][0]["id"]})
    assert cart["missing"] == []
    return {"expectedTotal": cart["totals"]["total"], "paymentProvider": "STRIPE"}


async def place(buyer: Web, request: Json, key: str = "") -> httpx.Response:
    """Place the order with an idempotency key."""
    return await buyer.send("POST", "/v1/orders", request, idempotency_key=key or str(uuid4()))


async def announce(web: Web, shop: Shop, reference: str, *, secret: str = SECRET) -> httpx.Response:
    """Let Stripe announce, through Envoy, that an intent is paid."""
    body = shop.stripe.announcement(reference, f"evt_{reference}")
    return await web.client.post(
        "/v1/webhooks/stripe",
        content=body,
        headers={
            "stripe-signature": shop.stripe.sign(body, secret),
            "content-type": "application/json; charset=utf-8",
        },
    )
