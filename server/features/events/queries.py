"""The SQL of the event outbox."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Integer, Text, Uuid, bindparam, cast, func, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from server.db.session import ReadTx, WriteTx
from server.db.statement import Bound, Command, Query, ScalarQuery, unnest_rows
from server.db.words import number
from server.features.events.tables import EventCursors, Events, Xid8
from server.features.events.values import CursorPosition, News, RecordedEvent
from server.kernel.event import Event
from server.kernel.ids import EVENT
from server.kernel.payload import to_json

_given = unnest_rows(
    "given", ordinal=Integer(), id=Uuid(), type=Text(), aggregate_id=Uuid(), data=JSONB(), version=Integer()
)
_latest = (
    select(func.coalesce(func.max(Events.sequence), number(0)))
    .where(Events.aggregate_id == _given.c.aggregate_id)
    .correlate(_given)
    .scalar_subquery()
)
_place = func.row_number().over(partition_by=_given.c.aggregate_id, order_by=_given.c.ordinal)
_INSERT_EVENTS = Command(
    insert(Events).from_select(
        ["id", "type", "version", "aggregate_id", "sequence", "data", "created_time"],
        select(
            _given.c.id,
            _given.c.type,
            _given.c.version,
            _given.c.aggregate_id,
            _latest + _place,
            _given.c.data,
            func.now(),
        ).order_by(_given.c.ordinal),
    )
)

_INSERT_CURSOR = Command(insert(EventCursors).values(name=bindparam("name")).on_conflict_do_nothing())
# Whoever finds the row locked leaves the work to the one that holds it.
_LOCK_CURSOR = Query(
    select(cast(EventCursors.transaction_id, Text).label("transaction_id"), EventCursors.position)
    .where(EventCursors.name == bindparam("name"))
    .with_for_update(skip_locked=True),
    CursorPosition,
)
_MOVE_CURSOR = Command(
    update(EventCursors)
    .values(transaction_id=cast(bindparam("transaction_id", type_=Text), Xid8), position=bindparam("to_position"))
    .where(EventCursors.name == bindparam("of_name"))
)

# Transaction ids are given in order but committed in any. Below the oldest transaction that still runs, nothing new can
# appear, so a reader that stops there never passes over an event of a slow one.
_settled = Events.transaction_id < func.pg_snapshot_xmin(func.pg_current_snapshot(), type_=Xid8)
_LIST_AFTER = Query(
    select(
        cast(Events.transaction_id, Text).label("transaction_id"),
        Events.position,
        cast(_settled, Boolean).label("settled"),
        Events.id,
        Events.type,
        Events.aggregate_id,
        Events.data,
        Events.created_time,
    )
    .where(
        tuple_(Events.transaction_id, Events.position)
        > tuple_(
            cast(bindparam("transaction_id", type_=Text), Xid8),
            bindparam("position", type_=BigInteger),
        )
    )
    .order_by(Events.transaction_id, Events.position)
    .limit(bindparam("limit", type_=Integer)),
    RecordedEvent,
)
# A look without locks: an idle dispatcher costs one index probe a turn and writes nothing.
_HAS_NEWS = ScalarQuery(
    select(
        select(true())
        .where(
            EventCursors.name == bindparam("name"),
            tuple_(Events.transaction_id, Events.position) > tuple_(EventCursors.transaction_id, EventCursors.position),
        )
        .exists()
    ),
    bool,
)

_horizon = select(func.pg_snapshot_xmin(func.pg_current_snapshot(), type_=Xid8).label("xid")).cte("horizon")
_HORIZON = ScalarQuery(select(cast(_horizon.c.xid, Text)), str)
# More than so many at once are not worth following one by one.
MAX_NEWS = 1000
# One row at least, for the horizon's sake.
_LIST_NEWS = Query(
    select(
        cast(_horizon.c.xid, Text).label("horizon"),
        Events.position,
        (Events.transaction_id < _horizon.c.xid).label("settled"),
        Events.type,
        Events.data,
    )
    .select_from(_horizon)
    .outerjoin(Events, Events.transaction_id >= cast(bindparam("floor", type_=Text), Xid8))
    .limit(number(MAX_NEWS + 1)),
    News,
)


async def insert_events(tx: WriteTx, events: Sequence[Event]) -> None:
    """Write events, one at least, each with the next sequence of its aggregate."""
    await _INSERT_EVENTS.run(tx, **_rows(events))


def inserting_events(events: Sequence[Event]) -> Bound[object]:
    """Return the statement of `insert_events`."""
    return _INSERT_EVENTS.bind(**_rows(events))


async def insert_cursor(tx: WriteTx, name: str) -> None:
    """Make a cursor unless it is there."""
    await _INSERT_CURSOR.run(tx, name=name)


async def lock_cursor(tx: WriteTx, name: str) -> CursorPosition | None:
    """Lock a cursor; None while somebody else holds it."""
    return await _LOCK_CURSOR.first(tx, name=name)


async def move_cursor(tx: WriteTx, name: str, *, last: RecordedEvent) -> None:
    """Put a locked cursor behind an event."""
    await _MOVE_CURSOR.run(tx, transaction_id=last.transaction_id, to_position=last.position, of_name=name)


async def list_after(tx: ReadTx, cursor: CursorPosition, *, count: int) -> list[RecordedEvent]:
    """Return the events after a cursor, settled ones first."""
    return await _LIST_AFTER.all(tx, transaction_id=cursor.transaction_id, position=cursor.position, limit=count)


async def has_news(tx: ReadTx, name: str) -> bool:
    """Whether there is an event after a cursor, without locking it."""
    return await _HAS_NEWS.one(tx, name=name)


async def get_horizon(tx: ReadTx) -> str:
    """Return the oldest transaction that still runs."""
    return await _HORIZON.one(tx)


async def list_news(tx: ReadTx, *, floor: str) -> list[News]:
    """Return the events of transactions from `floor` on; one row at least, for the horizon's sake."""
    return await _LIST_NEWS.all(tx, floor=floor)


def _rows(events: Sequence[Event]) -> dict[str, list[Any]]:
    return {
        "ordinal": list(range(len(events))),
        "id": [EVENT.new() for _ in events],
        "type": [event.name for event in events],
        "version": [event.version for event in events],
        "aggregate_id": [event.aggregate_id for event in events],
        "data": [to_json(event) for event in events],
    }
