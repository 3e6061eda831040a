"""The SQL of the ledger."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Text, Uuid, and_, bindparam, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from server.db.statement import Command, Query, unnest_rows
from server.features.payments.rules import (
    REFUND_TRANSITIONS,
    Kind,
    PaymentTotals,
    Status,
    Transaction,
    TransactionStatus,
)
from server.features.payments.tables import Payment as PaymentRow
from server.features.payments.tables import PaymentTransaction


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row of the ledger that is new or got a new status."""

    kind: str
    status: str
    amount_minor: int


def _moved(kind: Kind, status: TransactionStatus) -> ColumnElement[bool]:
    return and_(PaymentTransaction.kind == kind, PaymentTransaction.status == status)


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(PaymentTransaction.amount_minor).filter(condition), 0), BigInteger)


def sum_of_payment(kind: Kind) -> ColumnElement[int]:
    """Make the sum of what moved in one way, for each payment of a statement over payments."""
    return (
        select(_sum(_moved(kind, TransactionStatus.SUCCEEDED)))
        .where(PaymentTransaction.payment_id == PaymentRow.id)
        .correlate(PaymentRow)
        .scalar_subquery()
    )


TRANSACTIONS_OF_PAYMENT = Query(
    select(
        PaymentTransaction.id,
        PaymentTransaction.payment_id,
        PaymentTransaction.kind,
        PaymentTransaction.status,
        PaymentTransaction.amount_minor,
        PaymentTransaction.provider_reference,
    )
    .where(PaymentTransaction.payment_id == bindparam("payment_id"))
    .order_by(PaymentTransaction.id),
    Transaction,
)
FIND_TRANSACTION = Query(
    select(
        PaymentTransaction.id,
        PaymentTransaction.payment_id,
        PaymentTransaction.kind,
        PaymentTransaction.status,
        PaymentTransaction.amount_minor,
        PaymentTransaction.provider_reference,
    ).where(PaymentTransaction.id == bindparam("transaction_id")),
    Transaction,
)
INSERT_TRANSACTION = Command(
    insert(PaymentTransaction).values(
        id=bindparam("id"),
        payment_id=bindparam("payment_id"),
        kind=bindparam("kind"),
        status=bindparam("status"),
        amount_minor=bindparam("amount_minor"),
        provider_reference=bindparam("reference", type_=Text),
        note=bindparam("note"),
        actor_id=bindparam("actor_id", type_=Uuid),
        created_time=bindparam("now"),
        updated_time=bindparam("now"),
    )
)
_named = unnest_rows("named", transaction_id=Uuid(), reference=Text())
NAME_REFUNDS = Command(
    update(PaymentTransaction)
    .values(provider_reference=_named.c.reference)
    .where(
        PaymentTransaction.id == _named.c.transaction_id,
        PaymentTransaction.payment_id == bindparam("payment_id"),
        PaymentTransaction.provider_reference.is_(None),
    )
)
FAIL_REFUND = Command(
    update(PaymentTransaction)
    .values(status=TransactionStatus.FAILED, updated_time=bindparam("now"))
    .where(PaymentTransaction.id == bindparam("transaction_id"), _moved(Kind.REFUND, TransactionStatus.PENDING))
    .returning(PaymentTransaction.kind, PaymentTransaction.status, PaymentTransaction.amount_minor),
    Recorded,
)
_entries = unnest_rows("entry", id=Uuid(), kind=Text(), status=Text(), amount_minor=BigInteger(), reference=Text())
_new_entries = insert(PaymentTransaction).from_select(
    ["id", "payment_id", "kind", "status", "amount_minor", "provider_reference", "created_time", "updated_time"],
    select(
        _entries.c.id,
        bindparam("payment_id", type_=Uuid),
        _entries.c.kind,
        _entries.c.status,
        _entries.c.amount_minor,
        _entries.c.reference,
        bindparam("now", type_=PaymentTransaction.created_time.type),
        bindparam("now", type_=PaymentTransaction.created_time.type),
    ),
)
RECORD_ENTRIES = Command(
    _new_entries.on_conflict_do_update(
        index_elements=["payment_id", "kind", "provider_reference"],
        set_={"status": _new_entries.excluded.status, "updated_time": _new_entries.excluded.updated_time},
        where=or_(
            *[
                and_(PaymentTransaction.status == current, _new_entries.excluded.status == following)
                for current, allowed in REFUND_TRANSITIONS.items()
                for following in sorted(allowed)
            ]
        ),
    ).returning(PaymentTransaction.kind, PaymentTransaction.status, PaymentTransaction.amount_minor),
    Recorded,
)


def _sum_of_payments(status: Status) -> ColumnElement[int]:
    return (
        select(cast(func.coalesce(func.sum(PaymentRow.amount_minor), 0), BigInteger))
        .where(PaymentRow.order_id == bindparam("order_id"), PaymentRow.status == status)
        .scalar_subquery()
    )


_SUCCEEDED = TransactionStatus.SUCCEEDED
TOTALS = Query(
    select(
        _sum(_moved(Kind.CAPTURE, _SUCCEEDED)),
        _sum(and_(_moved(Kind.AUTHORIZATION, _SUCCEEDED), PaymentRow.status == Status.AUTHORIZED)),
        _sum(_moved(Kind.REFUND, _SUCCEEDED)),
        _sum(_moved(Kind.REFUND, TransactionStatus.PENDING)),
        _sum_of_payments(Status.PROCESSING),
        _sum_of_payments(Status.REQUIRES_ACTION),
        _sum(_moved(Kind.VOID, _SUCCEEDED)),
    )
    .select_from(PaymentTransaction)
    .join(PaymentRow, PaymentRow.id == PaymentTransaction.payment_id)
    .where(PaymentRow.order_id == bindparam("order_id")),
    PaymentTotals,
)
