"""The job worker as it runs: events become jobs, jobs run, and it stops when told to."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import procrastinate

from server.db.handlers import BatchSubscription, Jobs, Periodic, Subscription, register
from server.db.jobs import NewJob, defer_all, make_job_app
from server.db.session import Database
from server.db.upkeep import upkeep_jobs
from server.features.events.dispatch_service import Dispatcher
from server.features.events.service import record
from server.kernel.clock import SystemClock
from server.kernel.ids import new_id
from server.kernel.payload import to_json
from server.metrics.meters import job_timings
from server.run.work import work_until
from tests.rpc.events.things import ThingSold
from tests.world.looking import execute, run
from tests.world.waiting import eventually


async def test_runs_events_and_jobs_until_told_to_stop(db: Database, database_url: str) -> None:
    seen: list[ThingSold] = []
    app = make_job_app(database_url)

    async def count(event: ThingSold) -> None:
        seen.append(event)

    subscriptions = [Subscription(ThingSold, "things.count", count)]
    register(app, Jobs(subscriptions=subscriptions))
    stop, sold = asyncio.Event(), ThingSold(thing_id=new_id(), number=7)
    working = asyncio.create_task(work_until(stop, app, Dispatcher(db, subscriptions)))
    async with db.write() as tx:
        await record(tx, sold)

    async def done() -> bool:
        return bool(seen)

    await eventually(done)
    stop.set()
    await asyncio.wait_for(working, 10)
    assert seen == [sold]


async def test_counts_jobs_and_what_became_of_them(db: Database, database_url: str) -> None:
    app, timings = make_job_app(database_url), job_timings()

    async def sell(events: Sequence[ThingSold]) -> None:
        """It only has to be run."""

    async def break_down() -> None:
        raise ValueError("out of order")

    listed = Jobs(
        subscriptions=[BatchSubscription(ThingSold, "things.sell", sell)],
        periodics=[Periodic("things.break_down", "0 0 1 1 *", break_down)],
    )
    register(app, listed, timings)
    async with db.write() as tx:
        await defer_all(tx, [NewJob("things.sell", {"events": []}), NewJob("things.break_down", {"timestamp": 0})])

    async with app.open_async():
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    assert {labels: sum(one.counts) for labels, one in timings.items()} == {
        ("things.sell", "done"): 1,
        ("things.break_down", "failed"): 1,
    }


async def test_one_event_that_cannot_be_read_keeps_no_other_from_being_heard(db: Database, database_url: str) -> None:
    app, sold = make_job_app(database_url), new_id()
    heard: list[ThingSold] = []

    async def sell(events: Sequence[ThingSold]) -> None:
        heard.extend(events)

    register(app, Jobs(subscriptions=[BatchSubscription(ThingSold, "things.sell", sell)]))
    events = [
        {"event_id": "evt_1", "data": {"thing_id": "of another time"}},
        {"event_id": "evt_2", "data": to_json(ThingSold(thing_id=sold, number=1))},
    ]
    async with db.write() as tx:
        await defer_all(tx, [NewJob("things.sell", {"events": events})])

    async with app.open_async():
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    assert [event.thing_id for event in heard] == [sold]


async def test_finishes_the_job_at_hand(db: Database, database_url: str) -> None:
    app = make_job_app(database_url)
    started, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @app.task(name="things.slow")
    async def slow() -> None:
        started.set()
        await may_end.wait()
        ended.set()

    async with db.write() as tx:
        await defer_all(tx, [NewJob("things.slow", {})])
    stop = asyncio.Event()
    working = asyncio.create_task(work_until(stop, app, Dispatcher(db, [])))
    await started.wait()

    stop.set()
    may_end.set()
    await asyncio.wait_for(working, 10)

    assert ended.is_set()
    assert await run(db, "SELECT status::text FROM procrastinate_jobs") == [("succeeded",)]


async def run_upkeep(app: procrastinate.App, db: Database, name: str) -> None:
    async with db.write() as tx:
        await defer_all(tx, [NewJob(name, {"timestamp": 0})])
    async with app.open_async():
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)


async def test_a_job_whose_worker_was_killed_is_run_again(db: Database, database_url: str) -> None:
    app = make_job_app(database_url)
    register(app, upkeep_jobs(app, db=db, clock=SystemClock()))
    runs: list[int] = []

    @app.task(name="things.count")
    async def count() -> None:
        runs.append(1)

    async with db.write() as tx:
        await defer_all(tx, [NewJob("things.count", {})])
    await stall(db)

    await run_upkeep(app, db, "upkeep.retry_stalled_jobs")

    assert runs == [1]


async def stall(db: Database) -> None:
    """Let every job that waits be in the hands of a worker that is dead."""
    async with db.write() as tx:
        await execute(
            tx,
            "WITH worker AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') "
            "RETURNING id) UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM worker)",
        )


async def test_a_periodic_job_whose_worker_was_killed_makes_room_for_the_next(db: Database, database_url: str) -> None:
    app = make_job_app(database_url)
    register(app, upkeep_jobs(app, db=db, clock=SystemClock()))
    runs: list[str] = []

    @app.task(name="things.look", queueing_lock="things.look", lock="things.look")
    async def look() -> None:
        runs.append("look")

    @app.task(name="things.count")
    async def count() -> None:
        runs.append("count")

    async with app.open_async():
        await look.defer_async()
        await count.defer_async()
        await stall(db)
        # The next tick waits for the lock that the dead one holds.
        await look.defer_async()

    await run_upkeep(app, db, "upkeep.retry_stalled_jobs")

    assert sorted(runs) == ["count", "look"]
    found = await run(
        db, "SELECT task_name, status::text FROM procrastinate_jobs WHERE task_name LIKE 'things.%' ORDER BY id"
    )
    assert found == [("things.look", "failed"), ("things.count", "succeeded"), ("things.look", "succeeded")]


async def test_a_stalled_job_that_cannot_be_retried_does_not_stop_the_others(db: Database, database_url: str) -> None:
    app = make_job_app(database_url)
    register(app, upkeep_jobs(app, db=db, clock=SystemClock()))
    runs: list[int] = []

    @app.task(name="things.count")
    async def count(number: int) -> None:
        runs.append(number)

    async with app.open_async():
        await count.defer_async(number=1)
        await count.defer_async(number=2)
    await stall(db)
    async with db.write() as tx:
        await execute(
            tx, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$"
        )
        await execute(
            tx,
            "CREATE TRIGGER refuse BEFORE UPDATE ON procrastinate_jobs FOR EACH ROW"
            " WHEN (NEW.status = 'todo' AND NEW.args->>'number' = '1') EXECUTE FUNCTION refuse()",
        )
    try:
        await run_upkeep(app, db, "upkeep.retry_stalled_jobs")
    finally:
        async with db.write() as tx:
            await execute(tx, "DROP FUNCTION refuse CASCADE")

    assert runs == [2]


async def test_forgets_expired_idempotency_keys(db: Database, database_url: str) -> None:
    app = make_job_app(database_url)
    register(app, upkeep_jobs(app, db=db, clock=SystemClock()))
    now = datetime.now(UTC)
    async with db.write() as tx:
        for key, expires_time in (("old", now - timedelta(seconds=1)), ("new", now + timedelta(hours=1))):
            await execute(
                tx,
                "INSERT INTO idempotency_keys "
                "(scope, method, key, request_hash, resource_id, created_time, expires_time) "
                "VALUES ('upkeep', '/m', %s, '', %s, %s, %s)",
                key,
                new_id(),
                now,
                expires_time,
            )

    await run_upkeep(app, db, "upkeep.delete_expired_keys")

    assert await run(db, "SELECT key FROM idempotency_keys WHERE scope = 'upkeep'") == [("new",)]


async def test_forgets_old_jobs_and_keeps_fresh_and_failed_ones(db: Database, database_url: str) -> None:
    app = make_job_app(database_url)
    register(app, upkeep_jobs(app, db=db, clock=SystemClock()))
    async with db.write() as tx:
        for status, days in (("succeeded", 2), ("succeeded", 0), ("failed", 2), ("failed", 40)):
            await execute(
                tx,
                "WITH job AS (INSERT INTO procrastinate_jobs (task_name, status, args, queue_name) "
                "VALUES (%s, %s, '{}', 'default') RETURNING id) "
                "INSERT INTO procrastinate_events (job_id, type, at) SELECT id, 'deferred', now() - %s FROM job",
                f"{status}-{days}",
                status,
                timedelta(days=days),
            )
            await execute(
                tx,
                "INSERT INTO procrastinate_events (job_id, type, at) "
                "SELECT id, %s, now() - %s::interval FROM procrastinate_jobs WHERE task_name = %s",
                status,
                timedelta(days=days),
                f"{status}-{days}",
            )

    await run_upkeep(app, db, "upkeep.delete_old_jobs")

    left = await run(db, "SELECT task_name FROM procrastinate_jobs WHERE task_name LIKE '%-%' ORDER BY 1")
    assert left == [("failed-2",), ("succeeded-0",)]
