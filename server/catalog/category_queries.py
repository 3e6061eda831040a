"""Finding categories by their names, and making those that an import needs."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeEngine

from server.catalog.import_queries import json_rows
from server.catalog.import_rules import CategoryTree, KnownCategory
from server.catalog.tables import Category
from server.db.session import WriteTx
from server.db.statement import Command
from server.events import service as events
from server.events.service import NewEvent
from server.kernel.ids import CategoryId, new_id

# The names from the root down.
CategoryPath: TypeAlias = tuple[str, ...]

_NOW = bindparam("now", type_=DateTime(timezone=True))
_category = Category.__table__.c


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
    return insert(Category).from_select(list(source), select(*source.values()))


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


async def add_categories(
    tx: WriteTx, *, paths: Iterable[CategoryPath], now: datetime, make_id: Callable[[], UUID] = new_id
) -> dict[CategoryPath, CategoryId | None]:
    """Return the category at the end of each path of names, making those that are missing; None for an empty path."""
    await take_turn(tx)
    tree = CategoryTree(await _LIST.all(tx), make_id)
    ids = {path: tree.find_or_add(path) for path in paths}
    if tree.added:
        rows = [
            {**asdict(category), "id": str(category.id), "parent_id": category.parent_id and str(category.parent_id)}
            for category in tree.added
        ]
        await _INSERT.run(tx, rows=rows, now=now)
        await events.record(tx, *[NewEvent("catalog.category_created", category.id) for category in tree.added])
    return ids
