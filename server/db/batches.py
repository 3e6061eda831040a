"""Deleting what is over, a batch at a time: one statement over everything would run into the statement timeout."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, bindparam, delete, inspect, select, tuple_

from server.db.base import Base
from server.db.session import Database
from server.db.statement import Command

BATCH_ROWS: Final = 5_000


class BatchDelete:
    """Deletes the rows of a table for which a condition holds; an index has to lead to them."""

    def __init__(self, table: type[Base], condition: ColumnElement[bool]) -> None:
        key = tuple(inspect(table).primary_key)
        # A row that somebody holds is left to the next time, so that nobody waits for anybody.
        some = (
            select(*key)
            .where(condition)
            .limit(bindparam("batch_rows", type_=Integer()))
            .with_for_update(skip_locked=True, of=table)
        )
        self._command = Command(delete(table).where(tuple_(*key).in_(some)))

    async def run(self, db: Database, *, batch_rows: int = BATCH_ROWS, **params: Any) -> int:
        """Delete until none is left, each batch in a transaction of its own; return how many."""
        deleted = 0
        while True:
            async with db.write_single() as tx:
                count = await self._command.run(tx, batch_rows=batch_rows, **params)
            deleted += count
            if count == 0:
                return deleted
