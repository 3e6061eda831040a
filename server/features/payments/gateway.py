"""What a payment provider must be able to do."""

from dataclasses import dataclass
from typing import Protocol

from server.features.payments.values import ProviderEvent, ProviderState, RefundState
from server.kernel.ids import OrderId, PaymentId, TransactionId


class Gateway(Protocol):
    """A provider. Every method raises PaymentProviderUnavailable and PaymentRefused; none may run in a transaction."""

    async def create(
        self, payment_id: PaymentId, *, order_id: OrderId, amount_minor: int, currency: str
    ) -> ProviderState:
        """Begin a payment; the same id begins it once."""
        ...

    async def retrieve(self, reference: str) -> ProviderState:
        """Ask how far a payment has come, with its refunds."""
        ...

    async def cancel(self, reference: str) -> ProviderState:
        """Give a payment up if it still can be, and say how far it has come either way."""
        ...

    async def refund(
        self, transaction_id: TransactionId, *, reference: str, amount_minor: int, currency: str
    ) -> RefundState:
        """Give money back; the same transaction id gives it back once."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Verifier(Protocol):
    """Tells a provider's events from forged ones."""

    def verify(self, payload: bytes, signature: str | None) -> ProviderEvent:
        """Return the event in a raw body. Raises SignatureInvalid, InvalidArgument."""
        ...

    def read(self, payload: bytes) -> ProviderEvent:
        """Return the event in a body that was verified before."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectedProvider:
    """A provider with which the shop has an account: what asks it, and what reads what it sends."""

    gateway: Gateway
    verifier: Verifier
