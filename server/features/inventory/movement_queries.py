"""Pieces of the statements that move units between available, reserved and gone.

Every such statement takes any number of rows at once. It first locks the stock rows that it touches in id order, so
that no two can wait for each other, and only then changes reservations, counters and ledger. Reservations of an order
come into being and are consumed only under the lock of that order's row (orders takes it first); beside that only
`hold_queries.expire_overdue` touches reservations of others, and no further than from HELD to EXPIRED.
"""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    Update,
    Uuid,
    bindparam,
    cast,
    func,
    insert,
    select,
    update,
)

from server.db.statement import unnest_rows
from server.db.words import number, word, words
from server.features.inventory.tables import Reservations, StockItems, StockMovements
from server.features.inventory.values import MovementKind, ReservationStatus

NOW = bindparam("now", type_=DateTime(timezone=True))
ORDER = bindparam("order_id", type_=Uuid())
NONE = number(0, BigInteger)

_ACTOR = bindparam("actor_id", type_=Uuid())

# What `locked` holds of each row: the counters as they are once the lock is there.
COUNTERS: Final[tuple[Any, ...]] = (
    StockItems.id,
    StockItems.variant_id,
    StockItems.on_hand,
    StockItems.reserved,
    StockItems.safety,
    StockItems.backorder_limit,
)


def lock_in_order(rows: Select[Any]) -> CTE:
    """Lock stock rows in id order. NO KEY: the foreign keys of others' ledger rows need not wait."""
    return rows.order_by(StockItems.id).with_for_update(of=StockItems, key_share=True).cte("locked")


def lock_demanded() -> CTE:
    """Lock the stock rows of the variants that are asked for, each with the `quantity` of it."""
    demand = unnest_rows("demand", variant_id=Uuid(), quantity=BigInteger())
    return lock_in_order(
        select(*COUNTERS, demand.c.quantity).join(demand, demand.c.variant_id == StockItems.variant_id)
    )


def lock_stock_of_order(*statuses: ReservationStatus) -> CTE:
    """Lock the stock rows of which the order has reservations in one of these states."""
    held = select(Reservations.stock_id).where(
        Reservations.order_id == ORDER, Reservations.status.in_(words(*statuses))
    )
    return lock_in_order(select(*COUNTERS).where(StockItems.id.in_(held)))


def count_anew(
    locked: CTE, *, on_hand: ColumnElement[int] | None = None, reserved: ColumnElement[int] | None = None
) -> Update:
    """Set the counters of locked rows.

    All that the constraints look at is taken from `locked`, and nothing from the row itself. PostgreSQL first tries the
    new row on the row as it was when the statement began, constraints included, and only then finds that somebody else
    has changed it meanwhile: a sum with a counter that is old by then would break a constraint that nothing breaks.
    """
    return (
        update(StockItems)
        .where(StockItems.id == locked.c.id)
        .values(
            on_hand=locked.c.on_hand if on_hand is None else on_hand,
            reserved=locked.c.reserved if reserved is None else reserved,
            backorder_limit=locked.c.backorder_limit,
            updated_time=NOW,
        )
    )


def give_back(locked: CTE, moved: CTE) -> CTE:
    """Take units off what is reserved; `moved` has one row a stock item."""
    given_back = locked.c.reserved - moved.c.quantity
    return count_anew(locked, reserved=given_back).where(moved.c.stock_id == locked.c.id).cte("counters")


def sum_by_stock(changed: CTE) -> CTE:
    """Make one row a stock item: an UPDATE takes only the first of several rows that it is joined to."""
    quantity = cast(func.sum(changed.c.quantity), BigInteger).label("quantity")
    return select(changed.c.stock_id, quantity).group_by(changed.c.stock_id).cte("moved")


def write_ledger(
    kind: MovementKind,
    moved: CTE,
    order_id: ColumnElement[UUID],
    *,
    on_hand: ColumnElement[int] = NONE,
    reserved: ColumnElement[int] = NONE,
) -> CTE:
    """Write a row into the ledger for each row of `moved`."""
    columns = ["stock_id", "kind", "on_hand_delta", "reserved_delta", "order_id", "actor_id", "created_time"]
    rows = select(moved.c.stock_id, word(kind), on_hand, reserved, order_id, _ACTOR, NOW)
    return insert(StockMovements).from_select(columns, rows).cte("ledger")
