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
from server.features.orders.tables import OWNED, Orders
from server.features.payments import tables
from server.features.payments.ledger_queries import sum_of_payment
from server.features.payments.rules import Kind, Payment, Provider, Status
from server.features.payments.tables import Payments, PaymentTransactions, ProviderEvents


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
        Payments.id,
        Payments.order_id,
        Payments.provider,
        Payments.status,
        Payments.currency,
        Payments.amount_minor,
        sum_of_payment(Kind.CAPTURE),
        sum_of_payment(Kind.REFUND),
        Payments.provider_reference,
        client_secret,
        Payments.failure_code,
        Payments.created_time,
        Payments.updated_time,
    ]


_payments = select(*_payment_columns(Payments.client_secret))

FIND_PAYMENT = Query(_payments.where(Payments.id == bindparam("payment_id")), Payment)
# The sums in it are not to be trusted: while it waits for the lock, they are as old as the statement.
LOCK_PAYMENT = Query(_payments.where(Payments.id == bindparam("payment_id")).with_for_update(of=Payments), Payment)
LIST_OF_ORDER = Query(_payments.where(Payments.order_id == bindparam("order_id")).order_by(Payments.id), Payment)
FIND_PAYMENT_FOR = Query(
    select(*_payment_columns(case((OWNED, Payments.client_secret), else_="")))
    .join(Orders, Orders.id == Payments.order_id)
    .where(Payments.id == bindparam("payment_id"), or_(OWNED, bindparam("sees_all", type_=Boolean))),
    Payment,
)
FIND_ID_BY_REFERENCE = ScalarQuery(
    select(Payments.id).where(
        Payments.provider == bindparam("provider"), Payments.provider_reference == bindparam("reference")
    ),
    UUID,
)
INSERT_PAYMENT = Command(
    insert(Payments).values(
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
    update(Payments)
    .values(
        provider_reference=bindparam("reference"),
        client_secret=bindparam("secret"),
        status=Status.CREATED,
        failure_code="",
        updated_time=bindparam("now"),
    )
    .where(
        Payments.id == bindparam("payment_id"),
        Payments.provider_reference.is_(None),
        or_(Payments.status == Status.CREATED, Payments.status == Status.FAILED),
    )
)
UPDATE_STATUS = Command(
    update(Payments)
    .values(status=bindparam("new_status"), failure_code=bindparam("code"), updated_time=bindparam("now"))
    .where(Payments.id == bindparam("payment_id"))
)

STORE_EVENT = ScalarCommand(
    insert(ProviderEvents)
    .values(
        provider=bindparam("provider"),
        event_id=bindparam("event_id"),
        type=bindparam("type"),
        payment_reference=bindparam("reference"),
        payload=bindparam("payload"),
        received_time=bindparam("now"),
        applied_time=bindparam("applied_time", type_=ProviderEvents.applied_time.type),
    )
    .on_conflict_do_nothing()
    .returning(ProviderEvents.event_id),
    str,
)
_this_event = and_(
    ProviderEvents.provider == bindparam("of_provider"), ProviderEvents.event_id == bindparam("of_event_id")
)
FIND_EVENT = Query(
    select(ProviderEvents.payment_reference, ProviderEvents.payload, ProviderEvents.applied_time).where(_this_event),
    Event,
)
MARK_APPLIED = Command(
    update(ProviderEvents)
    .values(applied_time=bindparam("now"))
    .where(_this_event, ProviderEvents.applied_time.is_(None))
)
KEPT_EVENTS = ScalarQuery(
    select(ProviderEvents.event_id).where(
        ProviderEvents.provider == bindparam("provider"),
        ProviderEvents.payment_reference == bindparam("reference"),
        text("applied_time IS NULL"),
    ),
    str,
)

_waiting = select(Payments.id).where(
    text(tables.IN_FLIGHT),
    Payments.checked_time < bindparam("before"),
    # A refused attempt without an intent has nothing to ask about.
    or_(Payments.status != Status.FAILED, Payments.provider_reference.is_not(None)),
)
_refunding = select(PaymentTransactions.payment_id).where(text(tables.PENDING))
_stale = (
    select(Payments.id)
    .where(
        Payments.id.in_(union(_waiting, _refunding)),
        Payments.provider != Provider.MANUAL,
        Payments.checked_time < bindparam("before"),
    )
    .order_by(Payments.checked_time, Payments.id)
    .limit(bindparam("batch", type_=BigInteger))
    # Two workers that reconcile at once share the work.
    .with_for_update(of=Payments, skip_locked=True)
)
CLAIM_STALE = Command(
    update(Payments)
    .values(checked_time=bindparam("now"))
    .where(Payments.id.in_(_stale))
    .returning(
        Payments.id,
        select(Orders.status == any_(literal(["EXPIRED", "CANCELED"], ARRAY(Text))))
        .where(Orders.id == Payments.order_id)
        .correlate(Payments)
        .scalar_subquery(),
    ),
    Stale,
)
