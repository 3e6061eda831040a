"""Deleting a batch at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from server.db.batches import BatchDelete
from server.db.session import Database
from server.db.statement import count_statements
from server.db.tables import IdempotencyKeys
from server.kernel.ids import new_id
from tests.world.looking import execute, insert_row, run

NOW = datetime(2031, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
async def keys(db: Database) -> Database:
    """Keep seven keys; the first five expire at noon."""
    async with db.write() as tx:
        for number in range(7):
            await insert_row(
                tx,
                IdempotencyKeys,
                scope="s",
                method="/m",
                key=f"k{number}",
                request_hash=b"",
                resource_id=new_id(),
                created_time=NOW,
                expires_time=NOW if number < 5 else NOW + timedelta(hours=1),
            )
    return db


async def left(db: Database) -> list[str]:
    return [key for (key,) in await run(db, "SELECT key FROM idempotency_keys ORDER BY key")]


OVER = BatchDelete(IdempotencyKeys, IdempotencyKeys.expires_time <= NOW)


async def test_deletes_until_none_is_left_and_nothing_else(keys: Database) -> None:
    with count_statements() as statements:
        assert await OVER.run(keys, batch_rows=2) == 5

    assert await left(keys) == ["k5", "k6"]
    # Two, two, one, none.
    assert len(statements) == 4


async def test_leaves_a_row_that_somebody_holds_to_the_next_time(keys: Database) -> None:
    async with keys.write() as tx:
        await execute(tx, "SELECT FROM idempotency_keys WHERE key = 'k1' FOR UPDATE")

        assert await OVER.run(keys, batch_rows=2) == 4

    assert await left(keys) == ["k1", "k5", "k6"]
    assert await OVER.run(keys) == 1
