"""Brings the products of a file into the shop: what is new is made, what differs is changed, the rest is left alone.

Products are found by their slug, variants by their SKU, else by their option values. What the file says wins, but it
takes nothing away: variants, prices in other currencies, pictures of a product for which it names none, and a category
where it gives none all stay. A variant that is not in the file stays on sale, unless the product's options are others
now, so that nobody could choose it.

Stock is live: a file sets the first count of a variant and never a later one.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final, Protocol, TypeVar

from psycopg.errors import DeadlockDetected, ForeignKeyViolation, SerializationFailure, UniqueViolation

from server.db.session import Database, WriteTx
from server.features.catalog.events import ProductCreated, ProductUpdated
from server.features.catalog.importing import media_queries, price_queries, queries
from server.features.catalog.importing.category_queries import take_turn
from server.features.catalog.importing.category_service import add_categories
from server.features.catalog.importing.rules import match_variants
from server.features.catalog.importing.values import (
    CategoryPath,
    ImportedProduct,
    ImportReport,
    KnownVariant,
    Match,
    ParsedFile,
    PlannedProduct,
)
from server.features.catalog.values import FirstCount
from server.features.events import service as events
from server.kernel.clock import Clock
from server.kernel.ids import PRODUCT, VARIANT, CategoryId, ProductId

T = TypeVar("T")

# As many as a transaction may hold up others for: some tens of milliseconds.
_BATCH_SIZE: Final = 200
_RETRIES: Final = 2
# A shop that goes on selling without stock names no limit; this one only keeps a slip from ordering a warehouse.
_BACKORDER_LIMIT: Final = 1_000_000


class StockKeeper(Protocol):
    """Starts counting variants, and passes over those that are counted already.

    Stock belongs to inventory, which stands above the catalog, so whoever imports hands it in.
    """

    async def __call__(self, tx: WriteTx, counts: Sequence[FirstCount], *, now: datetime) -> None:
        """Write the counters and their first rows in the ledger."""
        ...


async def import_products(
    db: Database,
    file: ParsedFile,
    *,
    keep_stock: StockKeeper,
    clock: Clock,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ImportReport:
    """Make and change products in transactions of some hundred; the report's errors include those of the file.

    An import that was cut short can be repeated. `on_progress` gets how many products are done, of how many.
    """
    products = file.products
    paths = dict.fromkeys(product.category for product in products)
    categories = await _transact(db, partial(add_categories, paths=paths, now=clock.now()))
    outcomes = []
    for start in range(0, len(products), _BATCH_SIZE):
        batch = products[start : start + _BATCH_SIZE]
        work = partial(_import_batch, products=batch, categories=categories, keep_stock=keep_stock, now=clock.now())
        outcomes.append(await _transact(db, work))
        on_progress(start + len(batch), len(products))
    errors = [*file.errors, *(error for outcome in outcomes for error in outcome.errors)]
    return ImportReport(
        created=sum(outcome.created for outcome in outcomes),
        updated=sum(outcome.updated for outcome in outcomes),
        unchanged=sum(outcome.unchanged for outcome in outcomes),
        variants=sum(outcome.variants for outcome in outcomes),
        errors=tuple(sorted(errors, key=lambda error: error.line_number)),
    )


async def _transact(db: Database, work: Callable[[WriteTx], Awaitable[T]]) -> T:
    """Run work in a transaction, once more when somebody else changed the same rows meanwhile."""
    for _ in range(_RETRIES):
        try:
            async with db.write() as tx:
                return await work(tx)
        except (UniqueViolation, ForeignKeyViolation, SerializationFailure, DeadlockDetected):
            continue
    async with db.write() as tx:
        return await work(tx)


async def _import_batch(
    tx: WriteTx,
    *,
    products: Sequence[ImportedProduct],
    categories: Mapping[CategoryPath, CategoryId | None],
    keep_stock: StockKeeper,
    now: datetime,
) -> ImportReport:
    await take_turn(tx)
    known = await queries.lock_products(tx, [product.slug for product in products])
    known_ids = {product.slug: product.id for product in known}
    matches = await _match(tx, products, list(known_ids.values()))
    plan = [
        PlannedProduct(known_ids.get(product.slug) or PRODUCT.new(), categories[product.category], product, match)
        for product, match in zip(products, matches, strict=True)
        # A new product that has lost its last variant is nothing that could be sold.
        if match.variants or product.slug in known_ids
    ]
    changed = await _write(tx, plan, now)
    await keep_stock(tx, list(_first_counts(plan)), now=now)
    created = {item.id for item in plan} - set(known_ids.values())
    updated = changed - created
    await queries.touch_products(tx, updated, now=now)
    await events.record(
        tx,
        *[ProductCreated(product_id=product_id) for product_id in sorted(created)],
        *[ProductUpdated(product_id=product_id) for product_id in sorted(updated)],
    )
    return ImportReport(
        created=len(created),
        updated=len(updated),
        unchanged=len(plan) - len(created) - len(updated),
        variants=sum(len(item.match.variants) for item in plan),
        errors=tuple(error for match in matches for error in match.errors),
    )


async def _match(tx: WriteTx, products: Sequence[ImportedProduct], known_ids: Sequence[ProductId]) -> list[Match]:
    skus = [variant.sku for product in products for variant in product.variants if variant.sku is not None]
    known = await queries.list_variants(tx, known_ids, skus=skus)
    by_sku = {variant.sku: variant for variant in known if variant.sku is not None}
    by_product: dict[str, list[KnownVariant]] = defaultdict(list)
    for variant in known:
        by_product[variant.product_slug].append(variant)
    return [
        match_variants(product, by_product[product.slug], by_sku=by_sku, make_id=VARIANT.new) for product in products
    ]


async def _write(tx: WriteTx, plan: Sequence[PlannedProduct], now: datetime) -> set[ProductId]:
    """Write the products with all that belongs to them; return those that changed."""
    ids = [item.id for item in plan]
    changed = set(await queries.upsert_products(tx, plan, now=now))
    outdated = [variant_id for item in plan for variant_id in item.match.outdated]
    if outdated:
        changed.update(await queries.deactivate_variants(tx, outdated, now=now))
    changed.update(await queries.upsert_variants(tx, plan, now=now))
    product_of = {matched.id: item.id for item in plan for matched in item.match.variants}
    changed.update(product_of[variant_id] for variant_id in await price_queries.upsert_prices(tx, plan))
    changed.update(await media_queries.upsert_media(tx, plan))
    changed.update(await media_queries.delete_further_media(tx, plan))
    changed.update(await price_queries.sum_up_prices(tx, ids))
    changed.update(await price_queries.delete_stale_sums(tx, ids))
    return changed


def _first_counts(plan: Sequence[PlannedProduct]) -> Iterator[FirstCount]:
    for item in plan:
        for matched in item.match.variants:
            variant = matched.variant
            if variant.quantity is not None:
                yield FirstCount(matched.id, variant.quantity, _BACKORDER_LIMIT if variant.backorder else 0)
