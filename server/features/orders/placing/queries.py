"""Storing a new order."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Final
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import Text, Uuid, bindparam, column, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from server.db.statement import Bound, ScalarCommand
from server.db.words import number, word
from server.features.orders.errors import OrderNumberTaken
from server.features.orders.rules import actor_kind
from server.features.orders.tables import OrderLines, Orders, OrderTimeline
from server.features.orders.values import LineRecord, Order, OrderRecord, TimelineKind
from server.features.users.tables import Users
from server.kernel.actor import Actor
from server.kernel.ids import new_id

# The invoice's number is no column of an order.
_ORDER_NAMES: Final = tuple([field.name for field in fields(OrderRecord) if field.name != "invoice_number"])
# Every line belongs to the order that is stored with it, and nothing of it is shipped.
_LINE_TYPES: Final[dict[str, TypeEngine[Any]]] = {
    field.name: OrderLines.__table__.c[field.name].type
    for field in fields(LineRecord)
    if field.name not in ("order_id", "shipped_quantity")
}
# What the caller asks for, else the account's, else empty: the shop's.
_language = func.coalesce(
    func.nullif(bindparam("language", type_=Text), word("")),
    select(Users.language).where(Users.id == bindparam("user_id", type_=Uuid)).scalar_subquery(),
    word(""),
)
_order = (
    insert(Orders)
    .values(
        {name: bindparam(name) for name in _ORDER_NAMES}
        | {"language": _language, "updated_time": bindparam("placed_time")}
    )
    .returning(Orders.id, Orders.language)
    .cte("placed")
)
# One document holds all lines, so that one statement inserts any number of them.
_given = (
    func.jsonb_to_recordset(bindparam("lines", type_=JSONB))
    .table_valued(*[column(name, kind) for name, kind in _LINE_TYPES.items()])
    .render_derived(name="line", with_types=True)
)
_lines = (
    insert(OrderLines)
    .from_select(
        ["order_id", *_LINE_TYPES],
        select(bindparam("id", type_=Uuid), *[_given.c[name] for name in _LINE_TYPES]),
    )
    .returning(OrderLines.id)
    .cte("lines")
)
_INSERT = ScalarCommand(
    insert(OrderTimeline)
    .values(
        id=bindparam("entry_id"),
        order_id=bindparam("id"),
        sequence=number(1),
        kind=word(TimelineKind.PLACED),
        to_state=bindparam("status"),
        actor_id=bindparam("actor_id"),
        actor_kind=bindparam("actor_kind"),
        created_time=bindparam("placed_time"),
    )
    .returning(select(_order.c.language).scalar_subquery())
    .add_cte(_order, _lines),
    str,
)


def inserting_order(order: Order, *, actor: Actor) -> Bound[str]:
    """Return the statement that stores a new order with its lines and the first entry of its timeline.

    Its result is the order's language: an empty one becomes that of the account. Run it within `number_taken`.
    """
    record = order.record
    values = {name: getattr(record, name) for name in _ORDER_NAMES}
    lines = [
        {name: str(value) if isinstance(value := getattr(line, name), UUID) else value for name in _LINE_TYPES}
        for line in order.lines
    ]
    return _INSERT.bind_one(
        **values, lines=lines, entry_id=new_id(), actor_id=actor.user_id, actor_kind=actor_kind(actor)
    )


@contextmanager
def number_taken() -> Iterator[None]:
    """Raise OrderNumberTaken when an order is inserted with a number that another one has."""
    try:
        yield
    except UniqueViolation as violation:
        if violation.diag.constraint_name == "uq_orders_number":
            raise OrderNumberTaken from violation
        raise
