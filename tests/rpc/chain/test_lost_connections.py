"""What callers see of connections that died while they lay in the pool, as after a restart of PostgreSQL."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from sqlalchemy import func, select

from server.db.session import Database
from server.db.statement import ScalarQuery
from server.kernel.ids import new_id
from tests.rpc.chain.conftest import Echo
from tests.world.looking import execute, run
from tests.world.refusals import refusal
from tests.world.waiting import eventually

MADE = "SELECT name FROM event_cursors"
PID = ScalarQuery(select(func.pg_backend_pid()), int)


@pytest.fixture
async def small(echo: Echo) -> AsyncIterator[Database]:
    """Open a pool of one connection; the servicer writes with it."""
    small = await Database.open(echo.db.dsn, 1, 1)

    async def write(request: Any, call: Any) -> str:
        async with small.write() as tx:
            await call.claim.take(tx, new_id())
            await execute(tx, "INSERT INTO event_cursors (name) VALUES (%s)", request.text)
        return "written"

    echo.servicer.script = write
    yield small
    await small.close()


async def kill(echo: Echo, pid: int) -> None:
    async def gone() -> bool:
        return await run(echo.db, "SELECT FROM pg_stat_activity WHERE pid = %s", pid) == []

    await run(echo.db, "SELECT pg_terminate_backend(%s)", pid)
    await eventually(gone)


@pytest.mark.parametrize("method", ["Public", "Once", "Must"])
async def test_a_write_is_not_given_a_connection_that_died(echo: Echo, small: Database, method: str):
    # Its own end of the line is watched from the first statement on.
    async with small.read() as tx:
        pid = await PID.one(tx)
    await kill(echo, pid)

    assert (await echo.call(method, text="a", request_id="k1")).text == "written"
    assert await run(echo.db, MADE) == [("a",)]


async def test_a_write_whose_connection_dies_halfway_leaves_nothing(echo: Echo, small: Database):
    killed: list[int] = []

    async def write(request: Any, call: Any) -> str:
        async with small.write() as tx:
            await execute(tx, "INSERT INTO event_cursors (name) VALUES ('first')")
            if not killed:
                killed.append((await tx.psycopg()).info.backend_pid)
                await kill(echo, killed[0])
            await execute(tx, "INSERT INTO event_cursors (name) VALUES ('second')")
        return "written"

    echo.servicer.script = write
    refused = await refusal(echo.call("Public"))

    assert (refused.code, refused.retry_seconds) == (grpc.StatusCode.UNAVAILABLE, 1.0)
    assert len(echo.servicer.calls) == 1
    assert await run(echo.db, MADE) == []
    assert (await echo.call("Public")).text == "written"
    assert sorted(await run(echo.db, MADE)) == [("first",), ("second",)]


async def test_a_write_whose_connection_dies_before_the_commit_leaves_nothing(echo: Echo, small: Database):
    killed: list[int] = []

    async def write(request: Any, call: Any) -> str:
        async with small.write() as tx:
            await execute(tx, "INSERT INTO event_cursors (name) VALUES ('only')")
            if not killed:
                killed.append((await tx.psycopg()).info.backend_pid)
                await kill(echo, killed[0])
        return "written"

    echo.servicer.script = write
    refused = await refusal(echo.call("Public"))

    assert (refused.code, refused.retry_seconds) == (grpc.StatusCode.UNAVAILABLE, 1.0)
    assert await run(echo.db, MADE) == []
    assert (await echo.call("Public")).text == "written"


async def test_a_read_on_a_dead_connection_just_answers(echo: Echo, small: Database):
    async def read(request: Any, call: Any) -> str:
        async with small.read() as tx:
            await execute(tx, "SELECT 1")
            return str((await tx.psycopg()).info.backend_pid)

    echo.servicer.script = read
    pid = (await echo.call("Read")).text
    await kill(echo, int(pid))

    assert (await echo.call("Read")).text != pid
