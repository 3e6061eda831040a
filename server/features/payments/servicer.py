"""PaymentService as the contract has it."""

from collections.abc import Mapping

from google.protobuf.empty_pb2 import Empty
from kontor.payments.v1 import payments_pb2, payments_service_pb2

from server.db.session import Database
from server.features.payments import mapping, queries
from server.features.payments.errors import PaymentProviderDisabled
from server.features.payments.service import PaymentService
from server.features.payments.values import Provider
from server.features.payments.webhooks.service import Webhooks
from server.kernel.ids import PAYMENT
from server.rpc.call import Call


class PaymentServicer:
    """One method per RPC."""

    def __init__(self, *, db: Database, payments: PaymentService, webhooks: Mapping[Provider, Webhooks]) -> None:
        self._db = db
        self._payments = payments
        self._webhooks = webhooks

    async def GetPayment(self, request: payments_service_pb2.GetPaymentRequest, call: Call) -> payments_pb2.Payment:
        """Return a payment of the caller's order."""
        payment_id = PAYMENT.read(request.payment_id, "payment_id")
        async with self._db.read() as tx:
            payment = await queries.get_visible_payment(tx, payment_id, viewer=call.viewer)
        return mapping.to_payment(payment)

    async def ConfirmPayment(
        self, request: payments_service_pb2.ConfirmPaymentRequest, call: Call
    ) -> payments_pb2.Payment:
        """Ask the provider how far a payment of the caller's order has come."""
        payment = await self._payments.confirm_payment(
            PAYMENT.read(request.payment_id, "payment_id"), viewer=call.viewer, actor=call.actor
        )
        return mapping.to_payment(payment)

    async def HandleStripeEvent(self, request: payments_service_pb2.HandleStripeEventRequest, call: Call) -> Empty:
        """Take an event from Stripe."""
        webhooks = self._webhooks.get(Provider.STRIPE)
        if webhooks is None:
            raise PaymentProviderDisabled(provider=Provider.STRIPE)
        await webhooks.receive(request.event.data, call.header("stripe-signature"), request_id=call.id)
        return Empty()

    async def RecordManualPayment(
        self, request: payments_service_pb2.RecordManualPaymentRequest, call: Call
    ) -> payments_pb2.Payment:
        """Record money that came by bank transfer or in cash."""
        payment = await self._payments.record_manual_payment(
            PAYMENT.read(request.payment_id, "payment_id"),
            amount=mapping.from_money(request.amount),
            reference=request.reference,
            actor=call.actor,
            claim=call.claim,
        )
        return mapping.to_payment(payment)
