"""Holding units for an order, until a deadline or for good."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    Uuid,
    any_,
    bindparam,
    cast,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from server.db.session import ReadTx, WriteTx
from server.db.statement import Bound, Command, Query, ScalarCommand
from server.db.words import number, word
from server.features.inventory.movement_queries import (
    COUNTERS,
    NOW,
    ORDER,
    count_anew,
    give_back,
    lock_demanded,
    lock_in_order,
    lock_stock_of_order,
    sum_by_stock,
    write_ledger,
)
from server.features.inventory.tables import Reservations, StockItems, obtainable_units
from server.features.inventory.values import LostUnits, MovementKind, ReservationStatus, Shortage
from server.kernel.ids import OrderId, UserId, VariantId

_EXPIRES = bindparam("expires_time", type_=DateTime(timezone=True))
_HELD = Reservations.status == word(ReservationStatus.HELD)
_EXPIRED = Reservations.status == word(ReservationStatus.EXPIRED)


def _hold() -> Select[Any]:
    locked = lock_demanded()
    c = locked.c
    available = obtainable_units(c)
    short = select(c.variant_id, available.label("available")).where(available < c.quantity).cte("short")
    held = (
        count_anew(locked, reserved=c.reserved + c.quantity)
        .where(~exists(select(short.c.variant_id)))
        .returning(StockItems.id.label("stock_id"), locked.c.quantity)
        .cte("held")
    )
    earlier = Reservations.__table__.alias("earlier").c
    sequence = (
        select(func.coalesce(func.max(earlier.sequence) + number(1), number(0)))
        .where(earlier.order_id == ORDER)
        .scalar_subquery()
    )
    columns = ["id", "order_id", "stock_id", "sequence", "quantity", "status", "expires_time", "created_time"]
    rows = select(
        func.uuidv7(type_=Uuid()),
        ORDER,
        held.c.stock_id,
        sequence,
        held.c.quantity,
        word(ReservationStatus.HELD),
        _EXPIRES,
        NOW,
    )
    reserved = insert(Reservations).from_select(columns, rows).cte("reserved")
    ledger = write_ledger(MovementKind.HOLD, held, ORDER, reserved=held.c.quantity)
    return select(short.c.variant_id, short.c.available).add_cte(reserved, ledger)


def _expire_overdue() -> Select[Any]:
    locked = lock_in_order(
        select(*COUNTERS).where(StockItems.variant_id == any_(bindparam("variant_ids", type_=ARRAY(Uuid()))))
    )
    expired = (
        update(Reservations)
        .where(Reservations.stock_id == locked.c.id, _HELD, Reservations.expires_time <= NOW)
        .values(status=word(ReservationStatus.EXPIRED))
        .returning(Reservations.stock_id, Reservations.order_id, Reservations.quantity)
        .cte("expired")
    )
    counters = give_back(locked, sum_by_stock(expired))
    ledger = write_ledger(MovementKind.EXPIRE, expired, expired.c.order_id, reserved=-expired.c.quantity)
    return select(expired.c.order_id).add_cte(counters, ledger)


def _lock() -> Select[Any]:
    return select(lock_stock_of_order(ReservationStatus.HELD, ReservationStatus.EXPIRED).c.id)


def _lost_count() -> ColumnElement[int]:
    return (
        select(func.count()).select_from(Reservations).where(Reservations.order_id == ORDER, _EXPIRED).scalar_subquery()
    )


def _commit() -> Select[Any]:
    lost = Reservations.__table__.alias("lost").c
    nothing_lost = ~exists(
        select(lost.id).where(lost.order_id == ORDER, lost.status == word(ReservationStatus.EXPIRED))
    )
    changed = (
        update(Reservations)
        .where(Reservations.order_id == ORDER, _HELD, nothing_lost)
        .values(status=word(ReservationStatus.COMMITTED))
        .returning(Reservations.stock_id)
        .cte("changed")
    )
    return select(_lost_count()).add_cte(write_ledger(MovementKind.COMMIT, changed, ORDER))


def _extend() -> Select[Any]:
    changed = (
        update(Reservations)
        .where(Reservations.order_id == ORDER, _HELD)
        .values(expires_time=func.greatest(Reservations.expires_time, _EXPIRES))
        .cte("changed")
    )
    return select(_lost_count()).add_cte(changed)


def _list_lost() -> Select[UUID, int]:
    return (
        select(StockItems.variant_id, cast(func.sum(Reservations.quantity), BigInteger).label("quantity"))
        .join(Reservations, Reservations.stock_id == StockItems.id)
        .where(Reservations.order_id == ORDER, _EXPIRED)
        .group_by(StockItems.variant_id)
    )


_HOLD = Command(_hold(), Shortage)
_EXPIRE_OVERDUE = ScalarCommand(_expire_overdue(), UUID)
_LOCK = ScalarCommand(_lock(), UUID)
_COMMIT = ScalarCommand(_commit(), int)
_EXTEND = ScalarCommand(_extend(), int)
_LIST_LOST = Query(_list_lost(), LostUnits)
_FORGET_LOST = Command(
    update(Reservations).where(Reservations.order_id == ORDER, _EXPIRED).values(status=word(ReservationStatus.RELEASED))
)


async def hold_units(
    tx: WriteTx, order_id: OrderId, demand: Mapping[VariantId, int], *, expires_time: datetime, now: datetime
) -> list[Shortage]:
    """Reserve units for an order, all or none; return what is short. Variants that are not counted pass."""
    return await _HOLD.all(
        tx,
        order_id=order_id,
        variant_id=list(demand),
        quantity=list(demand.values()),
        expires_time=expires_time,
        now=now,
        actor_id=None,
    )


async def expire_overdue(tx: WriteTx, variant_ids: Sequence[VariantId], *, now: datetime) -> bool:
    """Take back what orders hold of these variants past their deadline; return whether there was any."""
    return bool(await _EXPIRE_OVERDUE.all(tx, variant_ids=variant_ids, now=now, actor_id=None))


def locking_stock(order_id: OrderId) -> Bound[object]:
    """Return the statement that locks the stock of what an order holds or lost.

    `committing_held` and `extending_held` run after it and not in one statement with it: what a statement reads is as
    old as its beginning, so only a later one sees what expired while this one waited.
    """
    return _LOCK.bind(order_id=order_id)


async def commit_held(tx: WriteTx, order_id: OrderId, *, actor_id: UserId | None, now: datetime) -> None:
    """Keep what an order holds for good, unless something of it is lost."""
    await _COMMIT.one(tx, order_id=order_id, now=now, actor_id=actor_id)


def committing_held(order_id: OrderId, *, actor_id: UserId | None, now: datetime) -> Bound[int]:
    """Return the statement of `commit_held`; it tells how many reservations are lost."""
    return _COMMIT.bind_one(order_id=order_id, now=now, actor_id=actor_id)


def extending_held(order_id: OrderId, *, expires_time: datetime) -> Bound[int]:
    """Return the statement that moves the deadline of what an order holds; it tells how many reservations are lost."""
    return _EXTEND.bind_one(order_id=order_id, expires_time=expires_time)


async def list_lost(tx: ReadTx, order_id: OrderId) -> list[LostUnits]:
    """Return what an order lost by expiry, by variant."""
    return await _LIST_LOST.all(tx, order_id=order_id)


async def forget_lost(tx: WriteTx, order_id: OrderId) -> None:
    """Give up what an order lost by expiry: it was held again."""
    await _FORGET_LOST.run(tx, order_id=order_id)
