"""The SQL of payments."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, case, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from server.db.rows import columns_of
from server.db.session import ReadTx, WriteTx
from server.db.sight import as_viewer, owned, visible
from server.db.statement import Bound, Command, Query, ScalarQuery
from server.db.words import word
from server.features.orders.tables import Orders
from server.features.payments.errors import PaymentNotFound
from server.features.payments.ledger_queries import sum_of_payment
from server.features.payments.tables import Payments
from server.features.payments.values import Payment, PaymentStatus, Provider, TransactionKind
from server.kernel.actor import Viewer
from server.kernel.ids import OrderId, PaymentId


def _payment_columns(client_secret: Any) -> list[ColumnElement[Any]]:
    return columns_of(
        Payment,
        Payments,
        captured_minor=sum_of_payment(TransactionKind.CAPTURE),
        refunded_minor=sum_of_payment(TransactionKind.REFUND),
        client_secret=client_secret,
    )


_payments = select(*_payment_columns(Payments.client_secret))
_payment = _payments.where(Payments.id == bindparam("payment_id"))
_FIND = Query(_payment, Payment)
# The sums in it are not to be trusted: while it waits for the lock, they are as old as the statement.
_LOCK = Query(_payment.with_for_update(of=Payments), Payment)
_LIST = Query(_payments.where(Payments.order_id == bindparam("order_id")).order_by(Payments.id), Payment)
_secret_of_owner = case((owned(user_id=Orders.user_id, cart_id=Orders.cart_id), Payments.client_secret), else_=word(""))
_FIND_VISIBLE = Query(
    select(*_payment_columns(_secret_of_owner))
    .join(Orders, Orders.id == Payments.order_id)
    .where(Payments.id == bindparam("payment_id"), visible(user_id=Orders.user_id, cart_id=Orders.cart_id)),
    Payment,
)
_FIND_ID = ScalarQuery(
    select(Payments.id).where(
        Payments.provider == bindparam("provider"), Payments.provider_reference == bindparam("reference")
    ),
    UUID,
)
_INSERT = Command(
    insert(Payments).values(
        id=bindparam("id"),
        order_id=bindparam("order_id"),
        provider=bindparam("provider"),
        status=bindparam("status"),
        currency=bindparam("currency"),
        amount_minor=bindparam("amount_minor"),
        created_time=bindparam("now"),
        updated_time=bindparam("now"),
        checked_time=bindparam("now"),
    )
)
# A refused attempt made no intent, so one that succeeds afterwards starts over.
_STORE_REFERENCE = Command(
    update(Payments)
    .values(
        provider_reference=bindparam("reference"),
        client_secret=bindparam("secret"),
        status=word(PaymentStatus.CREATED),
        failure_code=word(""),
        updated_time=bindparam("now"),
    )
    .where(
        Payments.id == bindparam("payment_id"),
        Payments.provider_reference.is_(None),
        or_(Payments.status == word(PaymentStatus.CREATED), Payments.status == word(PaymentStatus.FAILED)),
    )
)
_UPDATE_STATUS = Command(
    update(Payments)
    .values(status=bindparam("new_status"), failure_code=bindparam("code"), updated_time=bindparam("now"))
    .where(Payments.id == bindparam("payment_id"))
)


async def get_payment(tx: ReadTx, payment_id: PaymentId) -> Payment:
    """Return a payment with its client secret: show it to the owner only. Raises PaymentNotFound."""
    return _found(await _FIND.first(tx, payment_id=payment_id))


async def get_visible_payment(tx: ReadTx, payment_id: PaymentId, *, viewer: Viewer) -> Payment:
    """Return a payment of an order that the viewer may see, to its owner with the client secret.

    Raises PaymentNotFound.
    """
    return _found(await _FIND_VISIBLE.first(tx, payment_id=payment_id, **as_viewer(viewer)))


async def lock_payment(tx: WriteTx, payment_id: PaymentId) -> Payment:
    """Lock a payment's row and return it; its sums may be old. Raises PaymentNotFound."""
    return _found(await _LOCK.first(tx, payment_id=payment_id))


async def find_first_payment(tx: ReadTx, order_id: OrderId) -> Payment | None:
    """Return the first payment of an order, with its client secret: show it to the owner only."""
    return await _LIST.first(tx, order_id=order_id)


async def list_payments(tx: ReadTx, order_id: OrderId) -> list[Payment]:
    """Return the payments of an order, the oldest first, with client secrets: show them to the owner only."""
    return await _LIST.all(tx, order_id=order_id)


async def find_payment_id(tx: ReadTx, provider: Provider, reference: str) -> PaymentId | None:
    """Return the payment that a provider knows by this reference."""
    found = await _FIND_ID.first(tx, provider=provider, reference=reference)
    return None if found is None else PaymentId(found)


def inserting_payment(payment: Payment) -> Bound[object]:
    """Return the statement that stores a new attempt; no provider knows of it yet."""
    return _INSERT.bind(
        id=payment.id,
        order_id=payment.order_id,
        provider=payment.provider,
        status=payment.status,
        currency=payment.currency,
        amount_minor=payment.amount_minor,
        now=payment.created_time,
    )


def updating_reference(payment_id: PaymentId, *, reference: str, client_secret: str, now: datetime) -> Bound[object]:
    """Return the statement that stores how the provider knows a payment, unless that stands there already."""
    return _STORE_REFERENCE.bind(payment_id=payment_id, reference=reference, secret=client_secret, now=now)


async def update_status(
    tx: WriteTx, payment_id: PaymentId, status: PaymentStatus, *, failure_code: str, now: datetime
) -> None:
    """Store how far a payment has come. Its row must be locked."""
    await _UPDATE_STATUS.run(tx, payment_id=payment_id, new_status=status, code=failure_code, now=now)


def updating_status(payment_id: PaymentId, status: PaymentStatus, *, failure_code: str, now: datetime) -> Bound[object]:
    """Return the statement of `update_status`."""
    return _UPDATE_STATUS.bind(payment_id=payment_id, new_status=status, code=failure_code, now=now)


def _found(payment: Payment | None) -> Payment:
    if payment is None:
        raise PaymentNotFound
    return payment
