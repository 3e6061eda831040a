"""Finding categories by their names, and making those that an import needs."""

from collections.abc import Callable, Iterable
from datetime import datetime

from server.db.session import WriteTx
from server.features.catalog.events import CategoryCreated
from server.features.catalog.importing import category_queries as queries
from server.features.catalog.importing.rules import CategoryTree
from server.features.catalog.importing.values import CategoryPath
from server.features.events import service as events
from server.kernel.ids import CATEGORY, CategoryId


async def add_categories(
    tx: WriteTx, paths: Iterable[CategoryPath], *, now: datetime, make_id: Callable[[], CategoryId] = CATEGORY.new
) -> dict[CategoryPath, CategoryId | None]:
    """Return the category at the end of each path of names, making those that are missing; None for an empty path."""
    await queries.take_turn(tx)
    tree = CategoryTree(await queries.list_categories(tx), make_id)
    ids = {path: tree.find_or_add(path) for path in paths}
    if tree.added:
        await queries.insert_categories(tx, tree.added, now=now)
        await events.record(tx, *[CategoryCreated(category_id=category.id) for category in tree.added])
    return ids
