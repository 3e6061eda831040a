"""The statements of an import: each writes any number of rows and returns which of them it changed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import sql
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    CompoundSelect,
    DateTime,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    column,
    delete,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, CHAR, JSONB, aggregate_order_by, insert
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.types import TypeEngine

from server.db.base import Base
from server.db.session import WriteTx
from server.db.statement import Command, ScalarCommand
from server.features.catalog.importing.rules import KnownVariant
from server.features.catalog.tables import Categories, ProductMedia, ProductPrices, Products, VariantPrices, Variants
from server.kernel.ids import ProductId, VariantId

_NOW = bindparam("now", type_=DateTime(timezone=True))
_IDS = any_(bindparam("ids", type_=ARRAY(Uuid())))


def json_rows(**columns: TypeEngine[Any]) -> FromClause:
    """Make a table of the parameter `rows`, a list of dicts: unlike unnest it takes arrays as values."""
    parameter = func.jsonb_to_recordset(bindparam("rows", type_=JSONB()))
    table = parameter.table_valued(*[column(name, kind) for name, kind in columns.items()])
    return table.render_derived(name="rows", with_types=True)


def _upsert(
    table: type[Any],
    source: Mapping[str, ColumnElement[Any]],
    *,
    key: Iterable[str],
    keep: Iterable[str],
    returning: str,
) -> ReturningInsert[tuple[UUID]]:
    """Insert rows, or change those that are there and differ; return one column of those inserted or changed.

    `keep` are columns that a row keeps as it was made.
    """
    names = list(source)
    statement = insert(table).from_select(names, select(*source.values()))
    present, new = table.__table__.c, statement.excluded
    fixed = {*key, *keep, "updated_time"}
    changes: dict[str, ColumnElement[Any]] = {name: new[name] for name in names if name not in fixed}
    if "category_id" in changes:
        # A file without categories takes nothing away from a shop that has sorted its goods itself.
        changes["category_id"] = func.coalesce(new.category_id, present.category_id)
    differs = or_(*[present[name].is_distinct_from(value) for name, value in changes.items()])
    if "updated_time" in names:
        changes["updated_time"] = new.updated_time
    return statement.on_conflict_do_update(index_elements=list(key), set_=changes, where=differs).returning(
        present[returning]
    )


def _upsert_products() -> ReturningInsert[tuple[UUID]]:
    texts = (
        *("slug", "title", "description_html", "description_text", "vendor", "product_type", "tags_text"),
        *("status", "seo_title", "seo_description"),
    )
    columns: dict[str, TypeEngine[Any]] = {name: Text() for name in texts}
    rows = json_rows(id=Uuid(), category_id=Uuid(), options=JSONB(), tags=ARRAY(Text()), **columns)
    source = {name: rows.c[name] for name in ("id", "category_id", "options", "tags", *texts)}
    source |= {"created_time": _NOW, "updated_time": _NOW}
    return _upsert(Products, source, key=["slug"], keep=["id", "created_time"], returning="id")


def _upsert_variants() -> ReturningInsert[tuple[UUID]]:
    columns: dict[str, TypeEngine[Any]] = {
        "id": Uuid(),
        "product_id": Uuid(),
        "position": Integer(),
        "sku": Text(),
        "option_values": ARRAY(Text()),
        "barcode": Text(),
        "weight_grams": Integer(),
        "requires_shipping": Boolean(),
        "tax_class": Text(),
        "active": Boolean(),
    }
    rows = json_rows(**columns)
    source = {name: rows.c[name] for name in columns} | {"created_time": _NOW, "updated_time": _NOW}
    return _upsert(Variants, source, key=["id"], keep=["product_id", "created_time"], returning="product_id")


def _upsert_prices() -> ReturningInsert[tuple[UUID]]:
    columns: dict[str, TypeEngine[Any]] = {
        "variant_id": Uuid(),
        "currency": CHAR(3),
        "amount_minor": BigInteger(),
        "compare_at_amount_minor": BigInteger(),
    }
    rows = json_rows(**columns)
    source = {name: rows.c[name] for name in columns}
    return _upsert(VariantPrices, source, key=["variant_id", "currency"], keep=[], returning="variant_id")


def _upsert_media() -> ReturningInsert[tuple[UUID]]:
    columns: dict[str, TypeEngine[Any]] = {
        "id": Uuid(),
        "product_id": Uuid(),
        "position": Integer(),
        "url": Text(),
        "alt_text": Text(),
    }
    rows = json_rows(**columns)
    source = {name: rows.c[name] for name in columns}
    return _upsert(ProductMedia, source, key=["product_id", "position"], keep=["id"], returning="product_id")


def _sum_up_prices() -> ReturningInsert[tuple[UUID]]:
    price, variant = VariantPrices.__table__.c, Variants.__table__.c
    cheapest = aggregate_order_by(price.compare_at_amount_minor, price.amount_minor, variant.position, variant.id)
    source = {
        "product_id": variant.product_id,
        "currency": price.currency,
        "min_amount_minor": func.min(price.amount_minor),
        "max_amount_minor": func.max(price.amount_minor),
        "compare_at_amount_minor": func.array_agg(cheapest, type_=ARRAY(BigInteger()))[1],
    }
    statement = insert(ProductPrices).from_select(
        list(source),
        select(*source.values())
        .join_from(Variants, VariantPrices, price.variant_id == variant.id)
        .where(variant.product_id == _IDS, variant.active)
        .group_by(variant.product_id, price.currency),
    )
    changed = {name: statement.excluded[name] for name in source if name not in ("product_id", "currency")}
    present = ProductPrices.__table__.c
    return statement.on_conflict_do_update(
        index_elements=["product_id", "currency"],
        set_=changed,
        where=or_(*[present[name].is_distinct_from(value) for name, value in changed.items()]),
    ).returning(present.product_id)


def _drop_stale_sums() -> Any:
    total, price, variant = ProductPrices.__table__.c, VariantPrices.__table__.c, Variants.__table__.c
    still_sold: Select[tuple[Any]] = (
        select(literal_column("1"))
        .select_from(Variants)
        .join(VariantPrices, price.variant_id == variant.id)
        .where(
            variant.product_id == total.product_id,
            # Says nothing new, but keeps the planner from reading the variants of all products first.
            variant.product_id == _IDS,
            price.currency == total.currency,
            variant.active,
        )
    )
    return delete(ProductPrices).where(total.product_id == _IDS, ~still_sold.exists()).returning(total.product_id)


def _trim_media() -> Any:
    rows = json_rows(product_id=Uuid(), count=Integer())
    media = ProductMedia.__table__.c
    return (
        delete(ProductMedia)
        .where(media.product_id == rows.c.product_id, media.position > rows.c.count)
        .returning(media.product_id)
    )


def _list_variants() -> CompoundSelect[Any]:
    """Select the variants of some products and those with some SKUs: two look-ups, where OR would read them all."""
    variant, product = Variants.__table__.c, Products.__table__.c
    rows = select(variant.id, product.slug, variant.sku, variant.option_values, variant.position).join(
        Products, product.id == variant.product_id
    )
    of_products = rows.where(variant.product_id == _IDS)
    with_skus = rows.where(variant.sku == any_(bindparam("skus", type_=ARRAY(Text()))))
    return of_products.union(with_skus).order_by("position", "id")


def _known_variant(id: UUID, product_slug: str, sku: str | None, option_values: list[str], _: int) -> KnownVariant:
    return KnownVariant(VariantId(id), product_slug, sku, tuple(option_values))


_product, _variant = Products.__table__.c, Variants.__table__.c

LOCK_PRODUCTS = Command(
    select(_product.slug, _product.id)
    .where(_product.slug == any_(bindparam("slugs", type_=ARRAY(Text()))))
    .order_by(_product.slug)
    .with_for_update(key_share=True),
    lambda slug, id: (slug, ProductId(id)),
)
LIST_VARIANTS = Command(_list_variants(), _known_variant)
LIST_SLUGS = ScalarCommand(
    select(_product.slug).where(_product.slug == any_(bindparam("slugs", type_=ARRAY(Text())))), str
)
UPSERT_PRODUCTS = ScalarCommand(_upsert_products(), UUID)
UPSERT_VARIANTS = ScalarCommand(_upsert_variants(), UUID)
UPSERT_PRICES = ScalarCommand(_upsert_prices(), UUID)
UPSERT_MEDIA = ScalarCommand(_upsert_media(), UUID)
TRIM_MEDIA = ScalarCommand(_trim_media(), UUID)
DEACTIVATE_VARIANTS = ScalarCommand(
    update(Variants)
    .where(_variant.id == _IDS, _variant.active)
    .values(active=False, updated_time=_NOW)
    .returning(_variant.product_id),
    UUID,
)
SUM_UP_PRICES = ScalarCommand(_sum_up_prices(), UUID)
DROP_STALE_SUMS = ScalarCommand(_drop_stale_sums(), UUID)
TOUCH_PRODUCTS = Command(
    update(Products).where(_product.id == _IDS).values(version=_product.version + 1, updated_time=_NOW)
)


async def copy_rows(tx: WriteTx, table: type[Base], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows the fastest way there is; nothing may stand in their place."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.__tablename__), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    async with (await tx.psycopg()).cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            await copy.write_row(row)


async def analyze(tx: WriteTx) -> None:
    """Let the planner know what the catalog holds now, before its first query and not some minutes later."""
    names = [
        table.__tablename__ for table in (Categories, Products, ProductMedia, ProductPrices, Variants, VariantPrices)
    ]
    await (await tx.psycopg()).execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(map(sql.Identifier, names))))
