"""Payments as the contract shows them."""

from kontor.payments.v1 import payments_pb2
from kontor.type.v1 import money_pb2

from server.features.payments import rules
from server.features.payments.rules import Payment
from server.kernel.ids import Prefix, format_id
from server.kernel.money import Money


def to_payment(payment: Payment) -> payments_pb2.Payment:
    """Show a payment; its client secret is shown while the buyer can do something with it."""
    message = payments_pb2.Payment(
        id=format_id(Prefix.PAYMENT, payment.id),
        order_id=format_id(Prefix.ORDER, payment.order_id),
        provider=payments_pb2.Payment.Provider.Value(payment.provider.value),
        status=payments_pb2.Payment.Status.Value(payment.status.value),
        amount=_money(payment, payment.amount_minor),
        captured_amount=_money(payment, payment.captured_minor),
        refunded_amount=_money(payment, payment.refunded_minor),
        provider_reference=payment.provider_reference or "",
        client_secret=payment.client_secret if rules.waits_for_buyer(payment.status) else "",
        failure_code=payment.failure_code,
    )
    message.create_time.FromDatetime(payment.created_time)
    message.update_time.FromDatetime(payment.updated_time)
    return message


def from_money(message: money_pb2.Money) -> Money:
    """Read an amount."""
    return Money(currency=message.currency_code, amount_minor=message.amount_minor)


def _money(payment: Payment, amount_minor: int) -> money_pb2.Money:
    return money_pb2.Money(currency_code=payment.currency, amount_minor=amount_minor)
