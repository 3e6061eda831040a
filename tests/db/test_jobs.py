"""Jobs live and die with the transaction that queued them."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from server.db.handlers import Handler, Jobs, register
from server.db.jobs import defer, make_job_app
from server.db.session import Database
from server.db.statement import count_statements
from server.kernel.task import Task
from tests.world.looking import execute


@dataclass(frozen=True, kw_only=True)
class Now(Task):
    name = "test.now"
    order: str


@dataclass(frozen=True, kw_only=True)
class Later(Task):
    name = "test.later"
    order: str


async def queued(db: Database) -> list[tuple[str, dict[str, str], datetime | None]]:
    async with db.read() as tx:
        found = await execute(tx, "SELECT task_name, args, scheduled_at FROM procrastinate_jobs ORDER BY id")
        return await found.fetchall()


async def test_a_job_is_queued_when_its_transaction_commits(db: Database):
    at = datetime(2031, 5, 4, 12, tzinfo=UTC)

    with count_statements() as statements:
        async with db.write() as tx:
            await defer(tx, Now(order="o1"))
            await defer(tx, Later(order="o2"), at=at)

    assert await queued(db) == [("test.now", {"order": "o1"}, None), ("test.later", {"order": "o2"}, at)]
    assert statements[:2] == ["defer test.now", "defer test.later"]


async def test_a_job_is_gone_with_its_transaction(db: Database):
    async def fail() -> None:
        async with db.write() as tx:
            await defer(tx, Now(order="o1"))
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await fail()

    assert await queued(db) == []


async def test_a_worker_runs_what_was_queued(db: Database, database_url: str):
    app = make_job_app(database_url)
    ran: list[Now] = []

    async def now(task: Now) -> None:
        ran.append(task)

    register(app, Jobs(handlers=[Handler(Now, now)]))

    async with db.write() as tx:
        await defer(tx, Now(order="o1"))
    async with app.open_async():
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    assert ran == [Now(order="o1")]
