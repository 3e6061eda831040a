"""Payments: the door of this feature. Orders builds on it and is told of every change of money."""

from collections.abc import Mapping
from datetime import datetime

import structlog

from server.db.idempotency import Claim
from server.db.jobs import defer
from server.db.session import Database, ReadTx, WriteTx, assert_no_transaction
from server.db.statement import Bound, together
from server.features.payments import ledger_queries, queries, rules
from server.features.payments.errors import PaymentProviderDisabled, PaymentRefused, PaymentTransitionInvalid
from server.features.payments.gateway import Gateway
from server.features.payments.settlement.service import Settlement, SettlementListener
from server.features.payments.tasks import ApplyEvent, CancelPayments
from server.features.payments.values import (
    Payment,
    PaymentStatus,
    PaymentTotals,
    Provider,
    Transaction,
    TransactionKind,
    TransactionStatus,
)
from server.features.payments.webhooks.queries import listing_kept
from server.kernel.actor import Actor, Viewer
from server.kernel.clock import Clock
from server.kernel.errors import invalid_field
from server.kernel.ids import PAYMENT, OrderId, PaymentId, TransactionId
from server.kernel.money import Money

_log = structlog.get_logger("server.features.payments")


class PaymentService:
    """Use cases of payments."""

    def __init__(
        self,
        *,
        db: Database,
        gateways: Mapping[Provider, Gateway],
        manual: bool,
        settlement: SettlementListener,
        clock: Clock,
    ) -> None:
        """`gateways` holds the providers of this shop; MANUAL has none, and `manual` says whether it is offered."""
        self._db = db
        self._gateways = gateways
        self._offered = {*gateways, Provider.MANUAL} if manual else set(gateways)
        self._settlement = Settlement(listener=settlement, clock=clock)
        self._clock = clock

    def draft(
        self, *, order_id: OrderId, provider: Provider, amount_minor: int, currency: str, now: datetime
    ) -> Payment:
        """Return a new attempt, for `inserting`. Raises PaymentProviderDisabled."""
        if provider not in self._offered:
            raise PaymentProviderDisabled(provider=provider)
        return Payment(
            id=PAYMENT.new(),
            order_id=order_id,
            provider=provider,
            status=PaymentStatus.CREATED,
            currency=currency,
            amount_minor=amount_minor,
            captured_minor=0,
            refunded_minor=0,
            provider_reference=None,
            client_secret="",
            failure_code="",
            created_time=now,
            updated_time=now,
        )

    def inserting(self, payment: Payment) -> Bound[object]:
        """Return the statement that stores a new attempt; `start` then tells the provider, after the commit."""
        return queries.inserting_payment(payment)

    async def start(self, payment: Payment) -> Payment:
        """Tell the provider of a payment and store its reference; done already, it changes nothing.

        The answer carries the client secret: show it to the owner only. Raises PaymentProviderUnavailable,
        PaymentRefused.
        """
        if payment.provider is Provider.MANUAL or payment.provider_reference is not None:
            return payment
        if payment.status not in (PaymentStatus.CREATED, PaymentStatus.FAILED):
            return payment
        try:
            state = await self._gateway(payment).create(
                payment.id, order_id=payment.order_id, amount_minor=payment.amount_minor, currency=payment.currency
            )
        except PaymentRefused as refusal:
            async with self._db.write() as tx:
                await self._settlement.end(tx, payment, PaymentStatus.FAILED, failure_code=refusal.provider_code)
            raise refusal.of(payment.order_id) from refusal
        now = self._clock.now()
        async with self._db.write() as tx:
            # Events about it may have come before its reference stood here.
            _, kept = await together(
                tx,
                queries.updating_reference(
                    payment.id, reference=state.reference, client_secret=state.client_secret, now=now
                ),
                listing_kept(payment.provider, state.reference),
            )
            for event_id in kept:
                await defer(tx, ApplyEvent(provider=payment.provider, event_id=event_id))
        return await self._load(payment.id)

    async def settle(self, payment_id: PaymentId, *, actor: Actor | None) -> Payment:
        """Ask the provider how far a payment has come, and bring payment, ledger and order up to date.

        The webhook's job, the sweeper of orders and reconciliation all end here. Raises PaymentNotFound,
        PaymentProviderUnavailable, PaymentProviderDisabled, PaymentRefused.
        """
        await self._settle(await self._load(payment_id), actor=actor)
        return await self._load(payment_id)

    async def confirm_payment(self, payment_id: PaymentId, *, viewer: Viewer, actor: Actor) -> Payment:
        """Settle a payment that the viewer may see, as after the buyer's return from the bank.

        Raises PaymentNotFound, PaymentProviderUnavailable, PaymentProviderDisabled, PaymentRefused.
        """
        async with self._db.read() as tx:
            payment = await queries.get_visible_payment(tx, payment_id, viewer=viewer)
        await self._settle(payment, actor=actor)
        # Nothing but the statement decides who sees the client secret.
        async with self._db.read() as tx:
            return await queries.get_visible_payment(tx, payment_id, viewer=viewer)

    async def record_manual_payment(
        self, payment_id: PaymentId, *, amount: Money, reference: str, actor: Actor, claim: Claim
    ) -> Payment:
        """Record money that came by bank transfer or in cash.

        Raises PaymentNotFound, PaymentTransitionInvalid, InvalidArgument when the amount is another one.
        """
        payment = await self._load(payment_id)
        async with self._db.write() as tx:
            if await claim.take(tx, payment_id) is None:
                payment = await self._settlement.lock(tx, payment)
                _check_manual(payment, amount)
                await self._settlement.record_manual(tx, payment, reference=reference, actor=actor)
        return await self._load(payment_id)

    async def request_cancel(self, tx: WriteTx, order_id: OrderId) -> None:
        """Queue giving up every open payment of an order that wants no money any more."""
        await defer(tx, CancelPayments(order_id=order_id))

    async def cancel_for_order(self, order_id: OrderId) -> None:
        """Give up every open payment of an order; one that turns out paid is settled instead.

        Raises PaymentProviderUnavailable.
        """
        async with self._db.read() as tx:
            payments = await self.list_open(tx, order_id)
        for payment in payments:
            await self.cancel(payment.id)

    async def cancel(self, payment_id: PaymentId) -> None:
        """Give up a payment; one that turns out paid is settled instead. Raises PaymentProviderUnavailable."""
        try:
            # An intent may exist without our knowing: the same key finds it.
            payment = await self.start(await self._load(payment_id))
        except PaymentRefused:
            payment = await self._load(payment_id)
        if payment.provider_reference is None:
            async with self._db.write() as tx:
                await self._settlement.end(tx, payment, PaymentStatus.CANCELED, failure_code=payment.failure_code)
            return
        state = await self._gateway(payment).cancel(payment.provider_reference)
        async with self._db.write() as tx:
            await self._settlement.apply(tx, payment, state, actor=None)

    async def request_refund(self, tx: WriteTx, order_id: OrderId, *, note: str, actor: Actor | None) -> int:
        """Record that all money of an order goes back, and queue asking for it; return how much, in minor units.

        The caller holds the order's lock. `payment_changed` is called when the money has gone back.
        """
        payments = await queries.list_payments(tx, order_id)
        return sum([await self._settlement.request_refund(tx, payment, note=note, actor=actor) for payment in payments])

    async def refund(self, transaction_id: TransactionId) -> None:
        """Ask the provider for a refund that the ledger wants; asked already, it changes nothing.

        Raises PaymentProviderUnavailable.
        """
        async with self._db.read() as tx:
            wanted = await ledger_queries.find_transaction(tx, transaction_id)
        if wanted is None or wanted.status is not TransactionStatus.PENDING or wanted.provider_reference is not None:
            return
        payment = await self._load(wanted.payment_id)
        if payment.provider_reference is None:
            return
        try:
            refund = await self._gateway(payment).refund(
                wanted.id,
                reference=payment.provider_reference,
                amount_minor=wanted.amount_minor,
                currency=payment.currency,
            )
        except PaymentRefused as refusal:
            _log.error("payments.refund_refused", payment_id=str(payment.id), provider_code=refusal.provider_code)
            async with self._db.write() as tx:
                await self._settlement.fail_refund(tx, payment, wanted.id)
            return
        async with self._db.write() as tx:
            await self._settlement.apply_refund(tx, payment, refund)

    async def find_first(self, tx: ReadTx, order_id: OrderId) -> Payment | None:
        """Return the payment with which an order was placed, with its client secret: show it to the owner only."""
        return await queries.find_first_payment(tx, order_id)

    async def list_open(self, tx: ReadTx, order_id: OrderId) -> list[Payment]:
        """Return the payments of an order on which money may still come."""
        payments = await queries.list_payments(tx, order_id)
        return [payment for payment in payments if payment.status in rules.IN_FLIGHT]

    async def list_refunds(self, payment_id: PaymentId) -> list[Transaction]:
        """Return the rows of the ledger about money that goes back, oldest first."""
        async with self._db.read() as tx:
            transactions = await ledger_queries.list_transactions(tx, payment_id)
        return [row for row in transactions if row.kind is TransactionKind.REFUND]

    async def totals(self, tx: ReadTx, order_id: OrderId) -> PaymentTotals:
        """Return the sums over the payments of an order."""
        return await ledger_queries.get_totals(tx, order_id)

    async def _settle(self, payment: Payment, *, actor: Actor | None) -> None:
        payment = await self.start(payment)
        if payment.provider_reference is None:
            return
        try:
            state = await self._gateway(payment).retrieve(payment.provider_reference)
        except PaymentRefused as refusal:
            raise refusal.of(payment.order_id) from refusal
        async with self._db.write() as tx:
            await self._settlement.apply(tx, payment, state, actor=actor)

    async def _load(self, payment_id: PaymentId) -> Payment:
        async with self._db.read() as tx:
            return await queries.get_payment(tx, payment_id)

    def _gateway(self, payment: Payment) -> Gateway:
        assert_no_transaction()
        if payment.provider not in self._gateways:
            raise PaymentProviderDisabled(provider=payment.provider)
        return self._gateways[payment.provider]


def _check_manual(payment: Payment, amount: Money) -> None:
    manual = payment.provider is Provider.MANUAL
    if not manual or payment.status is not PaymentStatus.CREATED:
        allowed = rules.TRANSITIONS[payment.status] if manual else frozenset()
        raise PaymentTransitionInvalid(payment.status, PaymentStatus.CAPTURED, allowed)
    if amount != Money(payment.currency, payment.amount_minor):
        raise invalid_field("amount", f"must be the payment's {payment.amount_minor} {payment.currency} in minor units")
