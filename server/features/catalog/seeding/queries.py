"""The SQL that writes made-up products: with COPY, as there are very many."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from psycopg import sql
from sqlalchemy import Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from server.db.base import Base
from server.db.session import ReadTx, WriteTx
from server.db.statement import ScalarQuery
from server.features.catalog.importing.values import CategoryPath
from server.features.catalog.seeding.values import MadeProduct
from server.features.catalog.tables import Categories, ProductMedia, ProductPrices, Products, VariantPrices, Variants
from server.features.catalog.values import ProductStatus
from server.kernel.ids import CategoryId

_LIST_SLUGS = ScalarQuery(
    select(Products.slug).where(Products.slug == any_(bindparam("slugs", type_=ARRAY(Text())))), str
)


async def list_slugs(tx: ReadTx, slugs: Iterable[str]) -> list[str]:
    """Return those slugs that products have already."""
    return await _LIST_SLUGS.all(tx, slugs=list(slugs))


async def insert_products(
    tx: WriteTx, products: Sequence[MadeProduct], *, categories: Mapping[CategoryPath, CategoryId | None]
) -> None:
    """Write new products, on sale at once, with their pictures, variants and prices."""
    await _copy(tx, Products, (_write_product(product, categories[product.category]) for product in products))
    await _copy(tx, ProductMedia, map(_write_picture, products))
    await _copy(tx, Variants, chain.from_iterable(map(_write_variants, products)))
    await _copy(tx, VariantPrices, chain.from_iterable(map(_write_prices, products)))


async def analyze(tx: WriteTx) -> None:
    """Let the planner know what the catalog holds now, before its first query and not some minutes later."""
    tables = (Categories, Products, ProductMedia, ProductPrices, Variants, VariantPrices)
    names = sql.SQL(", ").join([sql.Identifier(table.__tablename__) for table in tables])
    await (await tx.psycopg()).execute(sql.SQL("ANALYZE {}").format(names))


async def _copy(tx: WriteTx, table: type[Base], rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows of the same columns, one at least, the fastest way there is; nothing may stand in their place."""
    all_rows = iter(rows)
    first = next(all_rows)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.__tablename__), sql.SQL(", ").join(map(sql.Identifier, first))
    )
    async with (await tx.psycopg()).cursor() as cursor, cursor.copy(statement) as copy:
        for row in chain([first], all_rows):
            await copy.write_row(list(row.values()))


def _write_product(product: MadeProduct, category_id: CategoryId | None) -> dict[str, Any]:
    return {
        "id": product.id,
        "slug": product.slug,
        "title": product.title,
        "description_html": product.description_html,
        "description_text": product.description_text,
        "vendor": product.vendor,
        "product_type": product.product_type,
        "tags": product.tags,
        "tags_text": " ".join(product.tags),
        "status": ProductStatus.ACTIVE.value,
        "category_id": category_id,
        "options": json.dumps([{"name": name, "values": values} for name, values in product.options]),
        "created_time": product.created_time,
        "updated_time": product.created_time,
    }


def _write_picture(product: MadeProduct) -> dict[str, Any]:
    return {
        "id": product.media_id,
        "product_id": product.id,
        "position": 1,
        "url": product.picture_url,
        "alt_text": product.title,
    }


def _write_variants(product: MadeProduct) -> Iterator[dict[str, Any]]:
    for position, variant in enumerate(product.variants, 1):
        yield {
            "id": variant.id,
            "product_id": product.id,
            "position": position,
            "sku": variant.sku,
            "option_values": variant.option_values,
            "weight_grams": variant.weight_grams,
            "created_time": product.created_time,
            "updated_time": product.created_time,
        }


def _write_prices(product: MadeProduct) -> Iterator[dict[str, Any]]:
    for variant in product.variants:
        for price in variant.prices:
            yield {
                "variant_id": variant.id,
                "currency": price.currency,
                "amount_minor": price.amount_minor,
                "compare_at_amount_minor": price.compare_at_amount_minor,
            }
