"""The SQL of the event outbox."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Integer, Text, Uuid, bindparam, cast, func, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from server.db.statement import Command, Query, ScalarQuery, unnest_rows
from server.features.events.tables import Event, EventCursor, TransactionId


@dataclass(frozen=True, slots=True)
class CursorRow:
    """How far a reader has come. PostgreSQL writes a transaction id as text."""

    transaction_id: str
    position: int


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event after the cursor; `settled` when no earlier one can appear any more."""

    transaction_id: str
    position: int
    settled: bool
    id: UUID
    type: str
    aggregate_id: UUID
    sequence: int
    data: dict[str, Any]
    created_time: datetime


@dataclass(frozen=True, slots=True)
class News:
    """An event that a follower may not have seen; without a position it only tells the horizon.

    `horizon` is the oldest transaction that still ran when the follower looked; `settled` when the event is before it.
    """

    horizon: str
    position: int | None
    settled: bool
    type: str
    aggregate_id: UUID
    data: dict[str, Any]


_given = unnest_rows("given", ordinal=Integer(), id=Uuid(), type=Text(), aggregate_id=Uuid(), data=JSONB())
_latest = (
    select(func.coalesce(func.max(Event.sequence), 0))
    .where(Event.aggregate_id == _given.c.aggregate_id)
    .correlate(_given)
    .scalar_subquery()
)
_place = func.row_number().over(partition_by=_given.c.aggregate_id, order_by=_given.c.ordinal)
INSERT_EVENTS = Command(
    insert(Event).from_select(
        ["id", "type", "aggregate_id", "sequence", "data", "created_time"],
        select(_given.c.id, _given.c.type, _given.c.aggregate_id, _latest + _place, _given.c.data, func.now()).order_by(
            _given.c.ordinal
        ),
    )
)

INSERT_CURSOR = Command(insert(EventCursor).values(name=bindparam("name")).on_conflict_do_nothing())
# Whoever finds the row locked leaves the work to the one that holds it.
LOCK_CURSOR = Query(
    select(cast(EventCursor.transaction_id, Text), EventCursor.position)
    .where(EventCursor.name == bindparam("name"))
    .with_for_update(skip_locked=True),
    CursorRow,
)
MOVE_CURSOR = Command(
    update(EventCursor)
    .values(
        transaction_id=cast(bindparam("transaction_id", type_=Text), TransactionId), position=bindparam("to_position")
    )
    .where(EventCursor.name == bindparam("of_name"))
)

# Transaction ids are given in order but committed in any. Below the oldest transaction that still runs, nothing new can
# appear, so a reader that stops there never passes over an event of a slow one.
_settled = Event.transaction_id < func.pg_snapshot_xmin(func.pg_current_snapshot(), type_=TransactionId)
LIST_AFTER = Query(
    select(
        cast(Event.transaction_id, Text),
        Event.position,
        cast(_settled, Boolean),
        Event.id,
        Event.type,
        Event.aggregate_id,
        Event.sequence,
        Event.data,
        Event.created_time,
    )
    .where(
        tuple_(Event.transaction_id, Event.position)
        > tuple_(
            cast(bindparam("transaction_id", type_=Text), TransactionId),
            bindparam("position", type_=BigInteger),
        )
    )
    .order_by(Event.transaction_id, Event.position)
    .limit(bindparam("limit", type_=Integer)),
    EventRow,
)
# A look without locks: an idle dispatcher costs one index probe a turn and writes nothing.
HAS_NEWS = ScalarQuery(
    select(
        select(true())
        .where(
            EventCursor.name == bindparam("name"),
            tuple_(Event.transaction_id, Event.position) > tuple_(EventCursor.transaction_id, EventCursor.position),
        )
        .exists()
    ),
    bool,
)

_horizon = select(func.pg_snapshot_xmin(func.pg_current_snapshot(), type_=TransactionId).label("xid")).cte("horizon")
HORIZON = ScalarQuery(select(cast(_horizon.c.xid, Text)), str)
# More than so many at once are not worth following one by one.
MAX_NEWS = 1000
# One row at least, for the horizon's sake.
LIST_NEWS = Query(
    select(
        cast(_horizon.c.xid, Text),
        Event.position,
        Event.transaction_id < _horizon.c.xid,
        Event.type,
        Event.aggregate_id,
        Event.data,
    )
    .select_from(_horizon)
    .outerjoin(Event, Event.transaction_id >= cast(bindparam("floor", type_=Text), TransactionId))
    .limit(MAX_NEWS + 1),
    News,
)
