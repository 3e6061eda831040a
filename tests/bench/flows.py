"""What visitors do over REST. Nothing in here knows the shop but by its API, so that a generator starts fast.

Each takes a connection, a number that is its own, and what all visitors share; and raises WrongAnswer.
"""

import json
from collections.abc import Mapping
from random import Random
from typing import Any
from uuid import uuid4

from tests.bench.http_load import Browser, WrongAnswer

ADDRESS = {
    "recipient": "Ada Byron",
    "addressLines": ["Hauptstraße 1"],
    "postalCode": "10115",
    "locality": "Berlin",
    "regionCode": "DE",
}
PAGE_SIZE = 20
CART_LINES = 5
ONE_BUYS_OF = 10
_ONE_LISTS_OF = 4


async def read_product(browser: Browser, number: int, context: Mapping[str, Any]) -> None:
    """Look at a product."""
    wanted = context["ids"][number % len(context["ids"])]
    product = await browser.fetch("GET", f"/v1/products/{wanted}")
    if product["id"] != wanted or not product["variants"]:
        raise WrongAnswer(f"the product {product['id']} in place of {wanted}")


async def add_to_cart(browser: Browser, number: int, context: Mapping[str, Any]) -> None:
    """Add something to the cart with this number."""
    variant = Random(number).choice(context["variants"])
    headers = {"x-cart-token": context["tokens"][number]}
    cart = await browser.fetch("POST", "/v1/cart/items", {"variantId": variant, "quantity": 1}, headers)
    _check_cart(cart, lines=CART_LINES)


async def buy_as_guest(browser: Browser, number: int, context: Mapping[str, Any]) -> None:
    """Buy two things as somebody who has never been here."""
    first, second = Random().sample(context["variants"], 2)
    cart = await browser.fetch("POST", "/v1/cart/items", {"variantId": first, "quantity": 1})
    guest = {"x-cart-token": cart["token"]}
    await browser.fetch("POST", "/v1/cart/items", {"variantId": second, "quantity": 2}, guest)
    await browser.fetch("PUT", "/v1/cart/email", {"email": f"guest{number}@bench.example"}, guest)
    await browser.fetch("PUT", "/v1/cart/addresses", {"shippingAddress": ADDRESS}, guest)
    ways = await browser.fetch("GET", "/v1/cart/shipping-methods", headers=guest)
    way = {"shippingMethodId": ways["shippingMethods"][0]["id"]}
    cart = await browser.fetch("PUT", "/v1/cart/shipping-method", way, guest)
    _check_cart(cart, lines=2)
    total = cart["totals"]["total"]
    order = {"expectedTotal": total, "paymentProvider": "MANUAL", "requestId": str(uuid4())}
    placed = await browser.fetch("POST", "/v1/orders", order, guest)
    if placed["order"]["totals"]["total"] != total:
        raise WrongAnswer(f"the order costs {placed['order']['totals']['total']} and the cart {total}")
    record = f"/v1/payments/{placed['payment']['id']}:record"
    admin = {"authorization": f"Bearer {context['admin']}"}
    paid = await browser.fetch("POST", record, {"amount": total, "reference": "transfer"}, admin)
    if paid["status"] != "CAPTURED":
        raise WrongAnswer(f"the payment is {paid['status']}")


def _check_cart(cart: Mapping[str, Any], *, lines: int) -> None:
    items = cart["items"]
    subtotal = sum(int(item["unitPrice"]["amountMinor"]) * item["quantity"] for item in items)
    if len(items) < lines or int(cart["totals"]["subtotal"]["amountMinor"]) != subtotal:
        raise WrongAnswer(f"a cart of {len(items)} lines with a subtotal of {cart['totals']['subtotal']}")


async def visit(browser: Browser, number: int, context: Mapping[str, Any]) -> None:
    """Look at a product or a list; one in some buys what lies in a cart."""
    if number % ONE_BUYS_OF == 0:
        await _buy(browser, number // ONE_BUYS_OF, context)
    elif number % _ONE_LISTS_OF == 1:
        page = await browser.fetch("GET", Random(number).choice(context["lists"]))
        if len(page["products"]) != PAGE_SIZE:
            raise WrongAnswer(f"a page of {len(page['products'])} products")
    else:
        await read_product(browser, Random(number).randrange(len(context["ids"])), context)


async def try_to_buy(browser: Browser, number: int, context: Mapping[str, Any]) -> None:
    """Buy what lies in a cart, or be told that there is no more of it."""
    status, body = await browser.call("POST", "/v1/orders", *_order(number, context))
    answer = json.loads(body)
    reasons = [detail.get("reason") for detail in answer.get("details", [])]
    if status != 200 and "OUT_OF_STOCK" not in reasons:
        raise WrongAnswer(f"{status} {body[:300]!r}")


async def _buy(browser: Browser, number: int, context: Mapping[str, Any]) -> None:
    placed = await browser.fetch("POST", "/v1/orders", *_order(number, context))
    total = placed["order"]["totals"]["total"]["amountMinor"]
    if int(total) != context["totals"][number]:
        raise WrongAnswer(f"an order of {total} in place of {context['totals'][number]}")


def _order(number: int, context: Mapping[str, Any]) -> tuple[object, Mapping[str, str]]:
    total = {"currencyCode": "EUR", "amountMinor": str(context["totals"][number])}
    body = {"expectedTotal": total, "paymentProvider": "MANUAL", "requestId": str(uuid4())}
    return body, {"x-cart-token": context["tokens"][number]}
