"""Fills the shop with made-up products for load work: the same ones each time, each with the same ids."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from server.db.session import Database, WriteTx
from server.features.catalog.events import CatalogSeeded
from server.features.catalog.importing import queries
from server.features.catalog.importing.category_service import CategoryPath, add_categories
from server.features.catalog.importing.queries import copy_rows
from server.features.catalog.importing.stock_service import FirstCount, StockKeeper
from server.features.catalog.seeding.rules import (
    MadeProduct,
    MadeVariant,
    made_time,
    make_id,
    make_product,
    make_random,
    make_slug,
)
from server.features.catalog.seeding.values import KINDS
from server.features.catalog.tables import ProductMedia, Products, VariantPrices, Variants
from server.features.events import service as events
from server.kernel.ids import CategoryId, new_id

# Large enough for COPY to pay, small enough to stay far from the limit of a statement's time.
_BATCH_SIZE = 1_000


async def seed_products(
    db: Database,
    count: int,
    *,
    keep_stock: StockKeeper,
    seed: int = 1,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Make the first `count` products of a seed that are not there yet; return how many were missing.

    A larger count later adds to the products of a smaller one. `on_progress` gets how many are done, of how many.
    """
    async with db.write() as tx:
        categories = await add_categories(
            tx,
            paths=dict.fromkeys(kind.category for kind in KINDS),
            now=made_time(0),
            make_id=partial(make_id, make_random(seed, "categories"), made_time(0)),
        )
    made = 0
    for start in range(0, count, _BATCH_SIZE):
        indexes = range(start, min(start + _BATCH_SIZE, count))
        async with db.write() as tx:
            made += await _write_missing(tx, seed, indexes, categories, keep_stock)
        on_progress(indexes.stop, count)
    async with db.write() as tx:
        await queries.analyze(tx)
    return made


async def _write_missing(
    tx: WriteTx,
    seed: int,
    indexes: range,
    categories: Mapping[CategoryPath, CategoryId | None],
    keep_stock: StockKeeper,
) -> int:
    slugs = {make_slug(seed, index): index for index in indexes}
    present = set(await queries.LIST_SLUGS.all(tx, slugs=list(slugs)))
    products = [make_product(seed, index) for slug, index in slugs.items() if slug not in present]
    if products:
        await _write(tx, products, categories, keep_stock)
    return len(products)


async def _write(
    tx: WriteTx,
    products: Sequence[MadeProduct],
    categories: Mapping[CategoryPath, CategoryId | None],
    keep_stock: StockKeeper,
) -> None:
    await copy_rows(tx, Products, _PRODUCT_COLUMNS, (_product_row(product, categories) for product in products))
    await copy_rows(tx, ProductMedia, _MEDIA_COLUMNS, (_media_row(product) for product in products))
    variants = [
        (product, position, variant) for product in products for position, variant in enumerate(product.variants, 1)
    ]
    await copy_rows(tx, Variants, _VARIANT_COLUMNS, (_variant_row(*place) for place in variants))
    await copy_rows(tx, VariantPrices, _PRICE_COLUMNS, _price_rows([variant for _, _, variant in variants]))
    await queries.SUM_UP_PRICES.all(tx, ids=[product.id for product in products])
    counts = [FirstCount(variant.id, variant.on_hand, variant.backorder_limit) for _, _, variant in variants]
    await keep_stock(tx, counts, now=products[-1].created_time)
    # One for all of them: nobody is told of each made-up product, but what is shown has to be read anew.
    await events.record(tx, CatalogSeeded(batch_id=new_id(), product_count=len(products)))


_PRODUCT_COLUMNS = (
    *("id", "slug", "title", "description_html", "description_text", "vendor", "product_type", "tags", "tags_text"),
    *("status", "category_id", "options", "created_time", "updated_time"),
)
_MEDIA_COLUMNS = ("id", "product_id", "position", "url", "alt_text")
_VARIANT_COLUMNS = (
    *("id", "product_id", "position", "sku", "option_values", "weight_grams", "created_time", "updated_time"),
)
_PRICE_COLUMNS = ("variant_id", "currency", "amount_minor", "compare_at_amount_minor")


def _product_row(product: MadeProduct, categories: Mapping[CategoryPath, CategoryId | None]) -> Sequence[object]:
    return (
        product.id,
        product.slug,
        product.title,
        "".join(f"<p>{paragraph.replace('&', '&amp;')}</p>" for paragraph in product.paragraphs),
        " ".join(product.paragraphs),
        product.vendor,
        product.product_type,
        product.tags,
        " ".join(product.tags),
        "ACTIVE",
        categories[product.category],
        json.dumps([{"name": name, "values": values} for name, values in product.options]),
        product.created_time,
        product.created_time,
    )


def _media_row(product: MadeProduct) -> Sequence[object]:
    return product.media_id, product.id, 1, f"https://images.kontor.example/{product.slug}.jpg", product.title


def _variant_row(product: MadeProduct, position: int, variant: MadeVariant) -> Sequence[object]:
    time = product.created_time
    return variant.id, product.id, position, variant.sku, variant.option_values, variant.weight_grams, time, time


def _price_rows(variants: Sequence[MadeVariant]) -> Iterator[Sequence[object]]:
    for variant in variants:
        for price in variant.prices:
            yield variant.id, price.currency, price.amount_minor, price.compare_at_amount_minor
