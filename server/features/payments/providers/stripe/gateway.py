"""Stripe, through its official SDK."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import structlog
from stripe import (
    AuthenticationError,
    CardError,
    HTTPXClient,
    IdempotencyError,
    InvalidRequestError,
    PermissionError,
    StripeClient,
    StripeError,
    StripeObject,
)

from server.features.payments.errors import PaymentProviderUnavailable, PaymentRefused
from server.features.payments.values import (
    PaymentStatus,
    Provider,
    ProviderState,
    RefundState,
    TransactionStatus,
)
from server.kernel.ids import OrderId, PaymentId, TransactionId

T = TypeVar("T")

_log = structlog.get_logger("server.features.payments")

# Retried by the SDK with the same idempotency key, so a lost answer makes nothing twice.
_RETRIES = 2
# Pinned, so that a newer SDK does not change what is said. From 2026-09-30.endive on, Stripe answers 400 to
# `payment_method_types` and wants `allowed_payment_method_types`, which the stand-in of the embedded run does not know.
_API_VERSION = "2026-07-29.dahlia"
_TIMEOUT_SECONDS = 8.0
_REFUNDS_PER_PAGE = 100
# Stripe counts these in hundredths although ISO 4217 gives them no decimals.
# https://docs.stripe.com/currencies#special-cases
_HUNDREDTHS = frozenset({"ISK", "UGX"})
# ISO 4217 gives it decimals and Stripe none: our amounts cannot be said there.
_UNSUPPORTED = frozenset({"MGA"})
_INTENT_STATUS = {
    "requires_payment_method": PaymentStatus.CREATED,
    "requires_confirmation": PaymentStatus.CREATED,
    "requires_action": PaymentStatus.REQUIRES_ACTION,
    "processing": PaymentStatus.PROCESSING,
    "requires_capture": PaymentStatus.AUTHORIZED,
    "succeeded": PaymentStatus.CAPTURED,
    "canceled": PaymentStatus.CANCELED,
}
_REFUND_STATUS = {
    "pending": TransactionStatus.PENDING,
    "requires_action": TransactionStatus.PENDING,
    "succeeded": TransactionStatus.SUCCEEDED,
    "failed": TransactionStatus.FAILED,
    "canceled": TransactionStatus.FAILED,
}


class StripeGateway:
    """Stripe through its official SDK: one PaymentIntent a payment."""

    def __init__(
        self,
        api_key: str,
        *,
        api_url: str | None = None,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        retries: int = _RETRIES,
    ) -> None:
        self._http = HTTPXClient(timeout=timeout_seconds)
        self._client = StripeClient(
            api_key,
            base_addresses={"api": api_url.rstrip("/")} if api_url else None,
            http_client=self._http,
            stripe_version=_API_VERSION,
            max_network_retries=retries,
        )

    async def close(self) -> None:
        """Close the connections to Stripe."""
        await self._http.close_async()  # type: ignore[no-untyped-call]  # The SDK leaves it without annotations.

    async def create(
        self, payment_id: PaymentId, *, order_id: OrderId, amount_minor: int, currency: str
    ) -> ProviderState:
        """Begin a payment."""
        if currency in _UNSUPPORTED:
            raise PaymentRefused(provider=Provider.STRIPE, provider_code="currency_not_supported")
        intent = await _asked(
            self._client.v1.payment_intents.create_async(
                {
                    "amount": _to_stripe(amount_minor, currency),
                    "currency": currency.lower(),
                    "payment_method_types": ["card"],  # type: ignore[typeddict-unknown-key]  # Known to the pinned version.
                    "metadata": {"payment_id": str(payment_id), "order_id": str(order_id)},
                },
                {"idempotency_key": str(payment_id)},
            )
        )
        return _state(intent.to_dict(), ())

    async def retrieve(self, reference: str) -> ProviderState:
        """Ask how far a payment has come."""
        intent = (await _asked(self._client.v1.payment_intents.retrieve_async(reference))).to_dict()
        refunds: Sequence[StripeObject] = ()
        if intent["status"] == "succeeded":
            refunds = (
                await _asked(
                    self._client.v1.refunds.list_async({"payment_intent": reference, "limit": _REFUNDS_PER_PAGE})
                )
            ).data
        return _state(intent, [refund.to_dict() for refund in refunds])

    async def cancel(self, reference: str) -> ProviderState:
        """Give a payment up."""
        try:
            await _asked(self._client.v1.payment_intents.cancel_async(reference))
        except PaymentRefused:
            # It was paid, or canceled, a moment ago: what it is now decides.
            _log.info("payments.cancel_refused", provider_reference=reference)
        return await self.retrieve(reference)

    async def refund(
        self, transaction_id: TransactionId, *, reference: str, amount_minor: int, currency: str
    ) -> RefundState:
        """Give money back."""
        refund = await _asked(
            self._client.v1.refunds.create_async(
                {
                    "payment_intent": reference,
                    "amount": _to_stripe(amount_minor, currency),
                    "metadata": {"transaction_id": str(transaction_id)},
                },
                {"idempotency_key": str(transaction_id)},
            )
        )
        return _refund_state(refund.to_dict(), currency)


async def _asked(call: Awaitable[T]) -> T:
    """Run a call of the SDK. Raises only errors of ours."""
    try:
        return await call
    except StripeError as error:
        raise _translate(error) from error


def _translate(error: StripeError) -> PaymentRefused | PaymentProviderUnavailable:
    """Tell a refusal from an answer that says nothing about the payment: only a refusal is final."""
    if isinstance(error, InvalidRequestError | CardError) or _key_reused(error):
        _log.warning("payments.stripe_refused", code=error.code, stripe_request_id=error.request_id)
        return PaymentRefused(provider=Provider.STRIPE, provider_code=error.code or type(error).__name__)
    if isinstance(error, AuthenticationError | PermissionError):
        # A wrong key is ours to mend.
        _log.error("payments.stripe_key_refused", error=type(error).__name__, stripe_request_id=error.request_id)
    return PaymentProviderUnavailable(provider=Provider.STRIPE)


def _key_reused(error: StripeError) -> bool:
    # Conflict (409) means that the first call with the key still runs: that one will decide.
    return isinstance(error, IdempotencyError) and error.http_status != 409


def _state(intent: Mapping[str, Any], refunds: Sequence[Mapping[str, Any]]) -> ProviderState:
    currency = str(intent["currency"]).upper()
    amount = _from_stripe(intent["amount"], currency)
    status = _INTENT_STATUS[intent["status"]]
    failure = intent.get("last_payment_error") or {}
    if status is PaymentStatus.CREATED and failure:
        status = PaymentStatus.FAILED
    if status is PaymentStatus.CANCELED and intent.get("cancellation_reason") == "automatic":
        status = PaymentStatus.EXPIRED
    received, capturable = intent.get("amount_received"), intent.get("amount_capturable")
    # The stand-in of the embedded run leaves both fields out; the status then says that it is the whole amount.
    received = amount if received is None else _from_stripe(received, currency)
    capturable = amount if capturable is None else _from_stripe(capturable, currency)
    return ProviderState(
        reference=intent["id"],
        client_secret=intent.get("client_secret") or "",
        status=status,
        currency=currency,
        amount_minor=amount,
        authorized_minor=capturable if status is PaymentStatus.AUTHORIZED else 0,
        captured_minor=received if status is PaymentStatus.CAPTURED else 0,
        failure_code=failure.get("decline_code") or failure.get("code") or ("declined" if failure else ""),
        refunds=tuple(_refund_state(refund, currency) for refund in refunds),
    )


def _refund_state(refund: Mapping[str, Any], currency: str) -> RefundState:
    return RefundState(
        reference=refund["id"],
        transaction_id=_transaction_id((refund.get("metadata") or {}).get("transaction_id")),
        status=_REFUND_STATUS.get(refund.get("status") or "pending", TransactionStatus.PENDING),
        amount_minor=_from_stripe(refund["amount"], currency),
    )


def _to_stripe(amount_minor: int, currency: str) -> int:
    return amount_minor * 100 if currency in _HUNDREDTHS else amount_minor


def _from_stripe(amount: int, currency: str) -> int:
    return amount // 100 if currency in _HUNDREDTHS else amount


def _transaction_id(value: object) -> TransactionId | None:
    try:
        return TransactionId(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None
