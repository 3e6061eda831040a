"""The SQL that reads the categories of the shop and adds those that an import needs."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Text, Uuid, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeEngine

from server.db.rows import columns_of
from server.db.session import ReadTx, WriteTx
from server.db.statement import Command, Query
from server.db.words import word
from server.features.catalog.importing.upsert_queries import NOW, json_rows
from server.features.catalog.importing.values import KnownCategory
from server.features.catalog.tables import Categories

_COLUMNS: dict[str, TypeEngine[Any]] = {
    "id": Uuid(),
    "parent_id": Uuid(),
    "slug": Text(),
    "name": Text(),
    "path": Text(),
}
_rows = json_rows(**_COLUMNS)
_INSERT_CATEGORIES = Command(
    insert(Categories).from_select([*_COLUMNS, "created_time"], select(*[_rows.c[name] for name in _COLUMNS], NOW))
)
_TAKE_TURN = Command(select(func.pg_advisory_xact_lock(func.hashtext(word("catalog.import")))))
_LIST_CATEGORIES = Query(select(*columns_of(KnownCategory, Categories)), KnownCategory)


async def take_turn(tx: WriteTx) -> None:
    """Wait until no other transaction of an import runs.

    Two that bring the same new category or product would refuse each other's rows.
    """
    await _TAKE_TURN.run(tx)


async def list_categories(tx: ReadTx) -> list[KnownCategory]:
    """Return every category of the shop."""
    return await _LIST_CATEGORIES.all(tx)


async def insert_categories(tx: WriteTx, categories: Iterable[KnownCategory], *, now: datetime) -> None:
    """Store new categories, parents before children."""
    rows = [
        {**asdict(category), "id": str(category.id), "parent_id": category.parent_id and str(category.parent_id)}
        for category in categories
    ]
    await _INSERT_CATEGORIES.run(tx, rows=rows, now=now)
