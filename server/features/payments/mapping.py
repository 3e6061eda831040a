"""Payments as messages. They are filled from plain dictionaries: see `rpc.messages`."""

from kontor.payments.v1 import payments_pb2
from kontor.type.v1 import money_pb2

from server.features.payments import rules
from server.features.payments.values import Payment
from server.kernel.ids import ORDER, PAYMENT
from server.kernel.money import Money
from server.rpc.messages import Fields, to_money, to_time


def to_payment(payment: Payment) -> payments_pb2.Payment:
    """Make a Payment; its client secret is shown while the buyer can do something with it."""
    currency = payment.currency
    fields: Fields = {
        "id": PAYMENT.write(payment.id),
        "order_id": ORDER.write(payment.order_id),
        "provider": payment.provider,
        "status": payment.status,
        "amount": to_money(currency, payment.amount_minor),
        "captured_amount": to_money(currency, payment.captured_minor),
        "refunded_amount": to_money(currency, payment.refunded_minor),
        "provider_reference": payment.provider_reference,
        "client_secret": payment.client_secret if rules.waits_for_buyer(payment.status) else "",
        "failure_code": payment.failure_code,
        "create_time": to_time(payment.created_time),
        "update_time": to_time(payment.updated_time),
    }
    return payments_pb2.Payment(**fields)


def from_money(message: money_pb2.Money) -> Money:
    """Read an amount."""
    return Money(currency=message.currency_code, amount_minor=message.amount_minor)
