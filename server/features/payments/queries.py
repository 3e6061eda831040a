"""The SQL of payments and of what providers sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Text,
    and_,
    any_,
    bindparam,
    case,
    literal,
    or_,
    select,
    text,
    union,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from server.db.statement import Command, Query, ScalarCommand, ScalarQuery
from server.features.orders.tables import OWNED, Order
from server.features.payments import tables
from server.features.payments.ledger_queries import sum_of_payment
from server.features.payments.rules import Kind, Payment, Provider, Status
from server.features.payments.tables import Payment as PaymentRow
from server.features.payments.tables import PaymentTransaction, ProviderEvent


@dataclass(frozen=True, slots=True)
class Stale:
    """A payment that reconciliation has to look at."""

    payment_id: UUID
    # Its order wants no money any more.
    order_closed: bool


@dataclass(frozen=True, slots=True)
class Event:
    """What a provider sent."""

    payment_reference: str
    payload: bytes
    applied_time: datetime | None


def _payment_columns(client_secret: Any) -> list[Any]:
    return [
        PaymentRow.id,
        PaymentRow.order_id,
        PaymentRow.provider,
        PaymentRow.status,
        PaymentRow.currency,
        PaymentRow.amount_minor,
        sum_of_payment(Kind.CAPTURE),
        sum_of_payment(Kind.REFUND),
        PaymentRow.provider_reference,
        client_secret,
        PaymentRow.failure_code,
        PaymentRow.created_time,
        PaymentRow.updated_time,
    ]


_payments = select(*_payment_columns(PaymentRow.client_secret))

FIND_PAYMENT = Query(_payments.where(PaymentRow.id == bindparam("payment_id")), Payment)
# The sums in it are not to be trusted: while it waits for the lock, they are as old as the statement.
LOCK_PAYMENT = Query(_payments.where(PaymentRow.id == bindparam("payment_id")).with_for_update(of=PaymentRow), Payment)
LIST_OF_ORDER = Query(_payments.where(PaymentRow.order_id == bindparam("order_id")).order_by(PaymentRow.id), Payment)
FIND_PAYMENT_FOR = Query(
    select(*_payment_columns(case((OWNED, PaymentRow.client_secret), else_="")))
    .join(Order, Order.id == PaymentRow.order_id)
    .where(PaymentRow.id == bindparam("payment_id"), or_(OWNED, bindparam("sees_all", type_=Boolean))),
    Payment,
)
FIND_ID_BY_REFERENCE = ScalarQuery(
    select(PaymentRow.id).where(
        PaymentRow.provider == bindparam("provider"), PaymentRow.provider_reference == bindparam("reference")
    ),
    UUID,
)
INSERT_PAYMENT = Command(
    insert(PaymentRow).values(
        id=bindparam("id"),
        order_id=bindparam("order_id"),
        provider=bindparam("provider"),
        status=Status.CREATED,
        currency=bindparam("currency"),
        amount_minor=bindparam("amount_minor"),
        created_time=bindparam("now"),
        updated_time=bindparam("now"),
        checked_time=bindparam("now"),
    )
)
# A refused attempt made no intent, so one that succeeds afterwards starts over.
STORE_REFERENCE = Command(
    update(PaymentRow)
    .values(
        provider_reference=bindparam("reference"),
        client_secret=bindparam("secret"),
        status=Status.CREATED,
        failure_code="",
        updated_time=bindparam("now"),
    )
    .where(
        PaymentRow.id == bindparam("payment_id"),
        PaymentRow.provider_reference.is_(None),
        or_(PaymentRow.status == Status.CREATED, PaymentRow.status == Status.FAILED),
    )
)
UPDATE_STATUS = Command(
    update(PaymentRow)
    .values(status=bindparam("new_status"), failure_code=bindparam("code"), updated_time=bindparam("now"))
    .where(PaymentRow.id == bindparam("payment_id"))
)

STORE_EVENT = ScalarCommand(
    insert(ProviderEvent)
    .values(
        provider=bindparam("provider"),
        event_id=bindparam("event_id"),
        type=bindparam("type"),
        payment_reference=bindparam("reference"),
        payload=bindparam("payload"),
        received_time=bindparam("now"),
        applied_time=bindparam("applied_time", type_=ProviderEvent.applied_time.type),
    )
    .on_conflict_do_nothing()
    .returning(ProviderEvent.event_id),
    str,
)
_this_event = and_(
    ProviderEvent.provider == bindparam("of_provider"), ProviderEvent.event_id == bindparam("of_event_id")
)
FIND_EVENT = Query(
    select(ProviderEvent.payment_reference, ProviderEvent.payload, ProviderEvent.applied_time).where(_this_event), Event
)
MARK_APPLIED = Command(
    update(ProviderEvent).values(applied_time=bindparam("now")).where(_this_event, ProviderEvent.applied_time.is_(None))
)
KEPT_EVENTS = ScalarQuery(
    select(ProviderEvent.event_id).where(
        ProviderEvent.provider == bindparam("provider"),
        ProviderEvent.payment_reference == bindparam("reference"),
        text("applied_time IS NULL"),
    ),
    str,
)

_waiting = select(PaymentRow.id).where(
    text(tables.IN_FLIGHT),
    PaymentRow.checked_time < bindparam("before"),
    # A refused attempt without an intent has nothing to ask about.
    or_(PaymentRow.status != Status.FAILED, PaymentRow.provider_reference.is_not(None)),
)
_refunding = select(PaymentTransaction.payment_id).where(text(tables.PENDING))
_stale = (
    select(PaymentRow.id)
    .where(
        PaymentRow.id.in_(union(_waiting, _refunding)),
        PaymentRow.provider != Provider.MANUAL,
        PaymentRow.checked_time < bindparam("before"),
    )
    .order_by(PaymentRow.checked_time, PaymentRow.id)
    .limit(bindparam("batch", type_=BigInteger))
    # Two workers that reconcile at once share the work.
    .with_for_update(of=PaymentRow, skip_locked=True)
)
CLAIM_STALE = Command(
    update(PaymentRow)
    .values(checked_time=bindparam("now"))
    .where(PaymentRow.id.in_(_stale))
    .returning(
        PaymentRow.id,
        select(Order.status == any_(literal(["EXPIRED", "CANCELED"], ARRAY(Text))))
        .where(Order.id == PaymentRow.order_id)
        .correlate(PaymentRow)
        .scalar_subquery(),
    ),
    Stale,
)
