"""Transactions."""

import asyncio
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import DateTime, Text, bindparam, func, select

from server.db.session import Database, assert_no_transaction
from server.db.statement import ScalarQuery
from server.kernel.ids import new_id
from tests.world.looking import count, execute

ADD = "INSERT INTO idempotency_keys VALUES ('s', 'm', %s, '', %s, NULL, now(), now())"
KEYS = "SELECT key FROM idempotency_keys"


async def add(tx, key: str) -> None:
    await execute(tx, ADD, key, new_id())


async def test_commits_on_success_and_rolls_back_on_any_exception(db: Database):
    async with db.write() as tx:
        await add(tx, "kept")

    async def fail(error: type[BaseException]) -> None:
        async with db.write() as tx:
            await add(tx, "lost")
            raise error

    for error in (ValueError, asyncio.CancelledError, psycopg.errors.RaiseException):
        with pytest.raises(error):
            await fail(error)

    assert await count(db, "idempotency_keys") == 1


async def test_rolls_back_after_a_failed_statement_and_gives_the_connection_back(database_url: str, db: Database):
    small = await Database.open(database_url, 1, 1)

    async def add_twice() -> None:
        async with small.write() as tx:
            await add(tx, "twice")
            await add(tx, "twice")

    for _ in range(3):
        with pytest.raises(psycopg.errors.UniqueViolation):
            await add_twice()

    async with small.read() as tx:
        assert (await tx.psycopg()).info.transaction_status is TransactionStatus.IDLE
    assert await count(small, "idempotency_keys") == 0
    await small.close()


async def test_a_cancelled_statement_frees_its_connection(database_url: str, db: Database):
    small = await Database.open(database_url, 1, 1)

    async def wait_for_long() -> None:
        async with small.write() as tx:
            await add(tx, "lost")
            await execute(tx, "SELECT pg_sleep(60)")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await wait_for_long()

    assert await count(small, "idempotency_keys") == 0
    await small.close()


async def test_a_snapshot_sees_one_state_and_writes_nothing(db: Database):
    async with db.snapshot() as tx:
        before = await (await execute(tx, KEYS)).fetchall()
        async with db.write() as other:
            await add(other, "meanwhile")
        assert await (await execute(tx, KEYS)).fetchall() == before
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        async with db.snapshot() as tx:
            await add(tx, "x")

    assert await count(db, "idempotency_keys") == 1


async def test_a_single_command_commits_by_itself(db: Database):
    async with db.write_single() as tx:
        await add(tx, "kept")

    assert await count(db, "idempotency_keys") == 1


async def test_knows_whether_a_transaction_is_open(db: Database):
    assert_no_transaction()
    async with db.read():
        assert_no_transaction()
    async with db.write():
        with pytest.raises(RuntimeError, match="inside a database transaction"):
            assert_no_transaction()
    assert_no_transaction()


async def test_every_connection_has_its_limits(db: Database):
    async with db.read() as tx:
        for name, value in {
            "statement_timeout": "10s",
            "lock_timeout": "5s",
            "idle_in_transaction_session_timeout": "15s",
            "client_connection_check_interval": "1s",
            "TimeZone": "UTC",
            "DateStyle": "ISO, MDY",
            "IntervalStyle": "postgres",
            "bytea_output": "hex",
            "client_encoding": "UTF8",
        }.items():
            assert await (await execute(tx, f"SHOW {name}")).fetchone() == (value,)


async def test_texts_are_what_they_are_whatever_the_environment_prefers(db: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    monkeypatch.setenv("PGDATESTYLE", "German")
    other = await Database.open(db.dsn, 1, 1)
    length = ScalarQuery(select(func.length(bindparam("text", type_=Text()))), int)
    day = ScalarQuery(select(bindparam("time", type_=DateTime(timezone=True))), datetime)
    time = datetime(2031, 5, 4, 12, tzinfo=UTC)

    async with other.read() as tx:
        assert await length.one(tx, text="ä€") == 2
        assert await day.one(tx, time=time) == time
    await other.close()


async def test_says_what_is_wrong_with_the_address():
    with pytest.raises(psycopg.OperationalError, match="nowhere"):
        await Database.open("postgresql:///x?host=/nowhere", 1, 1)
