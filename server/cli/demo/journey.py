"""The journey of a purchase, from registration to the parcel."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from server.cli.demo.outside import Mailbox, StripeCheckout
from server.cli.demo.screen import JourneyScreen
from server.cli.demo.transport import Credentials, Exchange, Transport

T = TypeVar("T")

_PATIENCE_SECONDS = 30.0
_ADDRESS = {
    "recipient": "Ada Lovelace",
    "addressLines": ["Rosenstraße 12"],
    "postalCode": "10178",
    "locality": "Berlin",
    "regionCode": "DE",
}


class JourneyFailed(Exception):
    """A step did not go as it should; the message says which and how."""


@dataclass(slots=True)
class Journey:
    """Buys something, step by step, and shows each step."""

    transport: Transport
    screen: JourneyScreen
    mailbox: Mailbox
    stripe: StripeCheckout
    admin_email: str
    admin_password: str
    # Where the invoice is put.
    folder: Path
    email: str = field(default_factory=lambda: f"ada-{secrets.token_hex(4)}@customer.example")
    password: str = field(default_factory=lambda: secrets.token_urlsafe(15))
    buyer: Credentials = field(default_factory=Credentials)
    admin: Credentials = field(default_factory=Credentials)

    async def run(self) -> None:
        """Go all the way. Raises JourneyFailed at the first step that goes wrong."""
        await self._register()
        variants = await self._browse()
        await self._fill_cart_as_guest(variants)
        await self._log_in()
        total = await self._check_out()
        placed = await self._place(total)
        await self._pay(placed)
        await self._invoice(placed["order"]["id"])
        await self._ship(placed["order"]["id"])
        await self._timeline(placed["order"]["id"])
        await self._race_for_the_last_unit(variants[0])

    async def _register(self) -> None:
        self.screen.step("Register")
        await self._do(
            "Register", {"email": self.email, "password": self.password, "displayName": "Ada Lovelace"}, self.buyer
        )
        self.screen.step("Verify the address with the code of the mail")
        mail = await self._wait_for("the verification mail", lambda: self.mailbox.find(self.email, "Confirm your"))
        code = _first_match(r"token=([\w.~-]+)", mail)
        self.screen.say(f"mail caught: {_subject(mail)}")
        await self._do("VerifyEmail", {"token": code, "password": self.password}, self.buyer)

    async def _browse(self) -> list[dict[str, Any]]:
        self.screen.step("Browse: the category tree, then the newest products in stock")
        await self._do("ListCategories", {}, self.buyer)
        await self._do("ListProducts", {"pageSize": 3, "inStock": True}, self.buyer)
        self.screen.step("Search")
        await self._do("SearchProducts", {"query": "shirt", "pageSize": 2}, self.buyer)
        self.screen.step("Open a product that comes in several variants")
        listed = await self.transport.call("ListProducts", {"pageSize": 100, "inStock": True}, self.buyer)
        for summary in listed.answer["products"]:
            opened = await self.transport.call("GetProduct", {"productId": summary["slug"]}, self.buyer)
            variants = [variant for variant in opened.answer["variants"] if _suits(variant)]
            if len(variants) > 1:
                self.screen.show(opened)
                return variants[:2]
        raise JourneyFailed("no product has two variants in stock: import the sample catalog first")

    async def _fill_cart_as_guest(self, variants: list[dict[str, Any]]) -> None:
        self.screen.step("Put two variants in the cart, as a guest")
        first = await self._do(
            "AddItem", {"variantId": variants[0]["id"], "quantity": 1}, self.buyer, key=secrets.token_hex(8)
        )
        self.buyer.cart_token = first["token"]
        await self._do("AddItem", {"variantId": variants[1]["id"], "quantity": 2}, self.buyer, key=secrets.token_hex(8))

    async def _log_in(self) -> None:
        self.screen.step("Log in, and take the guest's cart along")
        session = await self._do("Login", {"email": self.email, "password": self.password}, self.buyer)
        guest_token, self.buyer.cart_token = self.buyer.cart_token, ""
        self.buyer.access_token = session["tokens"]["accessToken"]
        await self._do("MergeCart", {"cartToken": guest_token}, self.buyer)

    async def _check_out(self) -> dict[str, Any]:
        self.screen.step("Set address and shipping")
        await self._do("SetAddresses", {"shippingAddress": _ADDRESS}, self.buyer)
        methods = await self._do("ListShippingMethods", {}, self.buyer)
        choice = methods["shippingMethods"][0]["id"]
        cart = await self._do("SetShippingMethod", {"shippingMethodId": choice}, self.buyer)
        total: dict[str, Any] = cart["totals"]["total"]
        return total

    async def _place(self, total: dict[str, Any]) -> dict[str, Any]:
        self.screen.step("Place the order, with an idempotency key")
        request = {"expectedTotal": total, "paymentProvider": "STRIPE"}
        key = secrets.token_hex(16)
        placed = await self._do("PlaceOrder", request, self.buyer, key=key)
        self.screen.step("Place it again with the same key: the same order")
        again = await self.transport.call("PlaceOrder", request, self.buyer, key=key)
        if again.answer != placed:
            raise JourneyFailed("the second call made another answer")
        self.screen.say(f"← {again.status}, the same answer: order {again.answer['order']['number']}")
        return placed

    async def _pay(self, placed: dict[str, Any]) -> None:
        self.screen.step("Pay at Stripe, as the buyer's browser does")
        intent = await self.stripe.pay(placed["payment"]["providerReference"])
        self.screen.say(f"card 4242 … 4242 on {intent['id']}: {intent['status']}")
        self.screen.step("Stripe's signed webhook confirms the order")
        order_id = placed["order"]["id"]
        order = await self._wait_for("the confirmed order", lambda: self._confirmed(order_id))
        self.screen.show(order)
        mail = await self._wait_for("the confirmation mail", lambda: self.mailbox.find(self.email, "confirmed"))
        self.screen.say(f"mail caught: {_subject(mail)}")

    async def _confirmed(self, order_id: str) -> Exchange | None:
        seen = await self.transport.call("GetOrder", {"orderId": order_id}, self.buyer)
        return seen if seen.answer.get("status") == "CONFIRMED" else None

    async def _invoice(self, order_id: str) -> None:
        self.screen.step("Download the invoice")
        exchange = await self.transport.call("GetInvoice", {"orderId": order_id}, self.buyer)
        self.screen.show(exchange)
        if not exchange.file.startswith(b"%PDF"):
            raise JourneyFailed("the invoice is not a PDF")
        path = self.folder / f"invoice-{order_id}.pdf"
        path.write_bytes(exchange.file)
        self.screen.say(f"saved as {path}")

    async def _ship(self, order_id: str) -> None:
        self.screen.step("An administrator packs and ships it")
        session = await self._do("Login", {"email": self.admin_email, "password": self.admin_password}, self.admin)
        self.admin.access_token = session["tokens"]["accessToken"]
        parcel = await self._do("CreateFulfillment", {"orderId": order_id}, self.admin)
        await self._do(
            "ShipFulfillment",
            {
                "orderId": order_id,
                "fulfillmentId": parcel["id"],
                "carrier": "DHL",
                "trackingNumber": "00340434161094042557",
            },
            self.admin,
        )

    async def _timeline(self, order_id: str) -> None:
        self.screen.step("The customer follows the order")
        timeline = await self._do("ListTimeline", {"orderId": order_id}, self.buyer)
        for entry in timeline["entries"]:
            states = " → ".join(state for state in (entry.get("fromState"), entry.get("toState")) if state)
            self.screen.say(f"{entry['createTime'][11:19]}  {entry['actor'].lower():9} {entry['kind']:20} {states}")

    async def _race_for_the_last_unit(self, variant: dict[str, Any]) -> None:
        self.screen.step("Two guests want the last unit: the second learns what is left")
        variant_id = variant["id"]
        stock = await self._quietly("GetStock", {"variantId": variant_id}, self.admin)
        last_one = int(stock["reservedCount"]) + int(stock["safetyCount"]) + 1
        await self._adjust(variant_id, last_one, "the demo leaves one unit")
        try:
            first, second = Credentials(), Credentials()
            totals = [await self._guest_checkout(guest, variant_id) for guest in (first, second)]
            for guest, total in zip((first, second), totals, strict=True):
                request = {"expectedTotal": total, "paymentProvider": "STRIPE"}
                self.screen.show(await self.transport.call("PlaceOrder", request, guest, key=secrets.token_hex(16)))
        finally:
            await self._adjust(variant_id, int(stock["onHandCount"]), "the demo is over")

    async def _guest_checkout(self, guest: Credentials, variant_id: str) -> dict[str, Any]:
        cart = await self._quietly("AddItem", {"variantId": variant_id, "quantity": 1}, guest)
        guest.cart_token = cart["token"]
        await self._quietly("SetEmail", {"email": f"guest-{secrets.token_hex(4)}@customer.example"}, guest)
        await self._quietly("SetAddresses", {"shippingAddress": _ADDRESS}, guest)
        methods = await self._quietly("ListShippingMethods", {}, guest)
        choice = {"shippingMethodId": methods["shippingMethods"][0]["id"]}
        total: dict[str, Any] = (await self._quietly("SetShippingMethod", choice, guest))["totals"]["total"]
        return total

    async def _adjust(self, variant_id: str, on_hand: int, reason: str) -> None:
        request = {"variantId": variant_id, "onHandCount": str(on_hand), "reason": reason}
        await self._quietly("AdjustStock", request, self.admin)

    async def _do(
        self, rpc: str, request: dict[str, Any], credentials: Credentials, *, key: str = ""
    ) -> dict[str, Any]:
        exchange = await self.transport.call(rpc, request, credentials, key=key)
        self.screen.show(exchange)
        return _answer(rpc, exchange)

    async def _quietly(self, rpc: str, request: dict[str, Any], credentials: Credentials) -> dict[str, Any]:
        return _answer(rpc, await self.transport.call(rpc, request, credentials))

    async def _wait_for(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        deadline = monotonic() + _PATIENCE_SECONDS
        while monotonic() < deadline:
            found = await look()
            if found is not None:
                return found
            await asyncio.sleep(0.2)
        raise JourneyFailed(f"{what} did not come within {_PATIENCE_SECONDS:.0f} seconds; `kontor up` shows its logs")


def _answer(rpc: str, exchange: Exchange) -> dict[str, Any]:
    if not exchange.succeeded:
        raise JourneyFailed(f"{rpc} answered {exchange.status}: {exchange.answer.get('message', '')}")
    return exchange.answer


def _suits(variant: dict[str, Any]) -> bool:
    """Whether it is sent, in stock and counted, so that the last one can be sold."""
    availability = variant["availability"]
    return bool(variant["requiresShipping"] and availability["inStock"] and "availableCount" in availability)


def _subject(mail: str) -> str:
    return _first_match(r"(?m)^Subject: (.*)$", mail).strip()


def _first_match(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise JourneyFailed(f"the mail has nothing that looks like {pattern}")
    return match[1]
