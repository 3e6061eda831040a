"""Storing what happens to an order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Integer, Text, Uuid, bindparam, func, insert, select, update

from server.db.statement import Bound, Command, unnest_rows
from server.db.words import number
from server.features.orders.rules import actor_kind
from server.features.orders.tables import Orders, OrderTimeline
from server.features.orders.values import Order, OrderChanges, TimelineStep
from server.kernel.ids import OrderId, new_id

_CHANGES: Final = tuple(OrderChanges.__annotations__)
_UPDATE = Command(
    update(Orders)
    .where(Orders.id == bindparam("order_id"))
    .values({name: bindparam(name) for name in _CHANGES} | {"updated_time": bindparam("now")})
)
_steps = unnest_rows(
    "step",
    entry_id=Uuid(),
    offset=Integer(),
    kind=Text(),
    from_state=Text(),
    to_state=Text(),
    note=Text(),
    actor_id=Uuid(),
    actor_kind=Text(),
)
_last_sequence = (
    select(func.coalesce(func.max(OrderTimeline.sequence), number(0)))
    .where(OrderTimeline.order_id == bindparam("order_id"))
    .scalar_subquery()
)
_INSERT_STEPS = Command(
    insert(OrderTimeline).from_select(
        [
            "id",
            "order_id",
            "sequence",
            "kind",
            "from_state",
            "to_state",
            "note",
            "actor_id",
            "actor_kind",
            "created_time",
        ],
        select(
            _steps.c.entry_id,
            bindparam("order_id", type_=Uuid),
            _last_sequence + _steps.c.offset,
            _steps.c.kind,
            _steps.c.from_state,
            _steps.c.to_state,
            _steps.c.note,
            _steps.c.actor_id,
            _steps.c.actor_kind,
            bindparam("now", type_=OrderTimeline.created_time.type),
        ),
    )
)


def updating_order(order: Order, *, now: datetime) -> Bound[object]:
    """Return the statement that stores the states of an order and their times. Its row must be locked."""
    record = order.record
    return _UPDATE.bind(order_id=record.id, now=now, **{name: getattr(record, name) for name in _CHANGES})


def inserting_steps(order_id: OrderId, steps: Sequence[TimelineStep], *, now: datetime) -> Bound[object]:
    """Return the statement that appends to an order's timeline.

    The order's row must be locked: the sequence counts on it.
    """
    return _INSERT_STEPS.bind(
        order_id=order_id,
        entry_id=[new_id() for _ in steps],
        offset=list(range(1, len(steps) + 1)),
        kind=[step.kind.value for step in steps],
        from_state=[step.from_state for step in steps],
        to_state=[step.to_state for step in steps],
        note=[step.note for step in steps],
        actor_id=[step.actor.user_id if step.actor else None for step in steps],
        actor_kind=[actor_kind(step.actor).value for step in steps],
        now=now,
    )
