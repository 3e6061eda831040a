"""Stand-ins for what lies outside the shop. They are real servers on loopback: our side uses its real client."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Json = dict[str, Any]

SECRET = "whsec_test"  # Signs nothing but the tests' own events.


class StripeStandIn:
    """As much of Stripe as a payment needs: intents, refunds, idempotency keys, signed events, and outages on demand.

    Unlike localstripe it honours idempotency keys, and it can lose an answer, hang and fail.
    """

    def __init__(self) -> None:
        self.intents: dict[str, Json] = {}
        self.refunds: dict[str, Json] = {}
        # What was asked, as "POST /v1/refunds".
        self.calls: list[str] = []
        # The status that refunds get.
        self.refund_status = "succeeded"
        self.url = ""
        self._answers: dict[str, tuple[Json, int, Json]] = {}
        self._faults: list[tuple[str, str]] = []
        self._gates: list[tuple[str, asyncio.Event, asyncio.Event]] = []
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_post("/v1/payment_intents", self._keyed(self._create_intent))
        app.router.add_get("/v1/payment_intents/{id}", self._plain(self._retrieve_intent))
        app.router.add_post("/v1/payment_intents/{id}/cancel", self._plain(self._cancel_intent))
        app.router.add_post("/v1/refunds", self._keyed(self._create_refund))
        app.router.add_get("/v1/refunds", self._plain(self._list_refunds))
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Let go of every caller."""
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def reset(self) -> None:
        """Forget what was asked and what was to go wrong; intents stay."""
        self.calls.clear()
        self._faults.clear()
        self._gates.clear()
        self.refund_status = "succeeded"

    def fail_next(self, call: str, how: str, times: int = 1) -> None:
        """Spoil the next calls such as "POST /v1/refunds".

        `how`: "refuse" (400), "error" (500, nothing done), "drop" (connection closed, nothing done), "lose" (done, but
        the answer is lost), "hang" (done, but the answer never comes).
        """
        self._faults.extend([(call, how)] * times)

    def hold_next(self, call: str) -> tuple[asyncio.Event, asyncio.Event]:
        """Hold back the next answer after it was made; return (it was made, let it go)."""
        made, release = asyncio.Event(), asyncio.Event()
        self._gates.append((call, made, release))
        return made, release

    def count(self, call: str) -> int:
        """Count the calls that began so."""
        return sum(one.startswith(call) for one in self.calls)

    # What the buyer does.

    def pay(self, reference: str, *, amount: int | None = None) -> None:
        """Let the buyer pay."""
        intent = self.intents[reference]
        received = intent["amount"] if amount is None else amount
        intent.update(status="succeeded", amount_received=received, last_payment_error=None, latest_charge="ch_1")

    def decline(self, reference: str, code: str = "insufficient_funds") -> None:
        """Let the buyer's bank decline."""
        error = {"type": "card_error", "code": "card_declined", "decline_code": code}
        self.intents[reference].update(status="requires_payment_method", last_payment_error=error)

    def move(self, reference: str, status: str, **changes: Any) -> None:
        """Put an intent into any state."""
        self.intents[reference].update(status=status, **changes)

    def refund_by_hand(self, reference: str, amount: int) -> str:
        """Refund as somebody does it in Stripe's own pages."""
        return str(self._new_refund({"payment_intent": reference, "amount": amount}, {})["id"])

    # Events.

    def event(self, kind: str, subject: Json, event_id: str = "evt_1") -> bytes:
        """Make the body of an event."""
        event = {"id": event_id, "object": "event", "type": kind, "data": {"object": subject}}
        return json.dumps(event, indent=2).encode()

    def announcement(self, reference: str, event_id: str) -> bytes:
        """Make the body of the event that tells that an intent is paid."""
        return self.event("payment_intent.succeeded", self.intents[reference], event_id)

    @staticmethod
    def sign(payload: bytes, secret: str = SECRET, *, age_seconds: int = 0) -> str:
        """Sign a body as https://docs.stripe.com/webhooks#verify-manually describes it."""
        timestamp = int(time.time()) - age_seconds
        digest = hmac.new(secret.encode(), b"%d.%s" % (timestamp, payload), hashlib.sha256).hexdigest()
        return f"t={timestamp},v1={digest}"

    # The API.

    async def _create_intent(self, request: web.Request, params: Json) -> tuple[int, Json]:
        if "payment_method_types" in params and request.headers["Stripe-Version"] >= "2026-09-30":
            return _error(400, "payment_method_types_no_longer_supported")
        if params["amount"] < 1:
            return _error(400, "parameter_invalid_integer")
        reference = f"pi_{len(self.intents) + 1}"
        self.intents[reference] = {
            "id": reference,
            "object": "payment_intent",
            "amount": params["amount"],
            "currency": params["currency"],
            "amount_received": 0,
            "amount_capturable": 0,
            "status": "requires_payment_method",
            "client_secret": f"{reference}_secret_x",
            "last_payment_error": None,
            "latest_charge": None,
            "cancellation_reason": None,
            "metadata": params.get("metadata", {}),
        }
        return 200, dict(self.intents[reference])

    async def _retrieve_intent(self, request: web.Request, _: Json) -> tuple[int, Json]:
        intent = self.intents.get(request.match_info["id"])
        return (200, dict(intent)) if intent else _error(404, "resource_missing")

    async def _cancel_intent(self, request: web.Request, _: Json) -> tuple[int, Json]:
        intent = self.intents[request.match_info["id"]]
        if intent["status"] in ("succeeded", "canceled", "processing"):
            return _error(400, "payment_intent_unexpected_state")
        intent.update(status="canceled", amount_capturable=0)
        return 200, dict(intent)

    async def _create_refund(self, _: web.Request, params: Json) -> tuple[int, Json]:
        intent = self.intents[params["payment_intent"]]
        given = sum(
            refund["amount"]
            for refund in self.refunds.values()
            if refund["payment_intent"] == intent["id"] and refund["status"] != "failed"
        )
        if given + params["amount"] > intent["amount_received"]:
            return _error(400, "charge_already_refunded")
        return 200, dict(self._new_refund(params, params.get("metadata", {})))

    async def _list_refunds(self, request: web.Request, _: Json) -> tuple[int, Json]:
        of = request.query["payment_intent"]
        data = [dict(refund) for refund in self.refunds.values() if refund["payment_intent"] == of]
        return 200, {"object": "list", "data": data, "has_more": False, "url": "/v1/refunds"}

    def _new_refund(self, params: Json, metadata: Json) -> Json:
        reference = f"re_{len(self.refunds) + 1}"
        self.refunds[reference] = {
            "id": reference,
            "object": "refund",
            "payment_intent": params["payment_intent"],
            "amount": params["amount"],
            "status": self.refund_status,
            "metadata": metadata,
        }
        return self.refunds[reference]

    def _plain(
        self, handle: Callable[[web.Request, Json], Awaitable[tuple[int, Json]]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            call = f"{request.method} {request.path}"
            self.calls.append(call)
            how = self._fault(call)
            if how == "drop":
                return self._hang_up(request)
            if how in ("error", "refuse"):
                return _response(*_error(*((500, "api_error") if how == "error" else (400, "refused_for_a_test"))))
            status, body = await handle(request, _unflatten(await request.post()))
            await self._hold(call)
            if how == "lose":
                return self._hang_up(request)
            if how == "hang":
                await self._released.wait()
            return _response(status, body)

        return answer

    def _keyed(
        self, handle: Callable[[web.Request, Json], Awaitable[tuple[int, Json]]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def once(request: web.Request, params: Json) -> tuple[int, Json]:
            key = request.headers["Idempotency-Key"]
            if key in self._answers:
                first, status, body = self._answers[key]
                return (status, body) if first == params else _error(400, "idempotency_key_reused", "idempotency_error")
            status, body = await handle(request, params)
            self._answers[key] = (params, status, body)
            return status, body

        return self._plain(once)

    def _fault(self, call: str) -> str | None:
        for index, (of, how) in enumerate(self._faults):
            if call.startswith(of):
                del self._faults[index]
                return how
        return None

    async def _hold(self, call: str) -> None:
        for index, (of, made, release) in enumerate(self._gates):
            if call.startswith(of):
                del self._gates[index]
                made.set()
                await release.wait()
                return

    @staticmethod
    def _hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


def _response(status: int, body: Json) -> web.Response:
    return web.json_response(body, status=status)


def _error(status: int, code: str, kind: str = "invalid_request_error") -> tuple[int, Json]:
    return status, {"error": {"type": kind, "code": code, "message": code}}


def _unflatten(form: Any) -> Json:
    params: Json = {}
    for name, value in form.items():
        head, _, inner = name.partition("[")
        if inner:
            params.setdefault(head, {})[inner.rstrip("]")] = value
        else:
            params[name] = int(value) if name == "amount" else value
    return params
