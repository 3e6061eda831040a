"""The SQL of the ledger."""

from sqlalchemy import BigInteger, ColumnElement, Text, Uuid, and_, bindparam, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from server.db.statement import Command, Query, unnest_rows
from server.features.payments.rules import (
    REFUND_TRANSITIONS,
    Kind,
    PaymentTotals,
    Recorded,
    Status,
    Transaction,
    TransactionStatus,
)
from server.features.payments.tables import Payments, PaymentTransactions


def _moved(kind: Kind, status: TransactionStatus) -> ColumnElement[bool]:
    return and_(PaymentTransactions.kind == kind, PaymentTransactions.status == status)


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(PaymentTransactions.amount_minor).filter(condition), 0), BigInteger)


def sum_of_payment(kind: Kind) -> ColumnElement[int]:
    """Make the sum of what moved in one way, for each payment of a statement over payments."""
    return (
        select(_sum(_moved(kind, TransactionStatus.SUCCEEDED)))
        .where(PaymentTransactions.payment_id == Payments.id)
        .correlate(Payments)
        .scalar_subquery()
    )


TRANSACTIONS_OF_PAYMENT = Query(
    select(
        PaymentTransactions.id,
        PaymentTransactions.payment_id,
        PaymentTransactions.kind,
        PaymentTransactions.status,
        PaymentTransactions.amount_minor,
        PaymentTransactions.provider_reference,
    )
    .where(PaymentTransactions.payment_id == bindparam("payment_id"))
    .order_by(PaymentTransactions.id),
    Transaction,
)
FIND_TRANSACTION = Query(
    select(
        PaymentTransactions.id,
        PaymentTransactions.payment_id,
        PaymentTransactions.kind,
        PaymentTransactions.status,
        PaymentTransactions.amount_minor,
        PaymentTransactions.provider_reference,
    ).where(PaymentTransactions.id == bindparam("transaction_id")),
    Transaction,
)
INSERT_TRANSACTION = Command(
    insert(PaymentTransactions).values(
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
    update(PaymentTransactions)
    .values(provider_reference=_named.c.reference)
    .where(
        PaymentTransactions.id == _named.c.transaction_id,
        PaymentTransactions.payment_id == bindparam("payment_id"),
        PaymentTransactions.provider_reference.is_(None),
    )
)
FAIL_REFUND = Command(
    update(PaymentTransactions)
    .values(status=TransactionStatus.FAILED, updated_time=bindparam("now"))
    .where(PaymentTransactions.id == bindparam("transaction_id"), _moved(Kind.REFUND, TransactionStatus.PENDING))
    .returning(PaymentTransactions.kind, PaymentTransactions.status, PaymentTransactions.amount_minor),
    Recorded,
)
_entries = unnest_rows("entry", id=Uuid(), kind=Text(), status=Text(), amount_minor=BigInteger(), reference=Text())
_new_entries = insert(PaymentTransactions).from_select(
    ["id", "payment_id", "kind", "status", "amount_minor", "provider_reference", "created_time", "updated_time"],
    select(
        _entries.c.id,
        bindparam("payment_id", type_=Uuid),
        _entries.c.kind,
        _entries.c.status,
        _entries.c.amount_minor,
        _entries.c.reference,
        bindparam("now", type_=PaymentTransactions.created_time.type),
        bindparam("now", type_=PaymentTransactions.created_time.type),
    ),
)
RECORD_ENTRIES = Command(
    _new_entries.on_conflict_do_update(
        index_elements=["payment_id", "kind", "provider_reference"],
        set_={"status": _new_entries.excluded.status, "updated_time": _new_entries.excluded.updated_time},
        where=or_(
            *[
                and_(PaymentTransactions.status == current, _new_entries.excluded.status == following)
                for current, allowed in REFUND_TRANSITIONS.items()
                for following in sorted(allowed)
            ]
        ),
    ).returning(PaymentTransactions.kind, PaymentTransactions.status, PaymentTransactions.amount_minor),
    Recorded,
)


def _sum_of_payments(status: Status) -> ColumnElement[int]:
    return (
        select(cast(func.coalesce(func.sum(Payments.amount_minor), 0), BigInteger))
        .where(Payments.order_id == bindparam("order_id"), Payments.status == status)
        .scalar_subquery()
    )


_SUCCEEDED = TransactionStatus.SUCCEEDED
TOTALS = Query(
    select(
        _sum(_moved(Kind.CAPTURE, _SUCCEEDED)),
        _sum(and_(_moved(Kind.AUTHORIZATION, _SUCCEEDED), Payments.status == Status.AUTHORIZED)),
        _sum(_moved(Kind.REFUND, _SUCCEEDED)),
        _sum(_moved(Kind.REFUND, TransactionStatus.PENDING)),
        _sum_of_payments(Status.PROCESSING),
        _sum_of_payments(Status.REQUIRES_ACTION),
        _sum(_moved(Kind.VOID, _SUCCEEDED)),
    )
    .select_from(PaymentTransactions)
    .join(Payments, Payments.id == PaymentTransactions.payment_id)
    .where(Payments.order_id == bindparam("order_id")),
    PaymentTotals,
)
