"""The SQL of the ledger."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, Text, Uuid, and_, bindparam, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from server.db.rows import columns_of
from server.db.session import ReadTx, WriteTx
from server.db.statement import Bound, Command, Query, unnest_rows
from server.db.words import number, word
from server.features.payments.rules import REFUND_TRANSITIONS
from server.features.payments.tables import Payments, PaymentTransactions
from server.features.payments.values import (
    Entry,
    Payment,
    PaymentStatus,
    PaymentTotals,
    Recorded,
    Transaction,
    TransactionKind,
    TransactionStatus,
)
from server.kernel.ids import TRANSACTION, OrderId, PaymentId, TransactionId, UserId


def _moved(kind: TransactionKind, status: TransactionStatus) -> ColumnElement[bool]:
    return and_(PaymentTransactions.kind == word(kind), PaymentTransactions.status == word(status))


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    total = func.sum(PaymentTransactions.amount_minor).filter(condition)
    return cast(func.coalesce(total, number(0)), BigInteger)


def sum_of_payment(kind: TransactionKind) -> ColumnElement[int]:
    """Make the sum of what moved in one way, for each payment of a statement over payments."""
    return (
        select(_sum(_moved(kind, TransactionStatus.SUCCEEDED)))
        .where(PaymentTransactions.payment_id == Payments.id)
        .correlate(Payments)
        .scalar_subquery()
    )


_transactions = select(*columns_of(Transaction, PaymentTransactions))
_LIST = Query(
    _transactions.where(PaymentTransactions.payment_id == bindparam("payment_id")).order_by(PaymentTransactions.id),
    Transaction,
)
_FIND = Query(_transactions.where(PaymentTransactions.id == bindparam("transaction_id")), Transaction)
_INSERT = Command(
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
_NAME_REFUNDS = Command(
    update(PaymentTransactions)
    .values(provider_reference=_named.c.reference)
    .where(
        PaymentTransactions.id == _named.c.transaction_id,
        PaymentTransactions.payment_id == bindparam("payment_id"),
        PaymentTransactions.provider_reference.is_(None),
    )
)
_recorded = columns_of(Recorded, PaymentTransactions)
_FAIL_REFUND = Command(
    update(PaymentTransactions)
    .values(status=word(TransactionStatus.FAILED), updated_time=bindparam("now"))
    .where(
        PaymentTransactions.id == bindparam("transaction_id"),
        _moved(TransactionKind.REFUND, TransactionStatus.PENDING),
    )
    .returning(*_recorded),
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
_moves = or_(
    *[
        and_(PaymentTransactions.status == word(current), _new_entries.excluded.status == word(following))
        for current, allowed in REFUND_TRANSITIONS.items()
        for following in sorted(allowed)
    ]
)
_RECORD = Command(
    _new_entries.on_conflict_do_update(
        index_elements=["payment_id", "kind", "provider_reference"],
        set_={"status": _new_entries.excluded.status, "updated_time": _new_entries.excluded.updated_time},
        where=_moves,
    ).returning(*_recorded),
    Recorded,
)


def _sum_of_payments(status: PaymentStatus) -> ColumnElement[int]:
    return (
        select(cast(func.coalesce(func.sum(Payments.amount_minor), number(0)), BigInteger))
        .where(Payments.order_id == bindparam("order_id"), Payments.status == word(status))
        .scalar_subquery()
    )


_SUCCEEDED = TransactionStatus.SUCCEEDED
_promised = and_(_moved(TransactionKind.AUTHORIZATION, _SUCCEEDED), Payments.status == word(PaymentStatus.AUTHORIZED))
_SUM = Query(
    select(
        _sum(_moved(TransactionKind.CAPTURE, _SUCCEEDED)).label("captured_minor"),
        _sum(_promised).label("authorized_minor"),
        _sum(_moved(TransactionKind.REFUND, _SUCCEEDED)).label("refunded_minor"),
        _sum(_moved(TransactionKind.REFUND, TransactionStatus.PENDING)).label("refund_pending_minor"),
        _sum_of_payments(PaymentStatus.PROCESSING).label("processing_minor"),
        _sum_of_payments(PaymentStatus.REQUIRES_ACTION).label("action_minor"),
        _sum(_moved(TransactionKind.VOID, _SUCCEEDED)).label("voided_minor"),
    )
    .select_from(PaymentTransactions)
    .join(Payments, Payments.id == PaymentTransactions.payment_id)
    .where(Payments.order_id == bindparam("order_id")),
    PaymentTotals,
)


async def find_transaction(tx: ReadTx, transaction_id: TransactionId) -> Transaction | None:
    """Return a row of the ledger."""
    return await _FIND.first(tx, transaction_id=transaction_id)


async def list_transactions(tx: ReadTx, payment_id: PaymentId) -> list[Transaction]:
    """Return the ledger of a payment, the oldest row first."""
    return await _LIST.all(tx, payment_id=payment_id)


async def get_totals(tx: ReadTx, order_id: OrderId) -> PaymentTotals:
    """Return the sums over the payments of an order."""
    return await _SUM.one(tx, order_id=order_id)


def getting_totals(order_id: OrderId) -> Bound[PaymentTotals]:
    """Return the statement of `get_totals`."""
    return _SUM.bind_one(order_id=order_id)


def inserting_capture(
    payment: Payment, *, reference: str, note: str, actor_id: UserId | None, now: datetime
) -> Bound[object]:
    """Return the statement that writes down that the whole amount of a payment came."""
    return _INSERT.bind(
        id=TRANSACTION.new(),
        payment_id=payment.id,
        kind=TransactionKind.CAPTURE,
        status=TransactionStatus.SUCCEEDED,
        amount_minor=payment.amount_minor,
        reference=reference,
        note=note,
        actor_id=actor_id,
        now=now,
    )


async def insert_refund(
    tx: WriteTx, payment_id: PaymentId, *, amount_minor: int, note: str, actor_id: UserId | None, now: datetime
) -> TransactionId:
    """Write down that money is to go back; return the row's id, by which the provider makes it once."""
    transaction_id = TRANSACTION.new()
    await _INSERT.run(
        tx,
        id=transaction_id,
        payment_id=payment_id,
        kind=TransactionKind.REFUND,
        status=TransactionStatus.PENDING,
        amount_minor=amount_minor,
        reference=None,
        note=note,
        actor_id=actor_id,
        now=now,
    )
    return transaction_id


async def record_entries(
    tx: WriteTx, payment_id: PaymentId, entries: Sequence[Entry], *, now: datetime
) -> list[Recorded]:
    """Write what the ledger must have; return the rows that are new or got a new status."""
    ours = [entry for entry in entries if entry.transaction_id is not None]
    if ours:
        await _NAME_REFUNDS.run(
            tx,
            payment_id=payment_id,
            transaction_id=[entry.transaction_id for entry in ours],
            reference=[entry.provider_reference for entry in ours],
        )
    if not entries:
        return []
    return await _RECORD.all(
        tx,
        payment_id=payment_id,
        id=[TRANSACTION.new() for _ in entries],
        kind=[entry.kind.value for entry in entries],
        status=[entry.status.value for entry in entries],
        amount_minor=[entry.amount_minor for entry in entries],
        reference=[entry.provider_reference for entry in entries],
        now=now,
    )


async def fail_refund(tx: WriteTx, transaction_id: TransactionId, *, now: datetime) -> Recorded | None:
    """Write down that the provider refused a refund; None: it was not waiting for an answer."""
    return await _FAIL_REFUND.first(tx, transaction_id=transaction_id, now=now)
