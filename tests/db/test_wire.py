"""Statements over libpq: what happens to a connection when something goes wrong."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import Integer, Text, bindparam, column, func, insert, literal_column, select, table

from server.db.session import Database, ReadTx
from server.db.statement import Command, ScalarQuery, together
from tests.world.looking import execute, run
from tests.world.waiting import eventually

PID = ScalarQuery(select(func.pg_backend_pid()), int)
ECHO = ScalarQuery(select(bindparam("text", type_=Text())), str)
DIVIDE = ScalarQuery(select(literal_column("1", Integer) / bindparam("by", type_=Integer())), int)
# `pg_sleep` gives nothing back that could be read.
SLEEP = ScalarQuery(select(func.length(func.pg_sleep(bindparam("seconds", type_=Integer())).cast(Text))), int)
MARKS = table("wire_marks", column("number", Integer))
MARK = Command(insert(MARKS).values(number=bindparam("number")))


@pytest.fixture
async def small(db: Database) -> AsyncIterator[Database]:
    """Open a pool of one connection."""
    await run(db, "CREATE UNLOGGED TABLE wire_marks (number integer)")
    small = await Database.open(db.dsn, 1, 1)
    yield small
    await small.close()
    await run(db, "DROP TABLE wire_marks")


async def pid(db: Database) -> int:
    async with db.read() as tx:
        return await PID.one(tx)


async def sleeping(db: Database) -> bool:
    return bool(await run(db, "SELECT FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'PgSleep'"))


async def sleep_in(db: Database, *, seconds: int = 60) -> None:
    async with db.write() as tx:
        await MARK.run(tx, number=1)
        await SLEEP.all(tx, seconds=seconds)


async def marks(db: Database) -> list[int]:
    return [number for (number,) in await run(db, "SELECT number FROM wire_marks ORDER BY number")]


async def test_a_cancelled_statement_ends_on_the_server_and_its_connection_goes_on(db: Database, small: Database):
    before = await pid(small)
    waiting = asyncio.create_task(sleep_in(small))
    await eventually(lambda: sleeping(db))

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert not await sleeping(db)
    assert await marks(db) == []
    assert await pid(small) == before


async def test_who_is_cancelled_twice_does_not_wait(db: Database, small: Database):
    before = await pid(small)
    waiting = asyncio.create_task(sleep_in(small))
    await eventually(lambda: sleeping(db))

    waiting.cancel()
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert await pid(small) != before
    assert await marks(db) == []
    # The server notices that nobody waits, and frees what the transaction held.
    await eventually(lambda: ended(db, before))


async def ended(db: Database, pid: int) -> bool:
    return not await run(db, "SELECT FROM pg_stat_activity WHERE pid = %s", pid)


async def test_a_cancelled_statement_that_ends_soon_is_waited_for(db: Database, small: Database):
    before = await pid(small)
    async with db.write() as holder:
        await execute(holder, "LOCK wire_marks IN ACCESS EXCLUSIVE MODE")
        waiting = asyncio.create_task(sleep_in(small, seconds=0))
        await eventually(lambda: locked(db))
        waiting.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert await marks(db) == []
    assert await pid(small) == before


async def locked(db: Database) -> bool:
    return bool(await run(db, "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))


async def test_a_connection_that_is_ended_under_a_statement_says_why(db: Database, small: Database):
    before = await pid(small)
    waiting = asyncio.create_task(sleep_in(small))
    await eventually(lambda: sleeping(db))

    await run(db, "SELECT pg_terminate_backend(%s)", before)

    with pytest.raises(psycopg.errors.AdminShutdown):
        await waiting
    assert await pid(small) != before


async def test_connections_that_end_while_idle_are_replaced_before_anybody_gets_them(db: Database, small: Database):
    async with small.read() as tx:
        before = await PID.one(tx)
        connection = tx._connection
    await run(db, "SELECT pg_terminate_backend(%s)", before)
    # Nobody has it, and yet its end is noticed.
    await eventually(lambda: connection.closed)

    assert await pid(small) != before


async def test_an_answer_that_is_not_postgresqls_loses_the_connection(db: Database, small: Database):
    async with small.read() as tx:
        await PID.one(tx)
        connection = await tx.psycopg()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            # From here on the other end of libpq's socket is in our hands.
            os.dup2(ours.fileno(), connection.pgconn.socket)
            theirs.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            with pytest.raises(psycopg.OperationalError, match="synchronization"):
                async with asyncio.timeout(5):
                    await PID.one(tx)

    assert await pid(small) > 0


async def test_closing_a_connection_ends_the_statement_that_is_under_way_on_it(db: Database, small: Database):
    async with small.read() as tx:
        connection = await tx.psycopg()
        waiting = asyncio.create_task(SLEEP.all(tx, seconds=60))
        await eventually(lambda: sleeping(db))
        await connection.close()
        with pytest.raises(psycopg.OperationalError):
            async with asyncio.timeout(5):
                await waiting

    assert await pid(small) > 0


async def test_a_transaction_that_ends_before_its_statements_says_what_went_wrong(db: Database, small: Database):
    tasks: list[asyncio.Task[list[int]]] = []

    async def fail() -> None:
        async with small.write() as tx:
            await MARK.run(tx, number=1)
            tasks.append(asyncio.create_task(SLEEP.all(tx, seconds=60)))
            await eventually(lambda: sleeping(db))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    with pytest.raises(psycopg.OperationalError):
        await tasks[0]
    assert await marks(db) == []


async def test_statements_after_one_that_fails_do_not_run_and_can_be_run_later(db: Database, small: Database):
    fresh = Command(insert(MARKS).values(number=bindparam("number") + 0))
    before = await pid(small)

    with pytest.raises(psycopg.errors.DivisionByZero):
        async with small.write() as tx:
            await together(tx, MARK.bind(number=1), DIVIDE.bind(by=0), fresh.bind(number=2))

    assert await marks(db) == []
    async with small.write() as tx:
        await together(tx, MARK.bind(number=3), DIVIDE.bind(by=1), fresh.bind(number=4))
    assert await marks(db) == [3, 4]
    assert await pid(small) == before


async def test_a_statement_that_cannot_be_prepared_leaves_the_connection_as_it_was(db: Database, small: Database):
    unknown = ScalarQuery(select(column("number", Integer)).select_from(table("wire_unknown")), int)
    before = await pid(small)

    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            async with small.read() as tx:
                await unknown.all(tx)

    assert await pid(small) == before


async def test_a_failure_that_nobody_minded_does_not_pass_for_a_commit(db: Database, small: Database):
    async def write() -> None:
        async with small.write() as tx:
            await MARK.run(tx, number=1)
            with pytest.raises(psycopg.errors.DivisionByZero):
                await DIVIDE.one(tx, by=0)

    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        await write()

    assert await marks(db) == []


async def test_a_statement_whose_columns_have_changed_is_prepared_anew(db: Database, small: Database):
    numbers = ScalarQuery(select(column("number", Integer)).select_from(MARKS), int)
    async with small.write() as tx:
        await MARK.run(tx, number=7)
        assert await numbers.all(tx) == [7]
    await run(db, "ALTER TABLE wire_marks ALTER number TYPE text USING 'x' || number")

    with pytest.raises(psycopg.OperationalError, match="out of date"):
        async with small.read() as tx:
            await numbers.all(tx)
    async with small.read() as tx:
        assert [str(number) for number in await numbers.all(tx)] == ["x7"]


async def test_keeps_no_answer(db: Database, small: Database):
    async with small.read() as tx:
        assert await ECHO.one(tx, text="x" * 1000) == "x" * 1000

    loader = ECHO.compiled.prepared.loader
    assert loader is not None
    assert loader.pgresult is None


async def test_takes_turns_with_psycopg_in_one_transaction(db: Database, small: Database):
    for number in range(3):
        async with small.write() as tx:
            await execute(tx, "INSERT INTO wire_marks VALUES (%s)", 10 * number)
            await MARK.run(tx, number=10 * number + 1)
            await execute(tx, "INSERT INTO wire_marks VALUES (%s)", 10 * number + 2)

    assert await marks(db) == [0, 1, 2, 10, 11, 12, 20, 21, 22]


async def test_what_psycopg_did_is_rolled_back_too(db: Database, small: Database):
    async def fail() -> None:
        async with small.write() as tx:
            await execute(tx, "INSERT INTO wire_marks VALUES (1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await marks(db) == []


async def test_values_larger_than_the_socket_takes_at_once_go_and_come(small: Database):
    long = "x" * 20_000_000

    async with small.read() as tx:
        first, second = await together(tx, ECHO.bind(text=long), ECHO.bind(text="y" + long))

    assert first == [long]
    assert second == ["y" + long]


async def test_refuses_what_no_text_can_hold(small: Database):
    async with small.read() as tx:
        with pytest.raises(psycopg.DataError):
            await ECHO.one(tx, text="a\0b")
        assert await ECHO.one(tx, text="ä") == "ä"


async def test_refuses_two_tasks_on_one_connection(small: Database):
    async def ask(tx: ReadTx) -> int:
        return await PID.one(tx)

    async with small.read() as tx:
        asked = await asyncio.gather(ask(tx), ask(tx), return_exceptions=True)

    assert [type(answer) for answer in asked] == [int, RuntimeError]


async def test_a_new_connection_is_heard_where_a_closed_one_was(db: Database):
    for _ in range(5):
        other = await Database.open(db.dsn, 2, 2)
        async with other.read() as first, other.read() as second:
            assert await PID.one(first) != await PID.one(second)
            # As the pool does with one that is old.
            await (await first.psycopg()).close()
        assert await asyncio.wait_for(pid(other), 5) > 0
        await other.close()
