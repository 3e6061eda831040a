"""Recording events and handing them on, with real transactions side by side."""

import asyncio
import time
from uuid import UUID

import pytest
from psycopg.errors import UniqueViolation

from server.db.handlers import AnySubscription, BatchSubscription, Subscription
from server.db.session import Database
from server.db.statement import count_statements
from server.features.events import dispatch_service
from server.features.events.dispatch_service import Dispatcher
from server.features.events.service import record
from server.kernel.ids import EVENT, new_id
from tests.rpc.events.things import ThingEvent, ThingLost, ThingMade, ThingSold
from tests.world.looking import execute, run
from tests.world.waiting import eventually


async def nothing(_: object) -> None:
    """These tests look at what is queued, and run none of it."""


SUBSCRIPTIONS: list[AnySubscription] = [
    Subscription(ThingMade, "things.paint", nothing),
    Subscription(ThingMade, "things.count", nothing),
    Subscription(ThingSold, "things.count", nothing),
]


@pytest.fixture
async def dispatcher(db: Database) -> Dispatcher:
    made = Dispatcher(db, SUBSCRIPTIONS)
    await made.start()
    return made


async def make(db: Database, *aggregates: UUID, kind: type[ThingEvent] = ThingMade) -> None:
    async with db.write() as tx:
        await record(tx, *(kind(thing_id=aggregate, number=n) for n, aggregate in enumerate(aggregates)))


async def make_older(db: Database, minutes: int) -> None:
    """Let the latest event have been told that long ago."""
    latest = "SELECT max(position) FROM events"
    async with db.write() as tx:
        await execute(
            tx,
            f"UPDATE events SET created_time = now() - %s * interval '1 minute' WHERE position = ({latest})",
            minutes,
        )


def lag(dispatcher: Dispatcher) -> float:
    [figure] = dispatcher.figures()
    seconds = figure.read()
    assert isinstance(seconds, float)
    return seconds


async def jobs(db: Database) -> list[tuple[str, str]]:
    found = await run(db, "SELECT task_name, args->'data'->>'thing_id' FROM procrastinate_jobs ORDER BY id")
    return [(task, aggregate) for task, aggregate in found]


async def test_counts_the_events_of_each_aggregate(db: Database) -> None:
    one, other = new_id(), new_id()

    await make(db, one, other, one)
    await make(db, one)

    found = await run(db, "SELECT aggregate_id, sequence, (data->>'number')::int FROM events ORDER BY position")
    assert found == [(one, 1, 0), (other, 1, 1), (one, 2, 2), (one, 3, 0)]


async def test_keeps_what_an_event_tells_and_its_version(db: Database) -> None:
    thing = new_id()

    await make(db, thing, kind=ThingLost)

    found = await run(db, "SELECT type, version, data FROM events")
    assert found == [("thing.lost", 2, {"thing_id": str(thing), "number": 0})]


async def test_takes_one_statement_whatever_the_number(db: Database) -> None:
    with count_statements() as statements:
        await make(db, *(new_id() for _ in range(50)))

    assert len(statements) == 1


async def test_no_events_take_no_statement(db: Database) -> None:
    with count_statements() as statements:
        await make(db)

    assert statements == []


async def test_a_rolled_back_event_never_was(db: Database, dispatcher: Dispatcher) -> None:
    async def fail() -> None:
        async with db.write() as tx:
            await record(tx, ThingMade(thing_id=new_id()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await dispatcher.dispatch() == 0
    assert await run(db, "SELECT 1 FROM events") == []


async def test_two_writers_without_the_lock_never_share_a_sequence(db: Database) -> None:
    aggregate = new_id()
    async with db.write() as first:
        await record(first, ThingMade(thing_id=aggregate))
        second = asyncio.create_task(make(db, aggregate))
        await eventually(lambda: run(db, "SELECT 1 FROM pg_locks WHERE NOT granted"))

    with pytest.raises(UniqueViolation):
        await second
    assert await run(db, "SELECT sequence FROM events") == [(1,)]


async def test_hands_each_event_to_each_subscriber(db: Database, dispatcher: Dispatcher) -> None:
    one, other, third = new_id(), new_id(), new_id()
    await make(db, one)
    await make(db, other, kind=ThingSold)
    await make(db, third, kind=ThingLost)

    assert await dispatcher.dispatch() == 3
    assert await dispatcher.dispatch() == 0

    assert await jobs(db) == [("things.paint", str(one)), ("things.count", str(one)), ("things.count", str(other))]
    [(event_id,)] = await run(db, "SELECT id FROM events WHERE type = 'thing.sold'")
    [*_, (args, lock)] = await run(db, "SELECT args, lock FROM procrastinate_jobs ORDER BY id")
    assert args == {"event_id": EVENT.write(event_id), "data": {"thing_id": str(other), "number": 0}}
    assert lock == f"things.count:{other}"


async def test_hands_events_in_batches_to_those_who_take_them_so(db: Database) -> None:
    made = Dispatcher(db, [BatchSubscription(ThingMade, "things.paint", nothing), *SUBSCRIPTIONS[1:]])
    await made.start()
    aggregates = [new_id() for _ in range(dispatch_service._JOB_BATCH + 1)]
    await make(db, *aggregates)
    await make(db, new_id(), kind=ThingSold)

    assert await made.dispatch() == len(aggregates) + 1
    assert await made.dispatch() == 0

    batches = await run(db, "SELECT args, lock FROM procrastinate_jobs WHERE task_name = 'things.paint' ORDER BY id")
    events = [event for args, _ in batches for event in args["events"]]
    assert [len(args["events"]) for args, _ in batches] == [dispatch_service._JOB_BATCH, 1]
    assert [lock for _, lock in batches] == [None, None]
    assert [event["data"]["thing_id"] for event in events] == [str(aggregate) for aggregate in aggregates]
    assert [event["data"]["number"] for event in events] == list(range(len(aggregates)))
    assert len({event["event_id"] for event in events}) == len(aggregates)
    [(alone,)] = await run(db, "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'things.count'")
    assert alone == len(aggregates) + 1


async def test_takes_as_many_turns_as_it_needs(db: Database) -> None:
    small = Dispatcher(db, SUBSCRIPTIONS, batch=2)
    await small.start()
    aggregates = [new_id() for _ in range(5)]
    for aggregate in aggregates:
        await make(db, aggregate, kind=ThingSold)

    assert [await small.dispatch() for _ in range(4)] == [2, 2, 1, 0]

    assert await jobs(db) == [("things.count", str(aggregate)) for aggregate in aggregates]


async def test_tells_how_far_it_is_behind(db: Database) -> None:
    small = Dispatcher(db, SUBSCRIPTIONS, batch=2)
    await small.start()
    for minutes in (30, 20, 10):
        await make(db, new_id(), kind=ThingSold)
        await make_older(db, minutes)

    behind = []
    async with db.write() as slow:
        # Until it has committed, nothing is handed on that began after it.
        await execute(slow, "SELECT pg_current_xact_id()")
        await make(db, new_id(), kind=ThingSold)
        await make_older(db, 5)
        for _ in range(3):
            await small.dispatch()
            behind.append(round(lag(small) / 60))
    await small.dispatch()

    # A full batch of two, behind which there may be more; one, behind which another one waits; none, as it still does.
    assert behind == [20, 5, 5]
    assert lag(small) < 60


async def test_is_behind_while_it_cannot_look(db: Database, dispatcher: Dispatcher, monkeypatch) -> None:
    await dispatcher.dispatch()
    monkeypatch.setattr(dispatch_service, "time", lambda: time.time() + 90)

    assert lag(dispatcher) == pytest.approx(90, abs=10)


async def test_never_passes_over_an_event_of_a_slow_transaction(db: Database, dispatcher: Dispatcher) -> None:
    slow, fast, late = new_id(), new_id(), new_id()
    async with db.write() as tx:
        await record(tx, ThingSold(thing_id=slow))
        # It gets a later position and commits first.
        await make(db, fast, kind=ThingSold)

        assert await dispatcher.dispatch() == 0
        assert await jobs(db) == []
        await record(tx, ThingSold(thing_id=late))

    assert await dispatcher.dispatch() == 3

    assert await jobs(db) == [("things.count", str(aggregate)) for aggregate in (slow, late, fast)]


async def test_a_dispatcher_that_fails_halfway_loses_and_repeats_nothing(db: Database, dispatcher: Dispatcher) -> None:
    aggregate = new_id()
    await make(db, aggregate)
    # The queue refuses: jobs and cursor are one transaction.
    async with db.write() as tx:
        await execute(
            tx,
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;"
            "CREATE TRIGGER refuse BEFORE UPDATE ON event_cursors FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
    with pytest.raises(Exception, match="no"):
        await dispatcher.dispatch()
    async with db.write() as tx:
        await execute(tx, "DROP FUNCTION refuse CASCADE")
    assert await jobs(db) == []

    await dispatcher.dispatch()

    assert await jobs(db) == [("things.paint", str(aggregate)), ("things.count", str(aggregate))]


async def test_two_dispatchers_never_deliver_twice(db: Database, database_url: str) -> None:
    pair = [Dispatcher(db, SUBSCRIPTIONS, batch=3) for _ in range(2)]
    for dispatcher in pair:
        await dispatcher.start()
    running = [asyncio.create_task(dispatcher.run()) for dispatcher in pair]
    aggregates = [new_id() for _ in range(40)]

    for start in range(0, len(aggregates), 8):
        await asyncio.gather(*(make(db, aggregate, kind=ThingSold) for aggregate in aggregates[start : start + 8]))

    async def delivered() -> bool:
        return len(await jobs(db)) >= len(aggregates)

    await eventually(delivered)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert sorted(await jobs(db)) == sorted(("things.count", str(aggregate)) for aggregate in aggregates)


async def test_goes_on_after_a_failure(db: Database, dispatcher: Dispatcher) -> None:
    await make(db, new_id())
    async with db.write() as tx:
        await execute(tx, "ALTER TABLE event_cursors RENAME TO hidden_cursors")
    running = asyncio.create_task(dispatcher.run())
    await asyncio.sleep(0)
    async with db.write() as tx:
        await execute(tx, "ALTER TABLE hidden_cursors RENAME TO event_cursors")

    async def delivered() -> bool:
        return len(await jobs(db)) == 2

    await eventually(delivered)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
