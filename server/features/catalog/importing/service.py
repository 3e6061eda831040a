"""Brings the products of a file into the shop: what is new is made, what differs is changed, the rest is left alone.

Products are found by their slug, variants by their SKU, else by their option values. What the file says wins, but it
takes nothing away: variants, prices in other currencies, pictures of a product for which it names none, and a category
where it gives none all stay. A variant that is not in the file stays on sale, unless the product's options are others
now, so that nobody could choose it.

Stock is live: a file sets the first count of a variant and never a later one.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from psycopg.errors import DeadlockDetected, ForeignKeyViolation, SerializationFailure, UniqueViolation

from server.db.session import Database, WriteTx
from server.features.catalog.events import ProductCreated, ProductUpdated
from server.features.catalog.importing import queries
from server.features.catalog.importing.category_queries import take_turn
from server.features.catalog.importing.category_service import CategoryPath, add_categories
from server.features.catalog.importing.rules import KnownVariant, Match, match_variants
from server.features.catalog.importing.stock_service import FirstCount, StockKeeper
from server.features.catalog.importing.values import ImportedProduct, ParsedFile, RowError
from server.features.events import service as events
from server.kernel.clock import Clock
from server.kernel.ids import CategoryId, ProductId, VariantId, new_id

T = TypeVar("T")
Row = dict[str, Any]

# As many as a transaction may hold up others for: some tens of milliseconds.
_BATCH_SIZE = 200
_RETRIES = 2
# A shop that goes on selling without stock names no limit; this one only keeps a slip from ordering a warehouse.
_BACKORDER_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `variants` counts those of the file that are in the shop now."""

    created: int
    updated: int
    unchanged: int
    variants: int
    errors: tuple[RowError, ...]


@dataclass(frozen=True, slots=True)
class _Item:
    """A product of the file and what becomes of it."""

    id: ProductId
    category_id: CategoryId | None
    product: ImportedProduct
    match: Match


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
    known_ids = dict(await queries.LOCK_PRODUCTS.all(tx, slugs=[product.slug for product in products]))
    matches = await _match(tx, products, list(known_ids.values()))
    items = [
        _Item(known_ids.get(product.slug) or ProductId(new_id()), categories[product.category], product, match)
        for product, match in zip(products, matches, strict=True)
        # A new product that has lost its last variant is nothing that could be sold.
        if match.variants or product.slug in known_ids
    ]
    changed = await _write(tx, items, now)
    await keep_stock(tx, list(_first_counts(items)), now=now)
    created = {item.id for item in items} - set(known_ids.values())
    updated = changed - created
    await queries.TOUCH_PRODUCTS.run(tx, ids=list(updated), now=now)
    await events.record(
        tx,
        *[ProductCreated(product_id=product_id) for product_id in sorted(created)],
        *[ProductUpdated(product_id=ProductId(product_id)) for product_id in sorted(updated)],
    )
    return ImportReport(
        created=len(created),
        updated=len(updated),
        unchanged=len(items) - len(created) - len(updated),
        variants=sum(len(item.match.variants) for item in items),
        errors=tuple(error for match in matches for error in match.errors),
    )


async def _match(tx: WriteTx, products: Sequence[ImportedProduct], known_ids: Sequence[ProductId]) -> list[Match]:
    skus = [variant.sku for product in products for variant in product.variants if variant.sku is not None]
    known = await queries.LIST_VARIANTS.all(tx, ids=known_ids, skus=skus)
    by_sku = {variant.sku: variant for variant in known if variant.sku is not None}
    by_product: dict[str, list[KnownVariant]] = defaultdict(list)
    for variant in known:
        by_product[variant.product_slug].append(variant)
    return [match_variants(product, by_product[product.slug], by_sku) for product in products]


async def _write(tx: WriteTx, items: Sequence[_Item], now: datetime) -> set[UUID]:
    """Write the products with all that belongs to them; return the ids of those that changed."""
    ids = [item.id for item in items]
    changed = set(await queries.UPSERT_PRODUCTS.all(tx, rows=[_product_row(item) for item in items], now=now))
    outdated = [variant_id for item in items for variant_id in item.match.outdated]
    if outdated:
        changed.update(await queries.DEACTIVATE_VARIANTS.all(tx, ids=outdated, now=now))
    changed.update(await queries.UPSERT_VARIANTS.all(tx, rows=list(_variant_rows(items)), now=now))
    product_of = {matched.id: item.id for item in items for matched in item.match.variants}
    repriced = await queries.UPSERT_PRICES.all(tx, rows=list(_price_rows(items)))
    changed.update(product_of[VariantId(variant_id)] for variant_id in repriced)
    changed.update(await queries.UPSERT_MEDIA.all(tx, rows=list(_media_rows(items))))
    counts = [{"product_id": str(item.id), "count": len(images)} for item in items if (images := item.product.images)]
    changed.update(await queries.TRIM_MEDIA.all(tx, rows=counts))
    changed.update(await queries.SUM_UP_PRICES.all(tx, ids=ids))
    changed.update(await queries.DROP_STALE_SUMS.all(tx, ids=ids))
    return changed


def _product_row(item: _Item) -> Row:
    product = item.product
    return {
        "id": str(item.id),
        "slug": product.slug,
        "title": product.title,
        "description_html": product.description_html,
        "description_text": product.description_text,
        "vendor": product.vendor,
        "product_type": product.product_type,
        "tags": product.tags,
        "tags_text": " ".join(product.tags),
        "status": product.status,
        "category_id": str(item.category_id) if item.category_id else None,
        "options": [asdict(option) for option in item.match.options],
        "seo_title": product.seo_title,
        "seo_description": product.seo_description,
    }


def _variant_rows(items: Sequence[_Item]) -> Iterator[Row]:
    for item in items:
        places = {variant.line_number: place for place, variant in enumerate(item.product.variants, 1)}
        for matched in item.match.variants:
            variant = matched.variant
            yield {
                "id": str(matched.id),
                "product_id": str(item.id),
                "position": places[variant.line_number],
                "sku": variant.sku,
                "option_values": variant.option_values,
                "barcode": variant.barcode,
                "weight_grams": variant.weight_grams,
                "requires_shipping": variant.requires_shipping,
                "tax_class": "standard" if variant.taxable else "exempt",
                # What the file offers is on sale, also what an earlier file took out.
                "active": True,
            }


def _price_rows(items: Sequence[_Item]) -> Iterator[Row]:
    for item in items:
        for matched in item.match.variants:
            for price in matched.variant.prices:
                yield {"variant_id": str(matched.id), **asdict(price)}


def _media_rows(items: Sequence[_Item]) -> Iterator[Row]:
    for item in items:
        for position, image in enumerate(item.product.images, 1):
            yield {"id": str(new_id()), "product_id": str(item.id), "position": position, **asdict(image)}


def _first_counts(items: Sequence[_Item]) -> Iterator[FirstCount]:
    for item in items:
        for matched in item.match.variants:
            variant = matched.variant
            if variant.quantity is not None:
                yield FirstCount(matched.id, variant.quantity, _BACKORDER_LIMIT if variant.backorder else 0)
