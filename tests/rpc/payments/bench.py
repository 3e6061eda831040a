"""Payments put together as in the shop: the real chain, PostgreSQL, jobs and Stripe's SDK, with orders left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import grpc
from google.api.httpbody_pb2 import HttpBody
from kontor.payments.v1 import payments_pb2, payments_service_pb2
from psycopg.types.json import Jsonb

from server.db.handlers import Handler, Jobs, register
from server.db.jobs import make_job_app
from server.db.session import Database, WriteTx
from server.db.statement import together
from server.features.payments import queries
from server.features.payments.jobs import RETRY, PaymentJobs
from server.features.payments.providers.stripe.gateway import StripeGateway
from server.features.payments.providers.stripe.webhook_gateway import StripeWebhooks
from server.features.payments.reconciliation.service import Reconciliation
from server.features.payments.service import PaymentService
from server.features.payments.servicer import PaymentServicer
from server.features.payments.tasks import ApplyEvent, CancelPayments, Refund
from server.features.payments.values import LateMoney, Payment, PaymentTotals, Provider
from server.features.payments.webhooks.service import Webhooks
from server.kernel.actor import Actor, Role
from server.kernel.ids import PAYMENT, CartId, OrderId, PaymentId, UserId
from server.rpc.auth import AccessTokens, Authenticator, CartTokens, Revocations
from server.rpc.chain import Chain, Service
from server.rpc.server import Server
from tests.world.clock import ManualClock
from tests.world.looking import execute, run
from tests.world.people import Entrance, Person
from tests.world.stripe import SECRET, StripeStandIn


@dataclass
class OrderWatch:
    """Stands where orders stand: locks the order's row and notes what it is told."""

    told: list[PaymentTotals] = field(default_factory=list)
    actors: list[Actor | None] = field(default_factory=list)
    # What it answers to money that has come.
    verdict: LateMoney | None = None

    async def lock(self, tx: WriteTx, order_id: OrderId, /) -> None:
        """Lock the order's row."""
        await execute(tx, "SELECT FROM orders WHERE id = %s FOR UPDATE", order_id)

    async def payment_changed(
        self, tx: WriteTx, order_id: OrderId, payments: PaymentTotals, /, *, actor: Actor | None
    ) -> LateMoney | None:
        """Note the sums."""
        self.told.append(payments)
        self.actors.append(actor)
        return self.verdict if payments.captured_minor else None


@dataclass(frozen=True)
class PlacedOrder:
    """An order and who may see it."""

    id: OrderId
    user_id: UserId | None
    cart_id: CartId


class Bench:
    """Everything a test of payments needs."""

    def __init__(self, db: Database, stripe: StripeStandIn, gateway: StripeGateway, signing_key: bytes) -> None:
        self.db = db
        self.stripe = stripe
        self.clock = ManualClock(datetime.now(UTC).replace(microsecond=0))
        self.orders = OrderWatch()
        self.payments = PaymentService(
            db=db, gateways={Provider.STRIPE: gateway}, manual=True, settlement=self.orders, clock=self.clock
        )
        self.webhooks = Webhooks(
            db=db,
            provider=Provider.STRIPE,
            verifier=StripeWebhooks([SECRET]),
            payments=self.payments,
            clock=self.clock,
        )
        self.reconciliation = Reconciliation(db=db, payments=self.payments, clock=self.clock)
        self._cart_tokens = CartTokens([b"a secret of the tests, long enough"])
        self._access_tokens = AccessTokens(
            [signing_key], clock=self.clock, revocations=Revocations(self.clock, keep=timedelta(hours=1))
        )
        chain = Chain(db=db, authenticator=Authenticator(self._access_tokens, self._cart_tokens), clock=self.clock)
        service = payments_service_pb2.DESCRIPTOR.services_by_name["PaymentService"]
        servicer = PaymentServicer(db=db, payments=self.payments, webhooks={Provider.STRIPE: self.webhooks})
        self._server = Server(chain, [Service(service, servicer)], "127.0.0.1:0")
        self._jobs = make_job_app(db.dsn)
        jobs = PaymentJobs(payments=self.payments, webhooks={Provider.STRIPE: self.webhooks})
        handlers: list[Handler[Any]] = [
            Handler(ApplyEvent, jobs.apply_event, RETRY),
            Handler(Refund, jobs.refund, RETRY),
            Handler(CancelPayments, jobs.cancel, RETRY),
        ]
        register(self._jobs, Jobs(handlers=handlers))

    async def start(self) -> None:
        """Open the ports."""
        await self._server.start()
        await self._jobs.open_async()
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{self._server.port}")
        self.entrance = Entrance(self._channel, self._access_tokens, self._cart_tokens)

    async def stop(self) -> None:
        """Close the ports."""
        await self._channel.close(grace=None)
        await self._jobs.close_async()
        await self._server.stop(grace=0)

    # Callers.

    def owner(self, order: PlacedOrder) -> Person:
        """Sign in whoever placed an order, or let the guest in who did."""
        return self.entrance.account(user_id=order.user_id) if order.user_id else self.entrance.guest(order.cart_id)

    def admin(self) -> Person:
        """Sign in as an administrator."""
        return self.entrance.account(Role.ADMIN)

    def stranger(self) -> Person:
        """Sign in as somebody who has nothing here."""
        return self.entrance.account()

    # Things.

    async def make_order(self, *, guest: bool = False, status: str = "PENDING") -> PlacedOrder:
        """Write the row of an order."""
        order = PlacedOrder(OrderId(uuid4()), None if guest else UserId(uuid4()), CartId(uuid4()))
        now = self.clock.now()
        values: dict[str, Any] = {
            "id": order.id,
            "number": uuid4().hex,
            "cart_id": order.cart_id,
            "user_id": order.user_id,
            "email": "buyer@example.com",
            "status": status,
            "payment_status": "UNPAID",
            "fulfillment_status": "UNFULFILLED",
            "currency": "EUR",
            **dict.fromkeys(("subtotal_minor", "total_minor"), 2500),
            **dict.fromkeys(("discount_minor", "shipping_minor", "tax_minor", "included_tax_minor"), 0),
            "taxes": Jsonb([]),
            "billing_address": Jsonb({}),
            **dict.fromkeys(("placed_time", "expires_time", "updated_time"), now),
        }
        columns, marks = ", ".join(values), ", ".join(["%s"] * len(values))
        await self.run(f"INSERT INTO orders ({columns}) VALUES ({marks})", *values.values())
        return order

    async def make_payment(
        self, order: PlacedOrder, *, provider: Provider = Provider.STRIPE, amount_minor: int = 2500
    ) -> Payment:
        """Write the row of a payment; no provider knows of it yet."""
        payment = self.payments.draft(
            order_id=order.id, provider=provider, amount_minor=amount_minor, currency="EUR", now=self.clock.now()
        )
        async with self.db.write() as tx:
            await together(tx, self.payments.inserting(payment))
            return await queries.get_payment(tx, payment.id)

    async def started(self, order: PlacedOrder | None = None) -> Payment:
        """Make a payment that Stripe knows of."""
        payment = await self.make_payment(order or await self.make_order())
        return await self.payments.start(payment)

    async def payment(self, payment_id: PaymentId) -> Payment:
        """Look at a payment, whoever owns it."""
        async with self.db.read() as tx:
            return await queries.get_payment(tx, payment_id)

    async def send(self, payload: bytes, *, signature: str | None = None) -> None:
        """Deliver an event as Stripe does."""
        request = payments_service_pb2.HandleStripeEventRequest(event=HttpBody(data=payload))
        await self.entrance.guest().call(request, stripe_signature=signature or StripeStandIn.sign(payload))

    async def run_jobs(self) -> None:
        """Run every job that is due."""
        await self._jobs.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    async def run(self, sql: str, *params: object) -> list[Any]:
        """Look into the database."""
        return await run(self.db, sql, *params)

    async def ledger(self, payment: Payment) -> Sequence[tuple[str, str, int]]:
        """Return the ledger of a payment, oldest first."""
        found = await self.run(
            "SELECT kind, status, amount_minor FROM payment_transactions WHERE payment_id = %s ORDER BY id", payment.id
        )
        return [(kind, status, amount) for kind, status, amount in found]

    async def events(self, payment: Payment) -> list[str]:
        """Return what others were told of the payment's order, oldest first."""
        found = await self.run("SELECT type FROM events WHERE aggregate_id = %s ORDER BY sequence", payment.order_id)
        return [kind for (kind,) in found]


def id_of(payment: Payment) -> str:
    """Return the id of a payment for the outside."""
    return PAYMENT.write(payment.id)


def status_name(payment: payments_pb2.Payment) -> str:
    """Name the status of a payment."""
    return payments_pb2.Payment.Status.Name(payment.status)
