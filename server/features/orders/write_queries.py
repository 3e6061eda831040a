"""Writing orders."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import (
    BigInteger,
    Integer,
    Text,
    Uuid,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.types import Boolean, TypeEngine

from server.db.session import WriteTx
from server.db.statement import Bound, Command, ScalarCommand, unnest_rows
from server.features.orders.errors import OrderNumberTaken
from server.features.orders.queries import ORDER_COLUMNS
from server.features.orders.rules import ActorKind, ParcelStatus
from server.features.orders.tables import (
    FulfillmentLines,
    Fulfillments,
    InvoiceCounters,
    Invoices,
    OrderLines,
    Orders,
    OrderTimeline,
)
from server.features.orders.values import Order, OrderChanges
from server.kernel.actor import Actor
from server.kernel.ids import FulfillmentId, OrderId, OrderLineId, new_id


@dataclass(frozen=True, slots=True)
class Step:
    """An entry of the timeline that is about to be written."""

    kind: str
    from_state: str = ""
    to_state: str = ""
    note: str = ""
    # None: the shop by itself.
    actor: Actor | None = None


_LINE_COLUMNS: dict[str, TypeEngine[Any]] = {
    "id": Uuid(),
    "position": Integer(),
    "product_id": Uuid(),
    "variant_id": Uuid(),
    "sku": Text(),
    "title": Text(),
    "options": JSONB(),
    "requires_shipping": Boolean(),
    "quantity": BigInteger(),
    "unit_price_minor": BigInteger(),
    "subtotal_minor": BigInteger(),
    "discount_minor": BigInteger(),
    "tax_minor": BigInteger(),
    "total_minor": BigInteger(),
}
_order_names = [attribute.key for attribute in ORDER_COLUMNS]
_order_row = (
    insert(Orders)
    .values({name: bindparam(name) for name in _order_names} | {"updated_time": bindparam("placed_time")})
    .returning(Orders.id)
    .cte("placed")
)
# One document holds all lines, so that one statement inserts any number of them.
_line_rows = (
    func.jsonb_to_recordset(bindparam("lines", type_=JSONB))
    .table_valued(*[column(name, kind) for name, kind in _LINE_COLUMNS.items()])
    .render_derived(name="line", with_types=True)
)
_lines = (
    insert(OrderLines)
    .from_select(
        ["order_id", *_LINE_COLUMNS],
        select(bindparam("id", type_=Uuid), *[_line_rows.c[name] for name in _LINE_COLUMNS]),
    )
    .returning(OrderLines.id)
    .cte("lines")
)
_PLACE = Command(
    insert(OrderTimeline)
    .values(
        id=bindparam("entry_id"),
        order_id=bindparam("id"),
        sequence=1,
        kind="PLACED",
        to_state=bindparam("status"),
        actor_id=bindparam("actor_id"),
        actor_kind=bindparam("actor_kind"),
        created_time=bindparam("placed_time"),
    )
    .add_cte(_order_row, _lines)
)
_UPDATE = Command(
    update(Orders)
    .where(Orders.id == bindparam("order_id"))
    .values({name: bindparam(name) for name in OrderChanges.__annotations__} | {"updated_time": bindparam("now")})
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
    select(func.coalesce(func.max(OrderTimeline.sequence), 0))
    .where(OrderTimeline.order_id == bindparam("order_id"))
    .scalar_subquery()
)
_NOTE_STEPS = Command(
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
_next_number = upsert(InvoiceCounters).values(year=bindparam("year"), last_number=1)
_taken = (
    _next_number.on_conflict_do_update(
        index_elements=["year"], set_={"last_number": InvoiceCounters.last_number + literal(1, Integer)}
    )
    .returning(InvoiceCounters.last_number)
    .cte("taken")
)
# At least six digits, and never fewer than the number has.
_digits = func.greatest(func.length(cast(_taken.c.last_number, Text)), literal_column("6"))
_ISSUE_INVOICE = ScalarCommand(
    insert(Invoices)
    .from_select(
        ["id", "order_id", "year", "sequence", "number", "issued_time", "document"],
        select(
            bindparam("id", type_=Uuid),
            bindparam("order_id", type_=Uuid),
            bindparam("year", type_=Integer),
            _taken.c.last_number,
            func.concat(
                cast(bindparam("year", type_=Integer), Text),
                literal_column("'-'"),
                func.lpad(cast(_taken.c.last_number, Text), _digits, literal_column("'0'")),
            ),
            bindparam("issued_time", type_=Invoices.issued_time.type),
            bindparam("document", type_=JSONB),
        ),
    )
    .returning(Invoices.number),
    str,
)
_parcel = (
    insert(Fulfillments)
    .values(
        id=bindparam("parcel_id"),
        order_id=bindparam("order_id"),
        status=ParcelStatus.PENDING.value,
        created_time=bindparam("now"),
    )
    .returning(Fulfillments.id)
    .cte("parcel")
)
_parcel_lines = unnest_rows("packed", line_id=Uuid(), quantity=BigInteger())
_PACK = Command(
    insert(FulfillmentLines)
    .from_select(
        ["fulfillment_id", "order_line_id", "quantity"],
        select(bindparam("parcel_id", type_=Uuid), _parcel_lines.c.line_id, _parcel_lines.c.quantity),
    )
    .add_cte(_parcel)
)
_shipped = (
    update(Fulfillments)
    .where(Fulfillments.id == bindparam("parcel_id"))
    .values(
        status=ParcelStatus.SHIPPED.value,
        carrier=bindparam("carrier"),
        tracking_number=bindparam("tracking_number"),
        tracking_url=bindparam("tracking_url"),
        shipped_time=bindparam("now"),
    )
    .returning(Fulfillments.id)
    .cte("shipped")
)
_SHIP = Command(
    update(OrderLines)
    .where(OrderLines.id == FulfillmentLines.order_line_id, FulfillmentLines.fulfillment_id == bindparam("parcel_id"))
    .values(shipped_quantity=OrderLines.shipped_quantity + FulfillmentLines.quantity)
    .add_cte(_shipped)
)


def inserting_order(order: Order, *, actor: Actor) -> Bound[object]:
    """Return the statement that stores a new order with its lines and the first entry of its timeline.

    Run it within `number_taken`.
    """
    record = order.record
    values = {name: getattr(record, name) for name in _order_names}
    lines = [
        {name: str(value) if isinstance(value := getattr(line, name), UUID) else value for name in _LINE_COLUMNS}
        for line in order.lines
    ]
    return _PLACE.bind(**values, lines=lines, entry_id=new_id(), actor_id=actor.user_id, actor_kind=_actor_kind(actor))


@contextmanager
def number_taken() -> Iterator[None]:
    """Raise OrderNumberTaken when an order is inserted with a number that another one has."""
    try:
        yield
    except UniqueViolation as violation:
        if violation.diag.constraint_name == "uq_orders_number":
            raise OrderNumberTaken from violation
        raise


def updating_order(order: Order, *, now: datetime) -> Bound[object]:
    """Return the statement that stores the states of an order and their times. Its row must be locked."""
    record = order.record
    values = {name: getattr(record, name) for name in OrderChanges.__annotations__}
    return _UPDATE.bind(order_id=record.id, now=now, **values)


def noting_steps(order_id: OrderId, steps: Sequence[Step], *, now: datetime) -> Bound[object]:
    """Return the statement that appends to an order's timeline.

    The order's row must be locked: the sequence counts on it.
    """
    return _NOTE_STEPS.bind(
        order_id=order_id,
        entry_id=[new_id() for _ in steps],
        offset=list(range(1, len(steps) + 1)),
        kind=[step.kind for step in steps],
        from_state=[step.from_state for step in steps],
        to_state=[step.to_state for step in steps],
        note=[step.note for step in steps],
        actor_id=[step.actor.user_id if step.actor else None for step in steps],
        actor_kind=[_actor_kind(step.actor) for step in steps],
        now=now,
    )


async def insert_invoice(tx: WriteTx, order_id: OrderId, *, document: dict[str, Any], now: datetime) -> str:
    """Give the order the year's next invoice number and store the document; return the number.

    The counter's row stays locked until the transaction ends, so a number is never left out. All who are paid wait for
    it: take it as late as possible.
    """
    return await _ISSUE_INVOICE.one(
        tx, id=new_id(), order_id=order_id, year=now.year, issued_time=now, document=document
    )


def inserting_parcel(
    parcel_id: FulfillmentId, order_id: OrderId, *, packed: Mapping[OrderLineId, int], now: datetime
) -> Bound[object]:
    """Return the statement that stores a parcel and what is in it."""
    return _PACK.bind(
        parcel_id=parcel_id, order_id=order_id, line_id=list(packed), quantity=list(packed.values()), now=now
    )


async def ship_parcel(
    tx: WriteTx, parcel_id: FulfillmentId, *, carrier: str, tracking_number: str, tracking_url: str, now: datetime
) -> None:
    """Mark a parcel as shipped and count its goods as shipped on their lines."""
    await _SHIP.run(
        tx,
        parcel_id=parcel_id,
        carrier=carrier,
        tracking_number=tracking_number,
        tracking_url=tracking_url,
        now=now,
    )


def _actor_kind(actor: Actor | None) -> str:
    if actor is None:
        return ActorKind.SHOP.value
    if actor.works_here:
        return ActorKind.STAFF.value
    return (ActorKind.CUSTOMER if actor.signed_in else ActorKind.GUEST).value
