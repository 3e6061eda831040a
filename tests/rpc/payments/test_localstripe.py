"""The same against localstripe, an independent implementation of Stripe, run as a program of its own."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import pytest
from aiohttp import web

from server.features.payments.providers.stripe.gateway import StripeGateway
from server.features.payments.values import LateMoney, PaymentTotals
from tests.rpc.payments.bench import Bench
from tests.world.stripe import SECRET
from tests.world.waiting import eventually

_KEY = "sk_test_12345"


@dataclass
class LocalStripe:
    """A running localstripe, and the buyer's side of it."""

    url: str
    # Body and signature of each event that it sent.
    sent: list[tuple[bytes, str]] = field(default_factory=list)

    async def post(self, path: str, **form: str | int) -> httpx.Response:
        """Do what Stripe's page in the buyer's browser does."""
        async with httpx.AsyncClient(base_url=self.url, auth=(_KEY, "")) as http:
            return await http.post(path, data=form)

    async def pay(self, intent: str | None, card: str) -> None:
        """Pay with a card."""
        details: dict[str, str | int] = {"card[number]": card, "card[exp_month]": 12}
        details |= {"card[exp_year]": 2040, "card[cvc]": "123"}
        method = (await self.post("/v1/payment_methods", type="card", **details)).raise_for_status().json()["id"]
        (await self.post(f"/v1/payment_intents/{intent}", payment_method=method)).raise_for_status()
        await self.post(f"/v1/payment_intents/{intent}/confirm")


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[LocalStripe]:
    """Run localstripe, and a place for its events."""
    local = LocalStripe(f"http://localhost:{_free_port()}")

    async def receive(request: web.Request) -> web.Response:
        local.sent.append((await request.read(), request.headers["Stripe-Signature"]))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "localstripe", "--from-scratch", "--port", local.url.rpartition(":")[2]),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    hook = {"url": f"http://127.0.0.1:{runner.addresses[0][1]}/", "secret": SECRET}

    async def answers() -> bool:
        with suppress(httpx.TransportError):
            return (await local.post("/_config/webhooks/kontor", **hook)).is_success
        return False

    await eventually(answers, bool, seconds=20)
    yield local
    process.terminate()
    await process.wait()
    await runner.cleanup()


@pytest.fixture
async def gateway(running: LocalStripe) -> AsyncIterator[StripeGateway]:
    """Talk to localstripe."""
    gateway = StripeGateway(_KEY, api_url=running.url)
    yield gateway
    await gateway.close()


async def test_from_the_intent_to_the_money(bench: Bench, running: LocalStripe) -> None:
    payment = await bench.started()
    await running.pay(payment.provider_reference, "4242424242424242")

    body, signature = await _event(running, payment.provider_reference, "payment_intent.succeeded")
    await bench.send(body, signature=signature)
    await bench.run_jobs()

    assert payment.client_secret
    assert (await bench.payment(payment.id)).status == "CAPTURED"
    assert bench.orders.told == [PaymentTotals(2500, 0, 0, 0, 0, 0, 0)]


async def test_a_declined_card(bench: Bench, running: LocalStripe) -> None:
    payment = await bench.started()
    await running.pay(payment.provider_reference, "4000000000000341")

    body, signature = await _event(running, payment.provider_reference, "payment_intent.payment_failed")
    await bench.send(body, signature=signature)
    await bench.run_jobs()

    declined = await bench.payment(payment.id)
    assert (declined.status, declined.failure_code) == ("FAILED", "card_declined")


async def test_a_card_that_asks_the_buyers_bank(bench: Bench, running: LocalStripe) -> None:
    payment = await bench.started()
    await running.pay(payment.provider_reference, "4000002760003184")

    asked = await bench.payments.settle(payment.id, actor=None)
    await running.post(
        f"/v1/payment_intents/{payment.provider_reference}/_authenticate",
        client_secret=payment.client_secret,
        success="true",
    )
    paid = await bench.payments.settle(payment.id, actor=None)

    assert (asked.status, paid.status) == ("REQUIRES_ACTION", "CAPTURED")


async def test_late_money_goes_back(bench: Bench, running: LocalStripe) -> None:
    bench.orders.verdict = LateMoney(note="too late")
    payment = await bench.started()
    await running.pay(payment.provider_reference, "4242424242424242")

    await bench.payments.settle(payment.id, actor=None)
    await bench.run_jobs()
    settled = await bench.payments.settle(payment.id, actor=None)

    assert (settled.captured_minor, settled.refunded_minor) == (2500, 2500)
    assert await bench.ledger(payment) == [("CAPTURE", "SUCCEEDED", 2500), ("REFUND", "SUCCEEDED", 2500)]


async def test_giving_up(bench: Bench, running: LocalStripe) -> None:
    unpaid, paid = await bench.started(), await bench.started()
    await running.pay(paid.provider_reference, "4242424242424242")

    await bench.payments.cancel(unpaid.id)
    await bench.payments.cancel(paid.id)

    assert (await bench.payment(unpaid.id)).status == "CANCELED"
    assert (await bench.payment(paid.id)).status == "CAPTURED"


async def _event(running: LocalStripe, reference: str | None, kind: str) -> tuple[bytes, str]:
    def find() -> tuple[bytes, str] | None:
        for body, signature in running.sent:
            if kind.encode() in body and str(reference).encode() in body:
                return body, signature
        return None

    found = await eventually(find)
    assert found is not None
    return found


def _free_port() -> int:
    # localstripe listens on both families.
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as free:
        return int(free.getsockname()[1])
