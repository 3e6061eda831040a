"""Reading and correcting stock counters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Select, Text, Uuid, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from server.db.rows import columns_of
from server.db.session import ReadTx, WriteTx
from server.db.statement import Command, Query, ScalarCommand, ScalarQuery, unnest_rows
from server.db.words import TRUE, number, word
from server.features.catalog.tables import Variants
from server.features.catalog.values import FirstCount
from server.features.inventory.errors import StockNotTracked, VariantNotFound
from server.features.inventory.tables import Locations, StockItems, StockMovements
from server.features.inventory.values import MovementKind, Stock
from server.kernel.ids import LOCATION, ProductId, UserId, VariantId

# The name of the one place where goods are kept until there are more.
DEFAULT_LOCATION = "Default"

_NOW = bindparam("now", type_=DateTime(timezone=True))
_ACTOR = bindparam("actor_id", type_=Uuid())
_REASON = bindparam("reason", type_=Text())
_COLUMNS = columns_of(Stock, StockItems)


def _adjust() -> Select[Any]:
    before = (
        select(StockItems.id, StockItems.on_hand, StockItems.reserved, StockItems.backorder_limit)
        .where(StockItems.variant_id == bindparam("of_variant_id", type_=Uuid()))
        .with_for_update(key_share=True)
        .cte("before")
    )
    target = func.coalesce(
        bindparam("count", type_=BigInteger()), before.c.on_hand + bindparam("delta", type_=BigInteger())
    )
    adjusted = (
        update(StockItems)
        .where(
            StockItems.id == before.c.id,
            target >= number(0),
            # Orders keep what they hold.
            before.c.reserved <= target + before.c.backorder_limit,
        )
        # All counters come from the locked row: see `movement_queries.count_anew`.
        .values(on_hand=target, reserved=before.c.reserved, backorder_limit=before.c.backorder_limit, updated_time=_NOW)
        .returning(*_COLUMNS, (target - before.c.on_hand).label("change"))
        .cte("adjusted")
    )
    columns = ["stock_id", "kind", "on_hand_delta", "reserved_delta", "actor_id", "reason", "created_time"]
    rows = select(adjusted.c.id, word(MovementKind.ADJUST), adjusted.c.change, number(0), _ACTOR, _REASON, _NOW)
    ledger = insert(StockMovements).from_select(columns, rows).cte("ledger")
    return select(*[adjusted.c[column.name] for column in _COLUMNS]).add_cte(ledger)


def _create() -> Select[Any]:
    rows = unnest_rows("rows", variant_id=Uuid(), on_hand=BigInteger(), backorder_limit=BigInteger())
    location = insert(Locations).values(
        id=bindparam("location_id", type_=Uuid()), name=bindparam("location_name", type_=Text()), created_time=_NOW
    )
    # Written over with itself, so that the row is returned whether or not it is new.
    location_row = (
        location.on_conflict_do_update(index_elements=["name"], set_={"name": location.excluded.name})
        .returning(Locations.id)
        .cte("location")
    )
    columns = ["id", "variant_id", "location_id", "on_hand", "backorder_limit", "updated_time"]
    values = select(
        func.uuidv7(type_=Uuid()), rows.c.variant_id, location_row.c.id, rows.c.on_hand, rows.c.backorder_limit, _NOW
    )
    created = (
        insert(StockItems)
        .from_select(columns, values)
        .on_conflict_do_nothing(index_elements=["variant_id"])
        .returning(StockItems.id, StockItems.on_hand)
        .cte("created")
    )
    ledger_columns = ["stock_id", "kind", "on_hand_delta", "reserved_delta", "created_time"]
    first_rows = select(created.c.id, word(MovementKind.INITIAL), created.c.on_hand, number(0), _NOW)
    ledger = insert(StockMovements).from_select(ledger_columns, first_rows).cte("ledger")
    return select(func.count()).select_from(created).add_cte(ledger)


_FIND = Query(select(*_COLUMNS).where(StockItems.variant_id == bindparam("variant_id")), Stock)
_VARIANT_EXISTS = ScalarQuery(select(TRUE).where(Variants.id == bindparam("variant_id")), bool)
_PRODUCT_OF = ScalarQuery(select(Variants.product_id).where(Variants.id == bindparam("variant_id")), ProductId)
_ADJUST = Command(_adjust(), Stock)
_CREATE = ScalarCommand(_create(), int)


async def get_stock(tx: ReadTx, variant_id: VariantId) -> Stock:
    """Return the counters of a variant. Raises VariantNotFound, StockNotTracked."""
    stock = await _FIND.first(tx, variant_id=variant_id)
    if stock is not None:
        return stock
    if await _VARIANT_EXISTS.first(tx, variant_id=variant_id):
        raise StockNotTracked(variant_id)
    raise VariantNotFound(variant_id)


async def get_product_id(tx: ReadTx, variant_id: VariantId) -> ProductId:
    """Return the product of a variant that exists."""
    return await _PRODUCT_OF.one(tx, variant_id=variant_id)


async def adjust_on_hand(
    tx: WriteTx,
    variant_id: VariantId,
    *,
    delta: int | None,
    on_hand: int | None,
    reason: str,
    actor_id: UserId | None,
    now: datetime,
) -> Stock | None:
    """Change what is there, by `delta` or to `on_hand`, with its row in the ledger.

    None: no counters, or orders hold more than would be left; nothing is changed then.
    """
    return await _ADJUST.first(
        tx,
        of_variant_id=variant_id,
        delta=delta,
        count=on_hand,
        reason=reason,
        actor_id=actor_id,
        now=now,
    )


async def insert_stock(tx: WriteTx, counts: Sequence[FirstCount], *, now: datetime) -> None:
    """Make counters with their first rows in the ledger, but not for variants that have some."""
    await _CREATE.run(
        tx,
        variant_id=[count.variant_id for count in counts],
        on_hand=[count.on_hand for count in counts],
        backorder_limit=[count.backorder_limit for count in counts],
        location_id=LOCATION.new(),
        location_name=DEFAULT_LOCATION,
        now=now,
    )
