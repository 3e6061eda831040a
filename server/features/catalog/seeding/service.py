"""Fills the shop with made-up products for load work: the same ones each time, each with the same ids."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from server.db.session import Database, WriteTx
from server.features.catalog.events import CatalogSeeded
from server.features.catalog.importing.category_service import add_categories
from server.features.catalog.importing.price_queries import sum_up_prices
from server.features.catalog.importing.service import StockKeeper
from server.features.catalog.importing.values import CategoryPath
from server.features.catalog.seeding import queries
from server.features.catalog.seeding.rules import made_time, make_id, make_product, make_random, make_slug
from server.features.catalog.seeding.values import KINDS, MadeProduct
from server.features.catalog.values import FirstCount
from server.features.events import service as events
from server.kernel.ids import CategoryId, new_id

# Large enough for COPY to pay, small enough to stay far from the limit of a statement's time.
_BATCH_SIZE: Final = 1_000


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
        categories = await _add_categories(tx, seed)
    made = 0
    for start in range(0, count, _BATCH_SIZE):
        indexes = range(start, min(start + _BATCH_SIZE, count))
        async with db.write() as tx:
            made += await _write_missing(tx, seed, indexes=indexes, categories=categories, keep_stock=keep_stock)
        on_progress(indexes.stop, count)
    async with db.write() as tx:
        await queries.analyze(tx)
    return made


async def _add_categories(tx: WriteTx, seed: int) -> dict[CategoryPath, CategoryId | None]:
    random, time = make_random(seed, "categories"), made_time(0)
    paths = dict.fromkeys(kind.category for kind in KINDS)
    return await add_categories(tx, paths, now=time, make_id=lambda: CategoryId(make_id(random, time)))


async def _write_missing(
    tx: WriteTx,
    seed: int,
    *,
    indexes: range,
    categories: Mapping[CategoryPath, CategoryId | None],
    keep_stock: StockKeeper,
) -> int:
    slugs = {make_slug(seed, index): index for index in indexes}
    present = set(await queries.list_slugs(tx, slugs))
    products = [make_product(seed, index) for slug, index in slugs.items() if slug not in present]
    if products:
        await _write(tx, products, categories=categories, keep_stock=keep_stock)
    return len(products)


async def _write(
    tx: WriteTx,
    products: Sequence[MadeProduct],
    *,
    categories: Mapping[CategoryPath, CategoryId | None],
    keep_stock: StockKeeper,
) -> None:
    await queries.insert_products(tx, products, categories=categories)
    await sum_up_prices(tx, [product.id for product in products])
    variants = [variant for product in products for variant in product.variants]
    counts = [FirstCount(variant.id, variant.on_hand, variant.backorder_limit) for variant in variants]
    await keep_stock(tx, counts, now=products[-1].created_time)
    # One for all of them: nobody is told of each made-up product, but what is shown has to be read anew.
    await events.record(tx, CatalogSeeded(batch_id=new_id(), product_count=len(products)))
