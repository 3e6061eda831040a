"""A call that is repeated with its key is done once."""

import asyncio
from datetime import timedelta

import grpc
import pytest
from psycopg.errors import DeadlockDetected, SerializationFailure

from server.db.idempotency import delete_expired
from server.kernel.errors import FailedPrecondition
from server.kernel.ids import CartId, UserId, new_id
from tests.rpc.chain.conftest import Echo
from tests.world.looking import run
from tests.world.refusals import refusal
from tests.world.waiting import eventually


@pytest.fixture
def work(echo: Echo) -> list[str]:
    """Script a write that claims its key; return the list of what was done."""
    done: list[str] = []

    async def write(request, call):
        async with echo.db.write() as tx:
            earlier = await call.claim.take(tx, new_id())
            if earlier is not None:
                return "present state"
            done.append(request.text)
            return f"did {len(done)}"

    echo.servicer.script = write
    return done


@pytest.mark.parametrize("by_header", [False, True])
async def test_replays_the_first_answer(echo: Echo, work, by_header):
    key = {"headers": (("idempotency-key", "k1"),)} if by_header else {"request_id": "k1"}

    first = await echo.call("Once", text="a", **key)
    second = await echo.call("Once", text="a", **key)

    assert (first.text, second.text) == ("did 1", "did 1")
    assert work == ["a"]


async def test_takes_the_header_and_the_field_for_the_same_key(echo: Echo, work):
    await echo.call("Once", text="a", request_id="k1")

    replayed = await echo.call("Once", text="a", headers=(("idempotency-key", "k1"),))

    assert replayed.text == "did 1"


async def test_does_each_call_without_a_key(echo: Echo, work):
    await echo.call("Once", text="a")
    await echo.call("Once", text="a")

    assert work == ["a", "a"]


async def test_refuses_another_request_with_the_same_key(echo: Echo, work):
    await echo.call("Once", text="a", request_id="k1")

    refused = await refusal(echo.call("Once", text="b", request_id="k1"))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED")
    assert refused.metadata == {"request_id": "k1"}
    assert work == ["a"]


async def test_keeps_callers_and_methods_apart(echo: Echo, work):
    cart, user = echo.guest(CartId(new_id())), echo.user(user_id=UserId(new_id()))
    for headers in ((), cart, echo.guest(CartId(new_id())), user, echo.user()):
        await echo.call("Once", text="a", request_id="k1", headers=headers)
    await echo.call("Must", text="a", request_id="k1", headers=user)
    assert len(work) == 6

    await echo.call("Once", text="a", request_id="k1", headers=(*user, *cart))

    assert len(work) == 6


async def test_demands_a_key_where_the_policy_says_so(echo: Echo, work):
    refused = await refusal(echo.call("Must", text="a"))

    assert (refused.code, set(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, {"request_id"})
    assert work == []


async def test_refuses_a_key_that_is_too_long(echo: Echo, work):
    await echo.call("Once", text="a", request_id="k" * 128)

    refused = await refusal(echo.call("Once", text="a", request_id="k" * 129))

    assert set(refused.fields) == {"request_id"}


async def test_twins_at_the_same_time_do_the_work_once(echo: Echo, work):
    answers = await asyncio.gather(*[echo.call("Once", text="a", request_id="k1") for _ in range(10)])

    assert work == ["a"]
    assert {answer.text for answer in answers} <= {"did 1", "present state"}


async def test_a_twin_waits_for_the_first_and_does_the_work_when_that_gives_up(echo: Echo):
    claimed, give_up = asyncio.Event(), asyncio.Event()
    done = []

    async def write(request, call):
        async with echo.db.write() as tx:
            assert await call.claim.take(tx, new_id()) is None
            done.append(call.id)
            if len(done) == 1:
                claimed.set()
                await give_up.wait()
                raise FailedPrecondition("not now")
            return "second"

    echo.servicer.script = write
    first = asyncio.ensure_future(refusal(echo.call("Once", request_id="k1")))
    await claimed.wait()
    second = asyncio.ensure_future(echo.call("Once", request_id="k1"))
    await _until_somebody_waits_for_a_lock(echo)
    assert len(done) == 1
    give_up.set()

    assert (await first).reason == "FAILED_PRECONDITION"
    assert (await second).text == "second"


async def test_does_not_store_an_answer_that_must_stay_fresh(echo: Echo, work):
    await echo.call("Fresh", text="a", request_id="k1")

    assert (await echo.call("Fresh", text="a", request_id="k1")).text == "present state"
    assert work == ["a"]
    assert await run(echo.db, "SELECT response FROM idempotency_keys") == [(None,)]


async def test_a_key_is_free_again_after_a_day(echo: Echo, work):
    await echo.call("Once", text="a", request_id="k1")
    echo.clock.advance(timedelta(hours=24))

    other = await echo.call("Once", text="b", request_id="k1")
    replayed = await echo.call("Once", text="b", request_id="k1")

    assert (other.text, replayed.text) == ("did 2", "did 2")


async def test_forgets_expired_keys_only(echo: Echo, work):
    await echo.call("Once", text="a", request_id="old")
    echo.clock.advance(timedelta(hours=1))
    await echo.call("Once", text="a", request_id="new")

    assert await delete_expired(echo.db, echo.clock.now() + timedelta(hours=23)) == 1
    assert (await echo.call("Once", text="a", request_id="new")).text == "did 2"


@pytest.mark.parametrize("error", [SerializationFailure, DeadlockDetected])
async def test_tries_again_when_postgresql_gave_up_a_transaction(echo: Echo, error):
    failures = [error("one"), error("two"), error("three")]

    async def fail_three_times(request, call):
        async with echo.db.write() as tx:
            assert await call.claim.take(tx, new_id()) is None
            if failures:
                raise failures.pop()
        return "at last"

    echo.servicer.script = fail_three_times

    assert (await echo.call("Once", request_id="k1")).text == "at last"
    assert len(echo.servicer.calls) == 4


async def test_gives_up_after_the_fourth_attempt(echo: Echo):
    async def fail(request, call):
        raise SerializationFailure("again")

    echo.servicer.script = fail
    refused = await refusal(echo.call("Public"))

    assert (refused.code, refused.retry_seconds) == (grpc.StatusCode.UNAVAILABLE, 1.0)
    assert len(echo.servicer.calls) == 4


async def test_a_retry_after_its_own_claim_was_committed_finds_the_work_done(echo: Echo):
    attempts = []

    async def write(request, call):
        resource_id = new_id()
        async with echo.db.write() as tx:
            attempts.append(await call.claim.take(tx, resource_id) or resource_id)
        if len(attempts) == 1:
            raise DeadlockDetected("in the second transaction")
        return "finished"

    echo.servicer.script = write

    assert (await echo.call("Once", request_id="k1")).text == "finished"
    assert attempts[0] == attempts[1]


async def _until_somebody_waits_for_a_lock(echo: Echo) -> None:
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await eventually(lambda: run(echo.db, waiting))


@pytest.mark.parametrize("method", ["Once", "Must", "Fresh"])
async def test_a_use_case_that_never_claims_its_key_is_a_defect(echo: Echo, method: str):
    """Else the key would be honoured by nobody, and the second call would do the work again."""
    refused = await refusal(echo.call(method, text="a", request_id="k1"))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")


async def test_without_a_key_nothing_has_to_be_claimed(echo: Echo):
    assert (await echo.call("Once", text="a")).text == "echo a"
