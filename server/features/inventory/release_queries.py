"""How a hold ends: its units are given back, or they are shipped."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, BigInteger, ColumnElement, Select, Uuid, cast, exists, func, insert, select, update

from server.db.session import WriteTx
from server.db.statement import Command, ScalarCommand
from server.db.words import number, word, words
from server.features.inventory.movement_queries import (
    NONE,
    NOW,
    ORDER,
    count_anew,
    give_back,
    lock_demanded,
    lock_stock_of_order,
    sum_by_stock,
    write_ledger,
)
from server.features.inventory.tables import Reservations
from server.features.inventory.values import MovementKind, ReservationStatus, Shortage
from server.kernel.ids import OrderId, UserId, VariantId


def _release(status: ReservationStatus, kind: MovementKind) -> Select[Any]:
    locked = lock_stock_of_order(ReservationStatus.HELD, ReservationStatus.COMMITTED)
    changed = (
        update(Reservations)
        .where(
            Reservations.stock_id == locked.c.id,
            Reservations.order_id == ORDER,
            Reservations.status.in_(words(ReservationStatus.HELD, ReservationStatus.COMMITTED)),
        )
        .values(status=word(status))
        .returning(Reservations.stock_id, Reservations.quantity)
        .cte("changed")
    )
    moved = sum_by_stock(changed)
    ledger = write_ledger(kind, moved, ORDER, reserved=-moved.c.quantity)
    return select(func.coalesce(func.sum(moved.c.quantity), number(0))).add_cte(give_back(locked, moved), ledger)


def _parts(locked: CTE) -> CTE:
    """How much is taken of each committed reservation: the oldest ones first, until the demand is met."""
    before = func.sum(Reservations.quantity).over(
        partition_by=Reservations.stock_id, order_by=Reservations.sequence, rows=(None, -1)
    )
    left = locked.c.quantity - func.coalesce(before, number(0))
    taken = cast(func.least(Reservations.quantity, func.greatest(left, number(0))), BigInteger).label("taken")
    return (
        select(Reservations.id, Reservations.stock_id, Reservations.quantity, Reservations.expires_time, taken)
        .join(locked, locked.c.id == Reservations.stock_id)
        .where(Reservations.order_id == ORDER, Reservations.status == word(ReservationStatus.COMMITTED))
        .cte("parts")
    )


def _consume() -> Select[Any]:
    locked = lock_demanded()
    parts = _parts(locked)
    moved = (
        select(parts.c.stock_id, cast(func.sum(parts.c.taken), BigInteger).label("quantity"))
        .where(parts.c.taken > NONE)
        .group_by(parts.c.stock_id)
        .cte("moved")
    )
    # Goods on backorder can be promised before they are there, but not shipped.
    short = (
        select(locked.c.variant_id, locked.c.on_hand.label("available"))
        .join(moved, moved.c.stock_id == locked.c.id)
        .where(locked.c.on_hand < moved.c.quantity)
        .cte("short")
    )
    nothing_short = ~exists(select(short.c.variant_id))
    counters = (
        count_anew(locked, on_hand=locked.c.on_hand - moved.c.quantity, reserved=locked.c.reserved - moved.c.quantity)
        .where(moved.c.stock_id == locked.c.id, nothing_short)
        .cte("counters")
    )
    moved_rows = select(moved.c.stock_id, moved.c.quantity).where(nothing_short).cte("moved_rows")
    ledger = write_ledger(
        MovementKind.CONSUME, moved_rows, ORDER, on_hand=-moved_rows.c.quantity, reserved=-moved_rows.c.quantity
    )
    return select(short.c.variant_id, short.c.available).add_cte(
        *_take_parts(parts, nothing_short), _split(parts, nothing_short), counters, ledger
    )


def _take_parts(parts: CTE, nothing_short: ColumnElement[bool]) -> tuple[CTE, CTE]:
    """Take whole reservations, and their part off those of which something is left."""
    whole = (
        update(Reservations)
        .where(Reservations.id == parts.c.id, parts.c.taken == parts.c.quantity, nothing_short)
        .values(status=word(ReservationStatus.CONSUMED))
        .cte("whole")
    )
    rest = (
        update(Reservations)
        .where(
            Reservations.id == parts.c.id,
            parts.c.taken > NONE,
            parts.c.taken < parts.c.quantity,
            nothing_short,
        )
        .values(quantity=Reservations.quantity - parts.c.taken)
        .cte("rest")
    )
    return whole, rest


def _split(parts: CTE, nothing_short: ColumnElement[bool]) -> CTE:
    """Record the consumed part of a reservation of which something is left."""
    earlier = Reservations.__table__.alias("earlier").c
    sequence = select(func.max(earlier.sequence) + number(1)).where(earlier.order_id == ORDER).scalar_subquery()
    columns = ["id", "order_id", "stock_id", "sequence", "quantity", "status", "expires_time", "created_time"]
    rows = select(
        func.uuidv7(type_=Uuid()),
        ORDER,
        parts.c.stock_id,
        sequence,
        parts.c.taken,
        word(ReservationStatus.CONSUMED),
        parts.c.expires_time,
        NOW,
    ).where(parts.c.taken > NONE, parts.c.taken < parts.c.quantity, nothing_short)
    return insert(Reservations).from_select(columns, rows).cte("split")


_RELEASE = ScalarCommand(_release(ReservationStatus.RELEASED, MovementKind.RELEASE), int)
_EXPIRE = ScalarCommand(_release(ReservationStatus.EXPIRED, MovementKind.EXPIRE), int)
_CONSUME = Command(_consume(), Shortage)


async def release_units(
    tx: WriteTx, order_id: OrderId, *, expired: bool, actor_id: UserId | None, now: datetime
) -> int:
    """Give back what an order holds, as EXPIRED or RELEASED; return how many units."""
    command = _EXPIRE if expired else _RELEASE
    # A sum of bigint is numeric.
    return int(await command.one(tx, order_id=order_id, now=now, actor_id=actor_id))


async def consume_units(
    tx: WriteTx, order_id: OrderId, quantities: Mapping[VariantId, int], *, actor_id: UserId | None, now: datetime
) -> list[Shortage]:
    """Ship units that an order has committed, all or none; return what has not come in yet."""
    return await _CONSUME.all(
        tx,
        order_id=order_id,
        variant_id=list(quantities),
        quantity=list(quantities.values()),
        now=now,
        actor_id=actor_id,
    )
