"""Looking into the database."""

from typing import Any

from server.db.session import Database


async def rows(db: Database, sql: str) -> list[tuple[Any, ...]]:
    async with db.read() as tx:
        return await (await tx.connection.execute(sql.encode())).fetchall()
