"""The SQL that writes the products and variants of an import: any number of rows, and which of them it changed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeEngine

from server.db.rows import columns_of
from server.db.session import ReadTx, WriteTx
from server.db.statement import Command, Query, ScalarCommand
from server.db.words import FALSE, number
from server.features.catalog.importing.upsert_queries import ANY_ID, NOW, json_rows, upsert
from server.features.catalog.importing.values import KnownProduct, KnownVariant, PlannedProduct
from server.features.catalog.tables import Products, Variants
from server.kernel.ids import ProductId, VariantId

_product, _variant = Products.__table__.c, Variants.__table__.c

_PRODUCT_TEXTS = (
    *("slug", "title", "description_html", "description_text", "vendor", "product_type", "tags_text"),
    *("status", "seo_title", "seo_description"),
)
_PRODUCT_COLUMNS: dict[str, TypeEngine[Any]] = {
    "id": Uuid(),
    "category_id": Uuid(),
    "options": JSONB(),
    "tags": ARRAY(Text()),
    **{name: Text() for name in _PRODUCT_TEXTS},
}
_VARIANT_COLUMNS: dict[str, TypeEngine[Any]] = {
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
_TIMES: dict[str, ColumnElement[Any]] = {"created_time": NOW, "updated_time": NOW}

_product_rows = json_rows(**_PRODUCT_COLUMNS)
_UPSERT_PRODUCTS = ScalarCommand(
    upsert(
        Products,
        {**{name: _product_rows.c[name] for name in _PRODUCT_COLUMNS}, **_TIMES},
        key=["slug"],
        keep=["id", "created_time"],
        returning="id",
    ),
    ProductId,
)
_variant_rows = json_rows(**_VARIANT_COLUMNS)
_UPSERT_VARIANTS = ScalarCommand(
    upsert(
        Variants,
        {**{name: _variant_rows.c[name] for name in _VARIANT_COLUMNS}, **_TIMES},
        key=["id"],
        keep=["product_id", "created_time"],
        returning="product_id",
    ),
    ProductId,
)
_LOCK_PRODUCTS = Query(
    select(*columns_of(KnownProduct, Products))
    .where(_product.slug == any_(bindparam("slugs", type_=ARRAY(Text()))))
    .order_by(_product.slug)
    .with_for_update(key_share=True),
    KnownProduct,
)
_DEACTIVATE_VARIANTS = ScalarCommand(
    update(Variants)
    .where(_variant.id == ANY_ID, _variant.active)
    .values(active=FALSE, updated_time=NOW)
    .returning(_variant.product_id),
    ProductId,
)
_TOUCH_PRODUCTS = Command(
    update(Products).where(_product.id == ANY_ID).values(version=_product.version + number(1), updated_time=NOW)
)


def _known_variant(id: VariantId, product_slug: str, sku: str | None, option_values: Sequence[str]) -> KnownVariant:
    return KnownVariant(id, product_slug, sku, tuple(option_values))


def _list_variants() -> Select[Any]:
    """Select the variants of some products and those with some SKUs: two look-ups, where OR would read them all."""
    rows = select(
        *columns_of(KnownVariant, Variants, product_slug=_product.slug),
        _variant.position,
    ).join(Products, _product.id == _variant.product_id)
    of_products = rows.where(_variant.product_id == ANY_ID)
    with_skus = rows.where(_variant.sku == any_(bindparam("skus", type_=ARRAY(Text()))))
    both: CompoundSelect[Any] = of_products.union(with_skus)
    found = both.subquery("found").c
    return select(found.id, found.product_slug, found.sku, found.option_values).order_by(found.position, found.id)


_LIST_VARIANTS = Query(_list_variants(), _known_variant)


async def lock_products(tx: WriteTx, slugs: Sequence[str]) -> list[KnownProduct]:
    """Lock the products with some slugs, those that there are."""
    return await _LOCK_PRODUCTS.all(tx, slugs=list(slugs))


async def list_variants(tx: ReadTx, product_ids: Sequence[ProductId], *, skus: Sequence[str]) -> list[KnownVariant]:
    """Return the variants of some products and those with some SKUs, those of a product in their order."""
    return await _LIST_VARIANTS.all(tx, ids=list(product_ids), skus=list(skus))


async def upsert_products(tx: WriteTx, plan: Sequence[PlannedProduct], *, now: datetime) -> list[ProductId]:
    """Write products; return those that are new or changed."""
    return await _UPSERT_PRODUCTS.all(tx, rows=[_write_product(item) for item in plan], now=now)


async def upsert_variants(tx: WriteTx, plan: Sequence[PlannedProduct], *, now: datetime) -> list[ProductId]:
    """Write the variants of products; return the products of those that are new or changed."""
    return await _UPSERT_VARIANTS.all(tx, rows=list(_write_variants(plan)), now=now)


async def deactivate_variants(tx: WriteTx, ids: Sequence[VariantId], *, now: datetime) -> list[ProductId]:
    """Take variants off sale; return the products of those that were on sale."""
    return await _DEACTIVATE_VARIANTS.all(tx, ids=list(ids), now=now)


async def touch_products(tx: WriteTx, ids: Iterable[ProductId], *, now: datetime) -> None:
    """Give products that changed their next version."""
    await _TOUCH_PRODUCTS.run(tx, ids=list(ids), now=now)


def _write_product(item: PlannedProduct) -> dict[str, Any]:
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


def _write_variants(plan: Sequence[PlannedProduct]) -> Iterator[dict[str, Any]]:
    for item in plan:
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
