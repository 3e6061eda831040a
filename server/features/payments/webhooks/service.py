"""Events that providers send: stored once, applied afterwards."""

import structlog

from server.db.jobs import defer
from server.db.session import Database
from server.features.payments.errors import PaymentNotFound, SignatureInvalid
from server.features.payments.gateway import Verifier
from server.features.payments.queries import find_payment_id
from server.features.payments.service import PaymentService
from server.features.payments.tasks import ApplyEvent
from server.features.payments.values import Provider
from server.features.payments.webhooks import queries
from server.kernel.clock import Clock

_log = structlog.get_logger("server.features.payments")


class Webhooks:
    """The inbox of one provider."""

    def __init__(
        self, *, db: Database, provider: Provider, verifier: Verifier, payments: PaymentService, clock: Clock
    ) -> None:
        self._db = db
        self._provider = provider
        self._verifier = verifier
        self._payments = payments
        self._clock = clock

    async def receive(self, payload: bytes, signature: str | None, *, request_id: str) -> None:
        """Store an event, once however often it comes, and queue applying it.

        Raises SignatureInvalid, InvalidArgument.
        """
        try:
            event = self._verifier.verify(payload, signature)
        except SignatureInvalid:
            _log.warning("payments.webhook_forged", provider=self._provider.value, request_id=request_id)
            raise
        now = self._clock.now()
        of_a_payment = bool(event.payment_reference)
        # Nothing is to be done for an event that speaks of no payment.
        applied_time = None if of_a_payment else now
        async with self._db.write() as tx:
            new = await queries.insert_event(
                tx, self._provider, event, payload=payload, now=now, applied_time=applied_time
            )
            if new and of_a_payment:
                await defer(tx, ApplyEvent(provider=self._provider, event_id=event.event_id))

    async def apply(self, event_id: str) -> None:
        """Settle the payment that a stored event speaks of; an event of an unknown payment is kept as it is.

        Events come late, twice and out of order, so this one only says which payment to ask the provider about.
        Raises PaymentProviderUnavailable, PaymentRefused.
        """
        async with self._db.read() as tx:
            event = await queries.find_event(tx, self._provider, event_id)
            if event is None or event.applied_time is not None:
                return
            found = await find_payment_id(tx, self._provider, event.payment_reference)
        # The event may be faster than the transaction that stores the reference: our own id in it finds the row.
        payment_id = found or self._verifier.read(event.payload).payment_id
        if payment_id is None:
            self._keep(event_id)
            return
        try:
            await self._payments.settle(payment_id, actor=None)
        except PaymentNotFound:
            self._keep(event_id)
            return
        async with self._db.write_single() as tx:
            await queries.mark_applied(tx, self._provider, event_id, now=self._clock.now())

    def _keep(self, event_id: str) -> None:
        _log.info("payments.event_kept", provider=self._provider.value, event_id=event_id)
