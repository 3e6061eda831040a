"""PaymentService as the contract has it."""

from collections.abc import Mapping

from google.protobuf.empty_pb2 import Empty
from kontor.payments.v1 import payments_pb2, payments_service_pb2

from server.db.session import Database
from server.features.payments import mapping, queries
from server.features.payments.errors import PaymentNotFound, PaymentProviderDisabled
from server.features.payments.rules import Payment, Provider
from server.features.payments.service import PaymentService
from server.features.payments.webhook_service import Webhooks
from server.kernel.actor import Viewer
from server.kernel.ids import PaymentId, Prefix, parse_id
from server.rpc.call import Call


class PaymentServicer:
    """One method per RPC."""

    def __init__(self, db: Database, payments: PaymentService, webhooks: Mapping[Provider, Webhooks]) -> None:
        self._db = db
        self._payments = payments
        self._webhooks = webhooks

    async def GetPayment(self, request: payments_service_pb2.GetPaymentRequest, call: Call) -> payments_pb2.Payment:
        """Return a payment of the caller's order."""
        return mapping.to_payment(await self._find(_payment_id(request.payment_id), call.viewer))

    async def ConfirmPayment(
        self, request: payments_service_pb2.ConfirmPaymentRequest, call: Call
    ) -> payments_pb2.Payment:
        """Ask the provider how far a payment of the caller's order has come."""
        payment = await self._find(_payment_id(request.payment_id), call.viewer)
        await self._payments.settle(payment.id, actor=call.actor)
        return mapping.to_payment(await self._find(payment.id, call.viewer))

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
        payment = await self._payments.record_manual(
            _payment_id(request.payment_id),
            amount=mapping.from_money(request.amount),
            reference=request.reference,
            actor=call.actor,
            claim=call.claim,
        )
        return mapping.to_payment(payment)

    async def _find(self, payment_id: PaymentId, viewer: Viewer) -> Payment:
        async with self._db.read() as tx:
            payment = await queries.FIND_PAYMENT_FOR.first(
                tx,
                payment_id=payment_id,
                sees_all=viewer.sees_all,
                viewer_id=viewer.user_id,
                viewer_cart_id=viewer.cart_id,
            )
        if payment is None:
            raise PaymentNotFound
        return payment


def _payment_id(text: str) -> PaymentId:
    return PaymentId(parse_id(Prefix.PAYMENT, text, field="payment_id"))
