"""The SQL that writes the prices of variants, and the span of them that lists go by."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Delete, Uuid, delete, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, CHAR, aggregate_order_by, insert
from sqlalchemy.sql.dml import ReturningDelete, ReturningInsert
from sqlalchemy.types import TypeEngine

from server.db.session import WriteTx
from server.db.statement import ScalarCommand
from server.db.words import number
from server.features.catalog.importing.upsert_queries import ANY_ID, json_rows, upsert
from server.features.catalog.importing.values import PlannedProduct
from server.features.catalog.tables import ProductPrices, VariantPrices, Variants
from server.kernel.ids import ProductId, VariantId

_price, _variant, _span = VariantPrices.__table__.c, Variants.__table__.c, ProductPrices.__table__.c

_COLUMNS: dict[str, TypeEngine[Any]] = {
    "variant_id": Uuid(),
    "currency": CHAR(3),
    "amount_minor": BigInteger(),
    "compare_at_amount_minor": BigInteger(),
}
_rows = json_rows(**_COLUMNS)
_UPSERT_PRICES = ScalarCommand(
    upsert(
        VariantPrices,
        {name: _rows.c[name] for name in _COLUMNS},
        key=["variant_id", "currency"],
        keep=[],
        returning="variant_id",
    ),
    VariantId,
)


def _sum_up() -> ReturningInsert[tuple[UUID]]:
    cheapest = aggregate_order_by(_price.compare_at_amount_minor, _price.amount_minor, _variant.position, _variant.id)
    source = {
        "product_id": _variant.product_id,
        "currency": _price.currency,
        "min_amount_minor": func.min(_price.amount_minor),
        "max_amount_minor": func.max(_price.amount_minor),
        "compare_at_amount_minor": func.array_agg(cheapest, type_=ARRAY(BigInteger()))[number(1)],
    }
    statement = insert(ProductPrices).from_select(
        list(source),
        select(*source.values())
        .join_from(Variants, VariantPrices, _price.variant_id == _variant.id)
        .where(_variant.product_id == ANY_ID, _variant.active)
        .group_by(_variant.product_id, _price.currency),
    )
    changed = {name: statement.excluded[name] for name in source if name not in ("product_id", "currency")}
    return statement.on_conflict_do_update(
        index_elements=["product_id", "currency"],
        set_=changed,
        where=or_(*[_span[name].is_distinct_from(value) for name, value in changed.items()]),
    ).returning(_span.product_id)


def _drop_stale() -> ReturningDelete[tuple[UUID]]:
    still_sold = (
        select(number(1))
        .select_from(Variants)
        .join(VariantPrices, _price.variant_id == _variant.id)
        .where(
            _variant.product_id == _span.product_id,
            # Says nothing new, but keeps the planner from reading the variants of all products first.
            _variant.product_id == ANY_ID,
            _price.currency == _span.currency,
            _variant.active,
        )
    )
    stale: Delete = delete(ProductPrices).where(_span.product_id == ANY_ID, ~still_sold.exists())
    return stale.returning(_span.product_id)


_SUM_UP = ScalarCommand(_sum_up(), ProductId)
_DROP_STALE = ScalarCommand(_drop_stale(), ProductId)


async def upsert_prices(tx: WriteTx, plan: Sequence[PlannedProduct]) -> list[VariantId]:
    """Write the prices that products name; return the variants of those that are new or changed."""
    return await _UPSERT_PRICES.all(tx, rows=list(_write_prices(plan)))


async def sum_up_prices(tx: WriteTx, ids: Sequence[ProductId]) -> list[ProductId]:
    """Write the span of the prices of some products anew, in each currency; return those whose span changed."""
    return await _SUM_UP.all(tx, ids=list(ids))


async def delete_stale_sums(tx: WriteTx, ids: Sequence[ProductId]) -> list[ProductId]:
    """Delete the spans in currencies in which nothing of a product is sold any more; return their products."""
    return await _DROP_STALE.all(tx, ids=list(ids))


def _write_prices(plan: Sequence[PlannedProduct]) -> Iterator[dict[str, Any]]:
    for item in plan:
        for matched in item.match.variants:
            for price in matched.variant.prices:
                yield {"variant_id": str(matched.id), **asdict(price)}
