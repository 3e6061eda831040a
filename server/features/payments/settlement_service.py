"""The one routine that brings a payment, its ledger and its order up to date, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import structlog

from server.db.jobs import defer
from server.db.session import WriteTx
from server.db.statement import Bound, together
from server.features.events import service as events
from server.features.payments import ledger_queries, queries, rules
from server.features.payments.errors import PaymentNotFound
from server.features.payments.news_rules import news_of_refunds, news_of_status
from server.features.payments.rules import (
    Entry,
    Kind,
    Payment,
    PaymentTotals,
    Provider,
    ProviderState,
    Recorded,
    RefundState,
    Status,
    TransactionStatus,
)
from server.features.payments.tasks import Refund
from server.kernel.actor import Actor
from server.kernel.clock import Clock
from server.kernel.event import Event
from server.kernel.ids import TRANSACTION, OrderId, PaymentId, new_id

_log = structlog.get_logger("server.features.payments")


@dataclass(frozen=True, slots=True)
class LateMoney:
    """The order cannot use the money: what the payment brought goes back in full. `note` says why, for the books."""

    note: str


class SettlementListener(Protocol):
    """Hears of money; orders implements it. Both methods run in the transaction that records the money."""

    async def lock(self, tx: WriteTx, order_id: OrderId, /) -> None:
        """Lock the order's row: in the lock order it comes before its payments."""
        ...

    async def payment_changed(
        self, tx: WriteTx, order_id: OrderId, payments: PaymentTotals, /, *, actor: Actor | None
    ) -> LateMoney | None:
        """Bring the order in line with the sums over its payments; called only when something changed.

        The order's row is locked. `actor` is None when the provider or a job brought the news. On LateMoney the refund
        is recorded in this same transaction, and asked for afterwards.
        """
        ...


class Settlement:
    """Applies news of money. Every method joins the caller's transaction and locks order, then payment."""

    def __init__(self, listener: SettlementListener, clock: Clock) -> None:
        self._listener = listener
        self._clock = clock

    async def lock(self, tx: WriteTx, payment: Payment) -> Payment:
        """Lock the order and the payment; return the payment as it is now."""
        await self._listener.lock(tx, payment.order_id)
        locked = await queries.LOCK_PAYMENT.first(tx, payment_id=payment.id)
        if locked is None:
            raise PaymentNotFound
        return locked

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
        recorded = await self._record(tx, payment.id, entries)
        moved = status is not payment.status
        # Old news says nothing about the last refusal either.
        code = state.failure_code if moved or status is state.status else payment.failure_code
        if moved or code != payment.failure_code:
            await self._set_status(tx, payment, status, failure_code=code)
        if moved or recorded:
            news = news_of_status(payment, status) if moved else []
            await self._tell(tx, payment, news=[*news, *news_of_refunds(payment, recorded)], actor=actor)

    async def apply_refund(self, tx: WriteTx, payment: Payment, refund: RefundState) -> None:
        """Record the provider's answer to a refund that the ledger asked for."""
        payment = await self.lock(tx, payment)
        entry = Entry(Kind.REFUND, refund.status, refund.amount_minor, refund.reference, refund.transaction_id)
        recorded = await self._record(tx, payment.id, [entry])
        if recorded:
            await self._tell(tx, payment, news=news_of_refunds(payment, recorded), actor=None)

    async def fail_refund(self, tx: WriteTx, payment: Payment, transaction_id: UUID) -> None:
        """Record that the provider refused a refund."""
        payment = await self.lock(tx, payment)
        failed = await ledger_queries.FAIL_REFUND.all(tx, transaction_id=transaction_id, now=self._clock.now())
        if failed:
            await self._tell(tx, payment, news=news_of_refunds(payment, failed), actor=None)

    async def end(self, tx: WriteTx, payment: Payment, status: Status, *, failure_code: str = "") -> None:
        """Move a payment that no provider knows of: refused from the start, or a manual one given up."""
        payment = await self.lock(tx, payment)
        if status not in rules.TRANSITIONS[payment.status] or payment.provider_reference is not None:
            return
        await self._set_status(tx, payment, status, failure_code=failure_code)
        await self._tell(tx, payment, news=news_of_status(payment, status), actor=None)

    async def record_manual(self, tx: WriteTx, payment: Payment, *, reference: str, actor: Actor) -> None:
        """Record money that somebody saw arrive; the payment is locked and waits for it."""
        received = ledger_queries.INSERT_TRANSACTION.bind(
            id=new_id(),
            payment_id=payment.id,
            kind=Kind.CAPTURE,
            status=TransactionStatus.SUCCEEDED,
            amount_minor=payment.amount_minor,
            reference=reference,
            note="recorded by hand",
            actor_id=actor.user_id,
            now=self._clock.now(),
        )
        captured = queries.UPDATE_STATUS.bind(**self._new_status(payment, Status.CAPTURED))
        news = news_of_status(payment, Status.CAPTURED)
        await self._tell(tx, payment, received, captured, news=news, actor=actor)

    async def request_refund(self, tx: WriteTx, payment: Payment, *, note: str, actor: Actor | None) -> int:
        """Record that everything left of a payment goes back, and queue asking for it; return how much.

        The caller holds the order's lock, so that two requests never give the same money back.
        """
        transactions = await ledger_queries.TRANSACTIONS_OF_PAYMENT.all(tx, payment_id=payment.id)
        amount = rules.refundable(transactions)
        if amount == 0:
            return 0
        transaction_id = TRANSACTION.new()
        await ledger_queries.INSERT_TRANSACTION.run(
            tx,
            id=transaction_id,
            payment_id=payment.id,
            kind=Kind.REFUND,
            status=TransactionStatus.PENDING,
            amount_minor=amount,
            reference=None,
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
            await self._set_status(tx, payment, payment.status, failure_code="currency_mismatch")

    async def _set_status(self, tx: WriteTx, payment: Payment, status: Status, *, failure_code: str) -> None:
        await queries.UPDATE_STATUS.run(tx, **self._new_status(payment, status, failure_code))

    def _new_status(self, payment: Payment, status: Status, failure_code: str = "") -> dict[str, Any]:
        return {"payment_id": payment.id, "new_status": status, "code": failure_code, "now": self._clock.now()}

    async def _record(self, tx: WriteTx, payment_id: PaymentId, entries: Sequence[Entry]) -> list[Recorded]:
        ours = [entry for entry in entries if entry.transaction_id is not None]
        if ours:
            await ledger_queries.NAME_REFUNDS.run(
                tx,
                payment_id=payment_id,
                transaction_id=[entry.transaction_id for entry in ours],
                reference=[entry.provider_reference for entry in ours],
            )
        if not entries:
            return []
        return await ledger_queries.RECORD_ENTRIES.all(
            tx,
            payment_id=payment_id,
            id=[new_id() for _ in entries],
            kind=[entry.kind.value for entry in entries],
            status=[entry.status.value for entry in entries],
            amount_minor=[entry.amount_minor for entry in entries],
            reference=[entry.provider_reference for entry in entries],
            now=self._clock.now(),
        )

    async def _tell(
        self, tx: WriteTx, payment: Payment, *writes: Bound[Any], news: Sequence[Event], actor: Actor | None
    ) -> None:
        """Write the rest of what is new, and let the order hear of the sums."""
        statements = [*writes, events.recording(*news)] if news else list(writes)
        # The server runs it after them.
        statements.append(ledger_queries.TOTALS.bind(order_id=payment.order_id))
        totals = (await together(tx, *statements))[-1][0]
        late = await self._listener.payment_changed(tx, payment.order_id, totals, actor=actor)
        if late is None:
            return
        transactions = await ledger_queries.TRANSACTIONS_OF_PAYMENT.all(tx, payment_id=payment.id)
        if any(row.kind is Kind.REFUND and row.status is TransactionStatus.FAILED for row in transactions):
            # It was refused once: repeating it by itself would go on for ever, so a person has to look.
            _log.error("payments.late_money_stays", payment_id=str(payment.id))
            return
        await self.request_refund(tx, payment, note=late.note, actor=actor)
