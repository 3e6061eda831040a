"""Notifications, also across a lost connection."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
import structlog

from server.db.listen import Listener
from server.db.session import Database
from tests.world.looking import run
from tests.world.waiting import eventually

# Distinct from the channels of the shop, which may run in this process too.
CHANNEL = "listen_test"


async def notify(db: Database, payload: str) -> None:
    await run(db, "SELECT pg_notify(%s, %s)", CHANNEL, payload)


@pytest.fixture
async def heard(database_url: str) -> AsyncIterator[list[str]]:
    heard: list[str] = []

    def fail(payload: str) -> None:
        raise ValueError(payload)

    async def reload() -> None:
        heard.append("(re)connected")

    listener = Listener(database_url)
    listener.on(CHANNEL, fail)
    listener.on(CHANNEL, heard.append, on_reconnect=reload)
    await listener.start()
    yield heard
    await listener.stop()


async def test_calls_back_in_order_although_another_subscriber_fails(db: Database, heard: list[str]):
    await notify(db, "one")
    await notify(db, "two")

    await eventually(lambda: len(heard) == 3)
    assert heard == ["(re)connected", "one", "two"]


async def test_reconnects_and_says_so(db: Database, heard: list[str]):
    await run(db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN \"listen_test\"'")

    await eventually(lambda: heard.count("(re)connected") == 2)
    await notify(db, "again")
    await eventually(lambda: heard[-1] == "again")


async def test_a_failing_load_keeps_the_process_from_starting(database_url: str):
    async def fail() -> None:
        raise psycopg.errors.UndefinedTable("no such table")

    listener = Listener(database_url)
    listener.on(CHANNEL, print, on_reconnect=fail)

    with pytest.raises(psycopg.errors.UndefinedTable):
        await listener.start()


@pytest.mark.parametrize("error", [psycopg.errors.AdminShutdown("gone"), psycopg.InterfaceError("closed"), OSError(9)])
async def test_goes_on_after_whatever_happens_to_its_connection(db: Database, database_url: str, error: Exception):
    heard: list[str] = []
    failures: list[Exception] = []

    async def load() -> None:
        heard.append("load")
        if failures:
            raise failures.pop()

    listener = Listener(database_url)
    listener.on(CHANNEL, heard.append, on_reconnect=load)
    await listener.start()
    failures.append(error)
    await run(db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN \"listen_test\"'")

    await eventually(lambda: heard.count("load") == 3)
    await notify(db, "still here")
    await eventually(lambda: heard[-1] == "still here")
    await listener.stop()


async def test_ends_the_process_when_it_cannot_go_on(db: Database, database_url: str):
    ended: list[str] = []
    loads: list[str] = []

    async def load() -> None:
        loads.append("load")
        if len(loads) > 1:
            raise ValueError("a defect")

    listener = Listener(database_url, on_end=lambda: ended.append("ended"))
    listener.on(CHANNEL, print, on_reconnect=load)
    await listener.start()
    with structlog.testing.capture_logs() as logs:
        await run(db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN \"listen_test\"'")
        await eventually(lambda: ended == ["ended"])

    [line] = [line for line in logs if line["event"] == "listen.ended"]
    assert (line["log_level"], str(line["exc_info"])) == ("critical", "a defect")
    await listener.stop()


async def test_ends_in_silence_when_told_to(database_url: str):
    ended: list[str] = []
    listener = Listener(database_url, on_end=lambda: ended.append("ended"))
    listener.on(CHANNEL, print)
    await listener.start()

    await listener.stop()

    assert ended == []


async def test_waits_for_a_database_that_is_away():
    listener = Listener("postgresql:///x?host=/nowhere")

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(listener.start(), 0.3)

    await listener.stop()
