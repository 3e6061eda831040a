"""The steps of a purchase over HTTP, as the tests of the journey take them."""

import re
from uuid import uuid4

import httpx

from tests.buying import Bazaar
from tests.rest.web import Json, Web
from tests.shop import Mailbox, Work

EMAIL = "ada@customer.example"
PASSWORD = "violet harbour 93 teapot"
BERLIN: Json = {
    "recipient": "Ada Lovelace",
    "addressLines": ["Rosenstraße 12"],
    "postalCode": "10178",
    "locality": "Berlin",
    "regionCode": "DE",
}


async def sign_up(web: Web, mailbox: Mailbox, work: Work) -> Web:
    """Register, verify with the code of the mail, and log in."""
    registered = await web.post("/v1/auth/register", {"email": EMAIL, "password": PASSWORD, "displayName": "Ada"})
    assert registered == {"email": EMAIL}
    await work()
    [mail] = mailbox.mails
    assert mail.to == EMAIL
    code = re.search(r"\?token=(\S+)", mail.text)
    assert code is not None
    verified = await web.post("/v1/auth/verify-email", {"token": code[1], "password": PASSWORD})
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
    await buyer.put("/v1/cart/addresses", {"shippingAddress": BERLIN})
    methods = await buyer.get("/v1/cart/shipping-methods")
    cart = await buyer.put("/v1/cart/shipping-method", {"shippingMethodId": methods["shippingMethods"][0]["id"]})
    assert cart["missing"] == []
    return {"expectedTotal": cart["totals"]["total"], "paymentProvider": "STRIPE"}


async def place(buyer: Web, request: Json, key: str = "") -> httpx.Response:
    """Place the order with an idempotency key."""
    return await buyer.send("POST", "/v1/orders", request, idempotency_key=key or str(uuid4()))


async def announce(web: Web, bazaar: Bazaar, reference: str, *, secret: str = "whsec_test") -> httpx.Response:
    """Let Stripe announce, through Envoy, that an intent is paid."""
    body = bazaar.stripe.event("payment_intent.succeeded", bazaar.stripe.intents[reference], f"evt_{reference}")
    signature = bazaar.stripe.sign(body, secret)
    return await web.client.post(
        "/v1/webhooks/stripe",
        content=body,
        headers={"stripe-signature": signature, "content-type": "application/json; charset=utf-8"},
    )
