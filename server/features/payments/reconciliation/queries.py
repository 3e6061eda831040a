"""The SQL of reconciliation."""

from datetime import datetime

from sqlalchemy import BigInteger, bindparam, or_, select, union, update

from server.db.session import WriteTx
from server.db.statement import Command
from server.db.words import word, words
from server.features.orders.tables import Orders
from server.features.payments.rules import IN_FLIGHT
from server.features.payments.tables import Payments, PaymentTransactions
from server.features.payments.values import PaymentStatus, Provider, StalePayment, TransactionStatus

# Both as the partial indexes say it.
_waiting = select(Payments.id).where(
    Payments.status.in_(words(*sorted(IN_FLIGHT))),
    Payments.checked_time < bindparam("before"),
    # A refused attempt without an intent has nothing to ask about.
    or_(Payments.status != word(PaymentStatus.FAILED), Payments.provider_reference.is_not(None)),
)
_refunding = select(PaymentTransactions.payment_id).where(PaymentTransactions.status == word(TransactionStatus.PENDING))
_stale = (
    select(Payments.id)
    .where(
        Payments.id.in_(union(_waiting, _refunding)),
        Payments.provider != word(Provider.MANUAL),
        Payments.checked_time < bindparam("before"),
    )
    .order_by(Payments.checked_time, Payments.id)
    .limit(bindparam("batch", type_=BigInteger))
    # Two workers that reconcile at once share the work.
    .with_for_update(of=Payments, skip_locked=True)
)
# The states of an order that wants no money any more; orders, whose states they are, stand above payments.
_order_closed = (
    select(Orders.status.in_(words("EXPIRED", "CANCELED")))
    .where(Orders.id == Payments.order_id)
    .correlate(Payments)
    .scalar_subquery()
)
_CLAIM_STALE = Command(
    update(Payments)
    .values(checked_time=bindparam("now"))
    .where(Payments.id.in_(_stale))
    .returning(Payments.id.label("payment_id"), _order_closed.label("order_closed")),
    StalePayment,
)


async def claim_stale(tx: WriteTx, *, now: datetime, before: datetime, count: int) -> list[StalePayment]:
    """Return payments on which money may still move and at which nobody has looked since; somebody looks now."""
    return await _CLAIM_STALE.all(tx, now=now, before=before, batch=count)
