"""The one routine that brings a payment, its ledger and its order up to date, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any, Protocol

import structlog

from server.db.jobs import defer
from server.db.session import WriteTx
from server.db.statement import Bound, together
from server.features.events.service import recording
from server.features.payments import ledger_queries, queries, rules
from server.features.payments.settlement.rules import events_of_refunds, events_of_status
from server.features.payments.tasks import Refund
from server.features.payments.values import (
    Entry,
    LateMoney,
    Payment,
    PaymentStatus,
    PaymentTotals,
    Provider,
    ProviderState,
    RefundState,
    TransactionKind,
)
from server.kernel.actor import Actor
from server.kernel.clock import Clock
from server.kernel.event import Event
from server.kernel.ids import OrderId, TransactionId

_log = structlog.get_logger("server.features.payments")


class SettlementListener(Protocol):
    """Hears of money; orders implements it. Both methods run in the transaction that records the money."""

    async def lock(self, tx: WriteTx, order_id: OrderId, /) -> None:
        """Lock the order's row: in the lock order it comes before its payments."""
        ...

    async def payment_changed(
        self, tx: WriteTx, order_id: OrderId, payments: PaymentTotals, /, *, actor: Actor | None
    ) -> LateMoney | None:
        """Bring the order in line with the sums over its payments; called only when something changed.

        The order's row is locked. `actor` is None when the provider or a job told of it. On LateMoney the refund
        is recorded in this same transaction, and asked for afterwards.
        """
        ...


class Settlement:
    """Applies what providers and people say of money.

    Every method joins the caller's transaction and locks order, then payment.
    """

    def __init__(self, *, listener: SettlementListener, clock: Clock) -> None:
        self._listener = listener
        self._clock = clock

    async def lock(self, tx: WriteTx, payment: Payment) -> Payment:
        """Lock the order and the payment; return the payment as it is now. Raises PaymentNotFound."""
        await self._listener.lock(tx, payment.order_id)
        return await queries.lock_payment(tx, payment.id)

    async def apply(self, tx: WriteTx, payment: Payment, state: ProviderState, *, actor: Actor | None) -> None:
        """Record what the provider says now. Whoever comes second finds the work done."""
        payment = await self.lock(tx, payment)
        if state.currency != payment.currency:
            await self._refuse_currency(tx, payment, state)
            return
        if state.amount_minor != payment.amount_minor or state.captured_minor > payment.amount_minor:
            # The ledger says what came; orders judge whether it is too little or too much.
            _log.error("payments.amount_differs", payment_id=str(payment.id), amount_minor=state.amount_minor)
        status = rules.advance(payment.status, state.status)
        entries = rules.ledger_entries(payment, status, state)
        recorded = await ledger_queries.record_entries(tx, payment.id, entries, now=self._clock.now())
        moved = status is not payment.status
        # An answer that was overtaken says nothing about the last refusal either.
        code = state.failure_code if moved or status is state.status else payment.failure_code
        if moved or code != payment.failure_code:
            await self._update_status(tx, payment, status, failure_code=code)
        if moved or recorded:
            happened = events_of_status(payment, status) if moved else []
            await self._tell(tx, payment, events=[*happened, *events_of_refunds(payment, recorded)], actor=actor)

    async def apply_refund(self, tx: WriteTx, payment: Payment, refund: RefundState) -> None:
        """Record the provider's answer to a refund that the ledger asked for."""
        payment = await self.lock(tx, payment)
        entry = Entry(
            TransactionKind.REFUND, refund.status, refund.amount_minor, refund.reference, refund.transaction_id
        )
        recorded = await ledger_queries.record_entries(tx, payment.id, [entry], now=self._clock.now())
        if recorded:
            await self._tell(tx, payment, events=events_of_refunds(payment, recorded), actor=None)

    async def fail_refund(self, tx: WriteTx, payment: Payment, transaction_id: TransactionId) -> None:
        """Record that the provider refused a refund."""
        payment = await self.lock(tx, payment)
        failed = await ledger_queries.fail_refund(tx, transaction_id, now=self._clock.now())
        if failed is not None:
            await self._tell(tx, payment, events=events_of_refunds(payment, [failed]), actor=None)

    async def end(self, tx: WriteTx, payment: Payment, status: PaymentStatus, *, failure_code: str = "") -> None:
        """Move a payment that no provider knows of: refused from the start, or a manual one given up."""
        payment = await self.lock(tx, payment)
        if status not in rules.TRANSITIONS[payment.status] or payment.provider_reference is not None:
            return
        await self._update_status(tx, payment, status, failure_code=failure_code)
        await self._tell(tx, payment, events=events_of_status(payment, status), actor=None)

    async def record_manual(self, tx: WriteTx, payment: Payment, *, reference: str, actor: Actor) -> None:
        """Record money that somebody saw arrive; the payment is locked and waits for it."""
        now, captured = self._clock.now(), PaymentStatus.CAPTURED
        await self._tell(
            tx,
            payment,
            ledger_queries.inserting_capture(
                payment, reference=reference, note="recorded by hand", actor_id=actor.user_id, now=now
            ),
            queries.updating_status(payment.id, captured, failure_code="", now=now),
            events=events_of_status(payment, captured),
            actor=actor,
        )

    async def request_refund(self, tx: WriteTx, payment: Payment, *, note: str, actor: Actor | None) -> int:
        """Record that everything left of a payment goes back, and queue asking for it; return how much.

        The caller holds the order's lock, so that two requests never give the same money back.
        """
        amount = rules.refundable(await ledger_queries.list_transactions(tx, payment.id))
        if amount == 0:
            return 0
        transaction_id = await ledger_queries.insert_refund(
            tx,
            payment.id,
            amount_minor=amount,
            note=note,
            actor_id=actor.user_id if actor else None,
            now=self._clock.now(),
        )
        if payment.provider is Provider.MANUAL:
            # Nobody but a person can hand back cash or a transfer.
            _log.warning("payments.manual_refund_due", payment_id=str(payment.id), amount_minor=amount)
        else:
            await defer(tx, Refund(transaction_id=transaction_id))
        return amount

    async def _refuse_currency(self, tx: WriteTx, payment: Payment, state: ProviderState) -> None:
        # The ledger counts in the payment's currency; another one's numbers in it would be a lie.
        _log.error("payments.currency_differs", payment_id=str(payment.id), currency=state.currency)
        if payment.failure_code != "currency_mismatch":
            await self._update_status(tx, payment, payment.status, failure_code="currency_mismatch")

    async def _update_status(self, tx: WriteTx, payment: Payment, status: PaymentStatus, *, failure_code: str) -> None:
        await queries.update_status(tx, payment.id, status, failure_code=failure_code, now=self._clock.now())

    async def _tell(
        self, tx: WriteTx, payment: Payment, *writes: Bound[Any], events: Sequence[Event], actor: Actor | None
    ) -> None:
        """Write the rest of what is new, and let the order hear of the sums."""
        told = [recording(*events)] if events else []
        # One after the other on the server: the sums are those after the writes.
        *_, totals = await together(tx, *writes, *told, ledger_queries.getting_totals(payment.order_id))
        late = await self._listener.payment_changed(tx, payment.order_id, totals, actor=actor)
        if late is None:
            return
        transactions = await ledger_queries.list_transactions(tx, payment.id)
        if rules.refund_failed(transactions):
            # It was refused once: repeating it by itself would go on for ever, so a person has to look.
            _log.error("payments.late_money_stays", payment_id=str(payment.id))
            return
        await self.request_refund(tx, payment, note=late.note, actor=actor)
