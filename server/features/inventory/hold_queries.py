"""The statements that move units between available, reserved and gone; each takes any number of rows at once.

Every one of them first locks the stock rows it touches in id order, so that no two can wait for each other, and only
then changes reservations, counters and ledger. Reservations of an order come into being and are consumed only under the
lock of that order's row (orders takes it first); beside that only `EXPIRE_OVERDUE` touches reservations of others, and
no further than from HELD to EXPIRED.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    Text,
    Update,
    Uuid,
    any_,
    bindparam,
    cast,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from server.db.statement import Command, ScalarCommand, unnest_rows
from server.features.inventory.tables import Reservations, StockItems, StockMovements, obtainable_units
from server.features.inventory.values import Shortage
from server.kernel.ids import VariantId

_stock = StockItems.__table__.c
_reservation = Reservations.__table__.c

_NOW = bindparam("now", type_=DateTime(timezone=True))
_ORDER = bindparam("order_id", type_=Uuid())
_ACTOR = bindparam("actor_id", type_=Uuid())
_EXPIRES = bindparam("expires_time", type_=DateTime(timezone=True))
_NONE = literal_column("0", BigInteger)


def _word(text: str) -> ColumnElement[str]:
    # Written into the statement and not bound: a bound status keeps a generic plan from using a partial index.
    return literal_column(f"'{text}'", Text)


# What `locked` holds of each row: the counters as they are once the lock is there.
_COUNTERS = (_stock.id, _stock.variant_id, _stock.on_hand, _stock.reserved, _stock.safety, _stock.backorder_limit)


def _in_lock_order(rows: Select[Any]) -> CTE:
    """Lock stock rows in id order. NO KEY: the foreign keys of others' ledger rows need not wait."""
    return rows.order_by(_stock.id).with_for_update(of=StockItems, key_share=True).cte("locked")


def _stock_of_order(*statuses: str) -> CTE:
    held = select(_reservation.stock_id).where(
        _reservation.order_id == _ORDER, _reservation.status.in_([_word(status) for status in statuses])
    )
    return _in_lock_order(select(*_COUNTERS).where(_stock.id.in_(held)))


def _count_anew(
    locked: CTE, *, on_hand: ColumnElement[int] | None = None, reserved: ColumnElement[int] | None = None
) -> Update:
    """Set the counters of locked rows.

    All that the constraints look at is taken from `locked`, and nothing from the row itself. PostgreSQL first tries the
    new row on the row as it was when the statement began, constraints included, and only then finds that somebody else
    has changed it meanwhile: a sum with a counter that is old by then would break a constraint that nothing breaks.
    """
    return (
        update(StockItems)
        .where(_stock.id == locked.c.id)
        .values(
            on_hand=locked.c.on_hand if on_hand is None else on_hand,
            reserved=locked.c.reserved if reserved is None else reserved,
            backorder_limit=locked.c.backorder_limit,
            updated_time=_NOW,
        )
    )


def _write_ledger(
    kind: ColumnElement[str],
    moved: CTE,
    order_id: ColumnElement[UUID],
    *,
    on_hand: ColumnElement[int] = _NONE,
    reserved: ColumnElement[int] = _NONE,
) -> CTE:
    columns = ["stock_id", "kind", "on_hand_delta", "reserved_delta", "order_id", "actor_id", "created_time"]
    rows = select(moved.c.stock_id, kind, on_hand, reserved, order_id, _ACTOR, _NOW)
    return insert(StockMovements).from_select(columns, rows).cte("ledger")


def _sum_by_stock(changed: CTE) -> CTE:
    """One row a stock item: an UPDATE takes only the first of several rows that it is joined to."""
    quantity = cast(func.sum(changed.c.quantity), BigInteger).label("quantity")
    return select(changed.c.stock_id, quantity).group_by(changed.c.stock_id).cte("moved")


def _give_back(locked: CTE, moved: CTE) -> Update:
    """Take units off what is reserved; `moved` has one row a stock item."""
    given_back = locked.c.reserved - moved.c.quantity
    return _count_anew(locked, reserved=given_back).where(moved.c.stock_id == locked.c.id)


def _hold() -> Select[Any]:
    demand = unnest_rows("demand", variant_id=Uuid(), quantity=BigInteger())
    locked = _in_lock_order(
        select(*_COUNTERS, demand.c.quantity).join(demand, demand.c.variant_id == _stock.variant_id)
    )
    c = locked.c
    available = obtainable_units(c)
    short = select(c.variant_id, available.label("available")).where(available < c.quantity).cte("short")
    held = (
        _count_anew(locked, reserved=c.reserved + c.quantity)
        .where(~exists(select(short.c.variant_id)))
        .returning(_stock.id.label("stock_id"), locked.c.quantity)
        .cte("held")
    )
    earlier = Reservations.__table__.alias("earlier").c
    sequence = (
        select(func.coalesce(func.max(earlier.sequence) + 1, 0)).where(earlier.order_id == _ORDER).scalar_subquery()
    )
    columns = ["id", "order_id", "stock_id", "sequence", "quantity", "status", "expires_time", "created_time"]
    rows = select(
        func.uuidv7(type_=Uuid()), _ORDER, held.c.stock_id, sequence, held.c.quantity, _word("HELD"), _EXPIRES, _NOW
    )
    reserved = insert(Reservations).from_select(columns, rows).cte("reserved")
    ledger = _write_ledger(_word("HOLD"), held, _ORDER, reserved=held.c.quantity)
    return select(short.c.variant_id, short.c.available).add_cte(reserved, ledger)


def _expire_overdue() -> Select[Any]:
    locked = _in_lock_order(
        select(*_COUNTERS).where(_stock.variant_id == any_(bindparam("variant_ids", type_=ARRAY(Uuid()))))
    )
    expired = (
        update(Reservations)
        .where(
            _reservation.stock_id == locked.c.id,
            _reservation.status == _word("HELD"),
            _reservation.expires_time <= _NOW,
        )
        .values(status=_word("EXPIRED"))
        .returning(_reservation.stock_id, _reservation.order_id, _reservation.quantity)
        .cte("expired")
    )
    moved = _sum_by_stock(expired)
    counters = _give_back(locked, moved).cte("counters")
    ledger = _write_ledger(_word("EXPIRE"), expired, expired.c.order_id, reserved=-expired.c.quantity)
    return select(expired.c.order_id).add_cte(counters, ledger)


def _lock() -> Select[Any]:
    return select(_stock_of_order("HELD", "EXPIRED").c.id)


def _lost_count() -> ColumnElement[int]:
    return (
        select(func.count())
        .select_from(Reservations)
        .where(_reservation.order_id == _ORDER, _reservation.status == _word("EXPIRED"))
        .scalar_subquery()
    )


def _commit() -> Select[Any]:
    lost = Reservations.__table__.alias("lost").c
    changed = (
        update(Reservations)
        .where(
            _reservation.order_id == _ORDER,
            _reservation.status == _word("HELD"),
            ~exists(select(lost.id).where(lost.order_id == _ORDER, lost.status == _word("EXPIRED"))),
        )
        .values(status=_word("COMMITTED"))
        .returning(_reservation.stock_id)
        .cte("changed")
    )
    return select(_lost_count()).add_cte(_write_ledger(_word("COMMIT"), changed, _ORDER))


def _extend() -> Select[Any]:
    changed = (
        update(Reservations)
        .where(_reservation.order_id == _ORDER, _reservation.status == _word("HELD"))
        .values(expires_time=func.greatest(_reservation.expires_time, _EXPIRES))
        .cte("changed")
    )
    return select(_lost_count()).add_cte(changed)


def _release(*, expired: bool) -> Select[Any]:
    locked = _stock_of_order("HELD", "COMMITTED")
    changed = (
        update(Reservations)
        .where(
            _reservation.stock_id == locked.c.id,
            _reservation.order_id == _ORDER,
            _reservation.status.in_([_word("HELD"), _word("COMMITTED")]),
        )
        .values(status=_word("EXPIRED" if expired else "RELEASED"))
        .returning(_reservation.stock_id, _reservation.quantity)
        .cte("changed")
    )
    moved = _sum_by_stock(changed)
    counters = _give_back(locked, moved).cte("counters")
    ledger = _write_ledger(_word("EXPIRE" if expired else "RELEASE"), moved, _ORDER, reserved=-moved.c.quantity)
    return select(func.coalesce(func.sum(moved.c.quantity), 0)).add_cte(counters, ledger)


def _parts(locked: CTE) -> CTE:
    """How much is taken of each committed reservation: the oldest ones first, until the demand is met."""
    before = func.sum(_reservation.quantity).over(
        partition_by=_reservation.stock_id, order_by=_reservation.sequence, rows=(None, -1)
    )
    left = locked.c.quantity - func.coalesce(before, 0)
    taken = cast(func.least(_reservation.quantity, func.greatest(left, 0)), BigInteger).label("taken")
    return (
        select(_reservation.id, _reservation.stock_id, _reservation.quantity, _reservation.expires_time, taken)
        .join(locked, locked.c.id == _reservation.stock_id)
        .where(
            _reservation.order_id == _ORDER,
            _reservation.status == _word("COMMITTED"),
        )
        .cte("parts")
    )


def _consume() -> Select[Any]:
    demand = unnest_rows("demand", variant_id=Uuid(), quantity=BigInteger())
    locked = _in_lock_order(
        select(*_COUNTERS, demand.c.quantity).join(demand, demand.c.variant_id == _stock.variant_id)
    )
    parts = _parts(locked)
    moved = (
        select(parts.c.stock_id, cast(func.sum(parts.c.taken), BigInteger).label("quantity"))
        .where(parts.c.taken > _NONE)
        .group_by(parts.c.stock_id)
        .cte("moved")
    )
    # Goods on backorder can be promised before they are there, but not shipped.
    short = (
        select(locked.c.variant_id, locked.c.on_hand)
        .join(moved, moved.c.stock_id == locked.c.id)
        .where(locked.c.on_hand < moved.c.quantity)
        .cte("short")
    )
    nothing_short = ~exists(select(short.c.variant_id))
    whole = (
        update(Reservations)
        .where(_reservation.id == parts.c.id, parts.c.taken == parts.c.quantity, nothing_short)
        .values(status=_word("CONSUMED"))
        .cte("whole")
    )
    rest = (
        update(Reservations)
        .where(
            _reservation.id == parts.c.id,
            parts.c.taken > _NONE,
            parts.c.taken < parts.c.quantity,
            nothing_short,
        )
        .values(quantity=_reservation.quantity - parts.c.taken)
        .cte("rest")
    )
    counters = (
        _count_anew(locked, on_hand=locked.c.on_hand - moved.c.quantity, reserved=locked.c.reserved - moved.c.quantity)
        .where(moved.c.stock_id == locked.c.id, nothing_short)
        .cte("counters")
    )
    moved_rows = select(moved.c.stock_id, moved.c.quantity).where(nothing_short).cte("moved_rows")
    ledger = _write_ledger(
        _word("CONSUME"), moved_rows, _ORDER, on_hand=-moved_rows.c.quantity, reserved=-moved_rows.c.quantity
    )
    return select(short.c.variant_id, short.c.on_hand).add_cte(
        whole, rest, _split(parts, nothing_short), counters, ledger
    )


def _split(parts: CTE, nothing_short: ColumnElement[bool]) -> CTE:
    """Record the consumed part of a reservation of which something is left."""
    earlier = Reservations.__table__.alias("earlier").c
    sequence = select(func.max(earlier.sequence) + 1).where(earlier.order_id == _ORDER).scalar_subquery()
    columns = ["id", "order_id", "stock_id", "sequence", "quantity", "status", "expires_time", "created_time"]
    rows = select(
        func.uuidv7(type_=Uuid()),
        _ORDER,
        parts.c.stock_id,
        sequence,
        parts.c.taken,
        _word("CONSUMED"),
        parts.c.expires_time,
        _NOW,
    ).where(parts.c.taken > _NONE, parts.c.taken < parts.c.quantity, nothing_short)
    return insert(Reservations).from_select(columns, rows).cte("split")


def _lost_units() -> Select[Any]:
    quantity = cast(func.sum(_reservation.quantity), BigInteger)
    return (
        select(_stock.variant_id, quantity)
        .join(Reservations, _reservation.stock_id == _stock.id)
        .where(_reservation.order_id == _ORDER, _reservation.status == _word("EXPIRED"))
        .group_by(_stock.variant_id)
    )


HOLD = Command(_hold(), Shortage)
EXPIRE_OVERDUE = ScalarCommand(_expire_overdue(), UUID)
# COMMIT and EXTEND run after LOCK and not in one statement with it: what a statement reads is as old as its beginning,
# so only a later one sees what expired while LOCK waited.
LOCK = ScalarCommand(_lock(), UUID)
COMMIT = ScalarCommand(_commit(), int)
EXTEND = ScalarCommand(_extend(), int)
RELEASE = ScalarCommand(_release(expired=False), int)
EXPIRE = ScalarCommand(_release(expired=True), int)
CONSUME = Command(_consume(), Shortage)
LOST_UNITS = Command(_lost_units(), lambda variant_id, quantity: (VariantId(variant_id), int(quantity)))
FORGET_LOST = Command(
    update(Reservations)
    .where(_reservation.order_id == _ORDER, _reservation.status == _word("EXPIRED"))
    .values(status=_word("RELEASED"))
)
