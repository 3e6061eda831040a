"""Processes that die in the middle of something, as with `kill -9`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest
from kontor.orders.v1 import orders_pb2

from server.settings import Settings
from tests.world.processes import kill, kontor, short_folder, worker
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")

Process = asyncio.subprocess.Process


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a folder whose path is short enough for sockets."""
    with short_folder() as path:
        yield path


@pytest.fixture
async def doomed(settings: Settings, folder: Path) -> AsyncIterator[tuple[Process, grpc.aio.Channel]]:
    """Run the worker that is going to die. The shop's own people call another one, in this process."""
    async with worker(settings, folder, "doomed") as running:
        yield running


async def test_a_worker_killed_while_stripe_answers_leaves_one_order_and_one_payment(
    shop: Shop, doomed: tuple[Process, grpc.aio.Channel]
) -> None:
    process, channel = doomed
    guest = shop.guest()
    request = await guest.fill("shirt")
    intent_made, _ = shop.stripe.hold_next("POST /v1/payment_intents")
    placing = asyncio.ensure_future(guest.through(channel).place(request))
    await asyncio.wait_for(intent_made.wait(), 10)

    await kill(process)
    with pytest.raises(grpc.aio.AioRpcError) as died:
        await placing
    between = await shop.run("SELECT status, provider_reference FROM payments")
    answers = [await guest.place(request) for _ in range(2)]

    assert died.value.code() == grpc.StatusCode.UNAVAILABLE
    # It died between the two transactions: the order stands, and nobody has heard of Stripe's answer.
    assert between == [("CREATED", None)]
    assert answers[0] == answers[1]
    assert await shop.count("orders") == await shop.count("payments") == 1
    assert await shop.stock("shirt") == (10, 1)

    await shop.pay(answers[0])

    assert (await guest.order(answers[0].order.id)).status == orders_pb2.Order.CONFIRMED
    assert await shop.run("SELECT kind, amount_minor FROM payment_transactions") == [("CAPTURE", 2490)]
    assert [mail.to for mail in shop.mailbox.mails] == ["ada@customer.example"]
    await shop.check_ledger()


async def test_a_retry_while_the_first_call_still_waits_finds_the_same_order(shop: Shop) -> None:
    guest = shop.guest()
    request = await guest.fill("shirt")
    intent_made, release = shop.stripe.hold_next("POST /v1/payment_intents")
    placing = asyncio.ensure_future(guest.place(request))
    await asyncio.wait_for(intent_made.wait(), 10)

    retried = await guest.place(request)
    release.set()
    answered = await placing

    assert answered.order.id == retried.order.id
    assert answered.payment == retried.payment
    assert await shop.count("orders") == 1
    assert shop.made_intents == 1


async def test_the_money_of_an_order_whose_worker_died_is_found_without_a_retry(
    shop: Shop, doomed: tuple[Process, grpc.aio.Channel]
) -> None:
    """The buyer never comes back to the shop, but Stripe tells of the intent, which knows our payment."""
    process, channel = doomed
    guest = shop.guest()
    request = await guest.fill("shirt")
    intent_made, _ = shop.stripe.hold_next("POST /v1/payment_intents")
    placing = asyncio.ensure_future(guest.through(channel).place(request))
    await asyncio.wait_for(intent_made.wait(), 10)
    await kill(process)
    with pytest.raises(grpc.aio.AioRpcError):
        await placing
    reference = list(shop.stripe.intents)[-1]

    shop.stripe.pay(reference)
    await shop.announce(reference)
    await shop.work()

    assert await shop.run("SELECT status, payment_status FROM orders") == [("CONFIRMED", "PAID")]
    assert shop.made_intents == 1


async def test_the_job_of_a_killed_worker_is_done_by_the_next(shop: Shop, settings: Settings, folder: Path) -> None:
    guest = shop.guest()
    placed = await guest.buy("shirt")
    reference = placed.payment.provider_reference
    shop.stripe.pay(reference)
    await shop.announce(reference)
    asked, release = shop.stripe.hold_next("GET /v1/payment_intents")

    async with kontor(settings, folder / "work.log", "work") as process:
        await asyncio.wait_for(asked.wait(), 30)
        await kill(process)
    release.set()
    abandoned = await shop.run("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'payments.apply_event'")
    before = (await guest.order(placed.order.id)).status
    # Whether it lives is told by its last sign of life; nobody waits for that here.
    await shop.run("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
    await shop.work("upkeep.retry_stalled_jobs")

    assert (abandoned, before) == ([("doing",)], orders_pb2.Order.PENDING)
    assert (await guest.order(placed.order.id)).status == orders_pb2.Order.CONFIRMED
    assert await shop.count("payment_transactions") == 1
    assert [mail.to for mail in shop.mailbox.mails] == ["ada@customer.example"]
    await shop.check_ledger()
