"""What payments tell. Each event belongs to its order, so that an order's events come in order."""

from dataclasses import dataclass

from server.features.payments.values import Provider
from server.kernel.event import Event
from server.kernel.ids import OrderId, PaymentId
from server.kernel.money import Money


@dataclass(frozen=True, kw_only=True)
class PaymentEvent(Event):
    """Something that happened to a payment."""

    aggregate = "order_id"

    payment_id: PaymentId
    order_id: OrderId
    provider: Provider
    amount: Money


@dataclass(frozen=True, kw_only=True)
class PaymentAuthorized(PaymentEvent):
    """A bank has promised the money."""

    name = "payment.authorized"


@dataclass(frozen=True, kw_only=True)
class PaymentCaptured(PaymentEvent):
    """The money is here."""

    name = "payment.captured"


@dataclass(frozen=True, kw_only=True)
class PaymentFailed(PaymentEvent):
    """The buyer could not pay; another attempt may follow."""

    name = "payment.failed"


@dataclass(frozen=True, kw_only=True)
class PaymentCanceled(PaymentEvent):
    """Nobody waits for the money any more."""

    name = "payment.canceled"


@dataclass(frozen=True, kw_only=True)
class PaymentVoided(PaymentEvent):
    """A promise of money was given back."""

    name = "payment.voided"


@dataclass(frozen=True, kw_only=True)
class PaymentExpired(PaymentEvent):
    """A promise of money ran out."""

    name = "payment.expired"


@dataclass(frozen=True, kw_only=True)
class PaymentRefunded(PaymentEvent):
    """Money went back; `amount` says how much."""

    name = "payment.refunded"


@dataclass(frozen=True, kw_only=True)
class PaymentRefundFailed(PaymentEvent):
    """Money should have gone back and did not; `amount` says how much."""

    name = "payment.refund_failed"
