"""Looking into the database, and changing it, behind the shop's back."""

from functools import cache
from typing import Any
from uuid import UUID

from psycopg import AsyncCursor
from psycopg.pq import ExecStatus
from sqlalchemy import bindparam, insert

from server.db.base import Base
from server.db.session import Database, ReadTx, WriteTx
from server.db.statement import Command

# Keys and jobs are the machinery's own.
_TABLES = """
    SELECT tablename FROM pg_tables WHERE schemaname = 'public'
    AND tablename NOT LIKE 'procrastinate%' AND tablename <> 'idempotency_keys'
    ORDER BY 1
"""
# Stock whose counters are not what its ledger sums to, or not what the reservations say.
_WRONG_STOCK = """
    SELECT s.id FROM stock_items s
    WHERE s.on_hand < 0 OR s.reserved < 0
    OR s.on_hand <> (SELECT coalesce(sum(on_hand_delta), 0) FROM stock_movements WHERE stock_id = s.id)
    OR s.reserved <> (SELECT coalesce(sum(reserved_delta), 0) FROM stock_movements WHERE stock_id = s.id)
    OR s.reserved <> (
        SELECT coalesce(sum(quantity), 0) FROM reservations WHERE stock_id = s.id AND status IN ('HELD', 'COMMITTED'))
"""


async def execute(tx: ReadTx, sql: str, *params: Any) -> AsyncCursor[Any]:
    """Run SQL that is none of the shop's own in a transaction."""
    return await (await tx.psycopg()).execute(sql.encode(), params or None)


async def run(db: Database, sql: str, *params: Any) -> list[Any]:
    """Run SQL that is none of the shop's own; return the rows that it gives, if any."""
    async with db.read() as tx:
        cursor = await execute(tx, sql, *params)
        gives_rows = cursor.pgresult is not None and cursor.pgresult.status == ExecStatus.TUPLES_OK
        return await cursor.fetchall() if gives_rows else []


async def count(db: Database, table: str) -> int:
    """Count the rows of a table."""
    [(rows,)] = await run(db, f"SELECT count(*) FROM {table}")
    return int(rows)


async def dump(db: Database, *tables: str) -> dict[str, list[Any]]:
    """Return everything that is in the tables."""
    return {table: await run(db, f"SELECT * FROM {table} AS row ORDER BY row::text") for table in tables}


async def stock(db: Database) -> dict[UUID, tuple[int, int]]:
    """Return how many units are on hand and reserved of each variant, having checked the ledger."""
    await check_ledger(db)
    found = await run(db, "SELECT variant_id, on_hand, reserved FROM stock_items")
    return {variant_id: (on_hand, reserved) for variant_id, on_hand, reserved in found}


async def check_ledger(db: Database) -> None:
    """Assert that every counter of stock is what its ledger sums to, and what the reservations say."""
    assert await run(db, _WRONG_STOCK) == []


async def fingerprint(db: Database) -> dict[str, tuple[int, int]]:
    """Return the number of rows of each table and a sum over what is in them."""
    looks = [
        f"SELECT '{table}', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} t"
        for (table,) in await run(db, _TABLES)
    ]
    return {name: (rows, content) for name, rows, content in await run(db, " UNION ALL ".join(looks))}


async def insert_row(tx: WriteTx, table: type[Base], **values: Any) -> None:
    """Write one row."""
    await _insert(table, tuple(values)).run(tx, **values)


@cache
def _insert(table: type[Base], names: tuple[str, ...]) -> Command[None]:
    return Command(insert(table).values({name: bindparam(name) for name in names}))
