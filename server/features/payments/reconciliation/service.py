"""Repairing what a crash, a lost webhook or a silent provider left half done."""

from datetime import timedelta

import structlog

from server.db.session import Database
from server.features.payments import rules
from server.features.payments.errors import PaymentProviderUnavailable
from server.features.payments.reconciliation import queries
from server.features.payments.service import PaymentService
from server.kernel.clock import Clock
from server.kernel.errors import AppError
from server.kernel.ids import PaymentId

_log = structlog.get_logger("server.features.payments")

# A payment younger than this is most likely in somebody's hands right now.
_STALE_AFTER = timedelta(minutes=1)
_RECONCILE_BATCH = 50
# After so many silent answers in a row the provider is away, and the rest of the batch would only wait for timeouts.
_PATIENCE = 3


class Reconciliation:
    """Asks providers about payments on which money may still come, and finishes refunds that were begun."""

    def __init__(self, *, db: Database, payments: PaymentService, clock: Clock) -> None:
        self._db = db
        self._payments = payments
        self._clock = clock

    async def run(self) -> int:
        """Look after payments that nobody has looked after for a minute; return how many were brought up to date."""
        now = self._clock.now()
        async with self._db.write_single() as tx:
            stale = await queries.claim_stale(tx, now=now, before=now - _STALE_AFTER, count=_RECONCILE_BATCH)
        done = silent = 0
        for one in stale:
            try:
                await self._repair(one.payment_id, order_closed=one.order_closed)
            except PaymentProviderUnavailable:
                silent += 1
                if silent == _PATIENCE:
                    break
            except AppError as error:
                # One payment that the provider refuses must not keep the others waiting.
                _log.error("payments.reconcile_failed", payment_id=str(one.payment_id), reason=error.reason)
            else:
                silent = 0
                done += 1
        if silent:
            _log.warning("payments.provider_silent", silent=silent, batch=len(stale))
        return done

    async def _repair(self, payment_id: PaymentId, *, order_closed: bool) -> None:
        payment = await self._payments.settle(payment_id, actor=None)
        if order_closed and payment.status in rules.IN_FLIGHT:
            await self._payments.cancel(payment_id)
        for row in await self._payments.list_refunds(payment_id):
            await self._payments.refund(row.id)
