"""SQL that reads the categories of the shop and adds those that an import needs."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Text, Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeEngine

from server.db.session import WriteTx
from server.db.statement import Command
from server.features.catalog.importing.queries import json_rows
from server.features.catalog.importing.rules import KnownCategory
from server.features.catalog.tables import Categories

_NOW = bindparam("now", type_=DateTime(timezone=True))
_category = Categories.__table__.c


def _insert_categories() -> Any:
    columns: dict[str, TypeEngine[Any]] = {
        "id": Uuid(),
        "parent_id": Uuid(),
        "slug": Text(),
        "name": Text(),
        "path": Text(),
    }
    rows = json_rows(**columns)
    source = {name: rows.c[name] for name in columns} | {"created_time": _NOW}
    return insert(Categories).from_select(list(source), select(*source.values()))


_TAKE_TURN = Command(select(func.pg_advisory_xact_lock(func.hashtext("catalog.import"))))
_LIST = Command(
    select(_category.id, _category.parent_id, _category.slug, _category.name, _category.path), KnownCategory
)
_INSERT = Command(_insert_categories())


async def take_turn(tx: WriteTx) -> None:
    """Wait until no other transaction of an import runs.

    Two that bring the same new category or product would refuse each other's rows.
    """
    await _TAKE_TURN.run(tx)


async def list_categories(tx: WriteTx) -> list[KnownCategory]:
    """Return every category of the shop."""
    return await _LIST.all(tx)


async def insert_categories(tx: WriteTx, categories: Iterable[KnownCategory], *, now: datetime) -> None:
    """Store new categories, parents before children."""
    rows = [
        {**asdict(category), "id": str(category.id), "parent_id": category.parent_id and str(category.parent_id)}
        for category in categories
    ]
    await _INSERT.run(tx, rows=rows, now=now)
