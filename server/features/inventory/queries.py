"""Reading and correcting stock counters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Select, Text, Uuid, bindparam, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from server.db.session import ReadTx, WriteTx
from server.db.statement import Command, Query, ScalarCommand, ScalarQuery, unnest_rows
from server.features.catalog.tables import Variants
from server.features.catalog.values import FirstCount
from server.features.inventory.tables import Locations, StockItems, StockMovements
from server.features.inventory.values import Stock
from server.kernel.ids import ProductId, UserId, VariantId, new_id

# The name of the one place where goods are kept until there are more.
DEFAULT_LOCATION = "Default"

_stock = StockItems.__table__.c
_NOW = bindparam("now", type_=DateTime(timezone=True))
_ACTOR = bindparam("actor_id", type_=Uuid())
_REASON = bindparam("reason", type_=Text())
_COLUMNS = (
    _stock.id,
    _stock.variant_id,
    _stock.on_hand,
    _stock.reserved,
    _stock.safety,
    _stock.backorder_limit,
    _stock.updated_time,
)


_FIND = Query(select(*_COLUMNS).where(_stock.variant_id == bindparam("variant_id")), Stock)
_VARIANT_EXISTS = ScalarQuery(
    select(literal_column("true")).where(Variants.__table__.c.id == bindparam("variant_id")), bool
)


def _adjust() -> Select[Any]:
    before = (
        select(_stock.id, _stock.on_hand, _stock.reserved, _stock.backorder_limit)
        .where(_stock.variant_id == bindparam("of_variant_id", type_=Uuid()))
        .with_for_update(key_share=True)
        .cte("before")
    )
    target = func.coalesce(
        bindparam("count", type_=BigInteger()), before.c.on_hand + bindparam("delta", type_=BigInteger())
    )
    adjusted = (
        update(StockItems)
        .where(
            _stock.id == before.c.id,
            target >= literal_column("0"),
            # Orders keep what they hold.
            before.c.reserved <= target + before.c.backorder_limit,
        )
        # All counters come from the locked row: see `holds`.
        .values(on_hand=target, reserved=before.c.reserved, backorder_limit=before.c.backorder_limit, updated_time=_NOW)
        .returning(*_COLUMNS, (target - before.c.on_hand).label("change"))
        .cte("adjusted")
    )
    columns = ["stock_id", "kind", "on_hand_delta", "reserved_delta", "actor_id", "reason", "created_time"]
    rows = select(
        adjusted.c.id, literal_column("'ADJUST'"), adjusted.c.change, literal_column("0"), _ACTOR, _REASON, _NOW
    )
    ledger = insert(StockMovements).from_select(columns, rows).cte("ledger")
    return select(*[adjusted.c[column.name] for column in _COLUMNS]).add_cte(ledger)


def _create() -> Select[Any]:
    rows = unnest_rows(
        "rows",
        variant_id=Uuid(),
        on_hand=BigInteger(),
        backorder_limit=BigInteger(),
    )
    location = insert(Locations).values(
        id=bindparam("location_id", type_=Uuid()), name=bindparam("location_name", type_=Text()), created_time=_NOW
    )
    # Written over with itself, so that the row is returned whether or not it is new.
    location_row = (
        location.on_conflict_do_update(index_elements=["name"], set_={"name": location.excluded.name})
        .returning(Locations.__table__.c.id)
        .cte("location")
    )
    columns = ["id", "variant_id", "location_id", "on_hand", "backorder_limit", "updated_time"]
    created = (
        insert(StockItems)
        .from_select(
            columns,
            select(
                func.uuidv7(type_=Uuid()),
                rows.c.variant_id,
                location_row.c.id,
                rows.c.on_hand,
                rows.c.backorder_limit,
                _NOW,
            ),
        )
        .on_conflict_do_nothing(index_elements=["variant_id"])
        .returning(_stock.id, _stock.on_hand)
        .cte("created")
    )
    ledger_columns = ["stock_id", "kind", "on_hand_delta", "reserved_delta", "created_time"]
    ledger = (
        insert(StockMovements)
        .from_select(
            ledger_columns,
            select(
                created.c.id,
                literal_column("'INITIAL'"),
                created.c.on_hand,
                literal_column("0"),
                _NOW,
            ),
        )
        .cte("ledger")
    )
    return select(func.count()).select_from(created).add_cte(ledger)


_ADJUST = Command(_adjust(), Stock)
_CREATE = ScalarCommand(_create(), int)


async def find_stock(tx: ReadTx, variant_id: VariantId) -> Stock | None:
    """Find the counters of a variant; None when they are not kept, or when there is no such variant."""
    return await _FIND.first(tx, variant_id=variant_id)


async def variant_exists(tx: ReadTx, variant_id: VariantId) -> bool:
    """Whether the shop has such a variant."""
    return await _VARIANT_EXISTS.first(tx, variant_id=variant_id) is not None


_PRODUCT_OF = ScalarQuery(select(Variants.product_id).where(Variants.id == bindparam("variant_id")), ProductId)


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
        location_id=new_id(),
        location_name=DEFAULT_LOCATION,
        now=now,
    )


async def get_product_id(tx: ReadTx, variant_id: VariantId) -> ProductId:
    """Return the product of a variant that exists."""
    return await _PRODUCT_OF.one(tx, variant_id=variant_id)
