"""The SQL that writes the pictures of products."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Integer, Text, Uuid, delete
from sqlalchemy.types import TypeEngine

from server.db.session import WriteTx
from server.db.statement import ScalarCommand
from server.features.catalog.importing.upsert_queries import json_rows, upsert
from server.features.catalog.importing.values import PlannedProduct
from server.features.catalog.tables import ProductMedia
from server.kernel.ids import MEDIA, ProductId

_media = ProductMedia.__table__.c

_COLUMNS: dict[str, TypeEngine[Any]] = {
    "id": Uuid(),
    "product_id": Uuid(),
    "position": Integer(),
    "url": Text(),
    "alt_text": Text(),
}
_rows = json_rows(**_COLUMNS)
_UPSERT_MEDIA = ScalarCommand(
    upsert(
        ProductMedia,
        {name: _rows.c[name] for name in _COLUMNS},
        key=["product_id", "position"],
        keep=["id"],
        returning="product_id",
    ),
    ProductId,
)
_counts = json_rows(product_id=Uuid(), count=Integer())
_TRIM_MEDIA = ScalarCommand(
    delete(ProductMedia)
    .where(_media.product_id == _counts.c.product_id, _media.position > _counts.c.count)
    .returning(_media.product_id),
    ProductId,
)


async def upsert_media(tx: WriteTx, plan: Sequence[PlannedProduct]) -> list[ProductId]:
    """Write the pictures of products; return the products of those that are new or changed."""
    return await _UPSERT_MEDIA.all(tx, rows=list(_write_media(plan)))


async def delete_further_media(tx: WriteTx, plan: Sequence[PlannedProduct]) -> list[ProductId]:
    """Delete what a product that names pictures has beyond them; return the products of those deleted."""
    rows = [{"product_id": str(item.id), "count": len(item.product.images)} for item in plan if item.product.images]
    return await _TRIM_MEDIA.all(tx, rows=rows)


def _write_media(plan: Sequence[PlannedProduct]) -> Iterator[dict[str, Any]]:
    for item in plan:
        for position, image in enumerate(item.product.images, 1):
            yield {"id": str(MEDIA.new()), "product_id": str(item.id), "position": position, **asdict(image)}
