"""Reading what Stripe sends."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from stripe import SignatureVerificationError, WebhookSignature

from server.features.payments.errors import SignatureInvalid
from server.features.payments.values import ProviderEvent
from server.kernel.errors import invalid_field
from server.kernel.ids import PaymentId

# Older signatures may be replays. https://docs.stripe.com/webhooks#replay-attacks
_TOLERANCE_SECONDS = 300


class StripeWebhooks:
    """Reads what Stripe sends. Several secrets are good while one replaces the other."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = tuple(secrets)

    def verify(self, payload: bytes, signature: str | None) -> ProviderEvent:
        """Return the event in a body. Raises SignatureInvalid, and InvalidArgument when a signed body is no event."""
        if not any(_signed_with(secret, payload, signature) for secret in self._secrets):
            raise SignatureInvalid
        return self.read(payload)

    def read(self, payload: bytes) -> ProviderEvent:
        """Return the event in a body. Raises InvalidArgument when it is none."""
        return _read(payload)


def _read(payload: bytes) -> ProviderEvent:
    try:
        event = json.loads(payload)
        subject: Mapping[str, Any] = event["data"]["object"]
        is_intent = subject.get("object") == "payment_intent"
        reference = subject.get("id") if is_intent else subject.get("payment_intent")
        # An expanded field is an object with an id.
        reference = reference.get("id") if isinstance(reference, Mapping) else reference
        named = (subject.get("metadata") or {}).get("payment_id") if is_intent else None
        return ProviderEvent(
            event_id=_text(event["id"]),
            type=_text(event["type"]),
            payment_reference=_text(reference or ""),
            payment_id=_payment_id(named),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise invalid_field("event", "is not an event of Stripe") from None


def _signed_with(secret: str, payload: bytes, signature: str | None) -> bool:
    try:
        WebhookSignature.verify_header(payload, signature, secret, _TOLERANCE_SECONDS)
    except (SignatureVerificationError, UnicodeDecodeError):
        return False
    return True


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _payment_id(value: object) -> PaymentId | None:
    try:
        return PaymentId(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None
