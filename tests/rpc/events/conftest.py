"""Looking into the database."""

from typing import Any

from server.db.session import Database
from tests.factories import execute


async def rows(db: Database, sql: str) -> list[tuple[Any, ...]]:
    async with db.read() as tx:
        return await (await execute(tx, sql)).fetchall()
