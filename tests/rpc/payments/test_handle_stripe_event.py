"""PaymentService.HandleStripeEvent."""

import asyncio

import grpc
import pytest

from server.features.payments.values import PaymentTotals, Provider
from tests.rpc.payments.bench import Bench
from tests.world.looking import count
from tests.world.refusals import refusal
from tests.world.stripe import SECRET, StripeStandIn

_CAPTURED = PaymentTotals(2500, 0, 0, 0, 0, 0, 0)
_JOBS = "SELECT status::text, attempts FROM procrastinate_jobs WHERE task_name = 'payments.apply_event'"


def succeeded(bench: Bench, reference: str = "pi_1", event_id: str = "evt_1") -> bytes:
    """Make the event of a payment that succeeded."""
    return bench.stripe.event("payment_intent.succeeded", bench.stripe.intents[reference], event_id)


async def stored(bench: Bench) -> list[tuple[str, bool]]:
    """List the stored events, and whether they were applied."""
    return [
        (kind, applied)
        for kind, applied in await bench.run("SELECT type, applied_time IS NOT NULL FROM provider_events")
    ]


async def test_settles_the_payment(bench: Bench) -> None:
    payment = await bench.started()
    bench.stripe.pay("pi_1")

    await bench.send(succeeded(bench))
    await bench.run_jobs()

    assert (await bench.payment(payment.id)).status == "CAPTURED"
    assert bench.orders.told == [_CAPTURED]
    assert bench.orders.actors == [None]
    assert await stored(bench) == [("payment_intent.succeeded", True)]


async def test_answers_before_stripe_is_asked(bench: Bench) -> None:
    await bench.started()
    bench.stripe.pay("pi_1")
    asked = len(bench.stripe.calls)

    await bench.send(succeeded(bench))

    assert len(bench.stripe.calls) == asked
    assert bench.orders.told == []


async def test_ten_deliveries_in_a_row_change_nothing_twice(bench: Bench) -> None:
    payment = await bench.started()
    bench.stripe.pay("pi_1")

    for _ in range(10):
        await bench.send(succeeded(bench))
        await bench.run_jobs()

    assert bench.orders.told == [_CAPTURED]
    assert await bench.ledger(payment) == [("CAPTURE", "SUCCEEDED", 2500)]
    assert await bench.events(payment) == ["payment.captured"]
    assert len(await stored(bench)) == 1


async def test_ten_deliveries_at_once_change_nothing_twice(bench: Bench) -> None:
    payment = await bench.started()
    bench.stripe.pay("pi_1")

    await asyncio.gather(*[bench.send(succeeded(bench)) for _ in range(10)])
    # Different events of one payment race as well.
    await asyncio.gather(*[bench.send(succeeded(bench, event_id=f"evt_{number}")) for number in range(2, 6)])
    await asyncio.gather(*[bench.webhooks.apply(f"evt_{number}") for number in (1, 1, 2, 3, 4, 5)])

    assert bench.orders.told == [_CAPTURED]
    assert await bench.ledger(payment) == [("CAPTURE", "SUCCEEDED", 2500)]
    assert await bench.events(payment) == ["payment.captured"]
    assert await count(bench.db, "procrastinate_jobs") == 5


@pytest.mark.parametrize("age_seconds", [0, 301])
async def test_stores_nothing_that_is_forged_or_old(bench: Bench, age_seconds: int) -> None:
    payment = await bench.started()
    bench.stripe.pay("pi_1")
    payload = succeeded(bench)
    secret = SECRET if age_seconds else "whsec_somebody_else"

    refused = await refusal(bench.send(payload, signature=StripeStandIn.sign(payload, secret, age_seconds=age_seconds)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "SIGNATURE_INVALID")
    assert await stored(bench) == []
    assert await count(bench.db, "procrastinate_jobs") == 0
    assert (await bench.payment(payment.id)).status == "CREATED"


async def test_stores_nothing_that_was_changed_on_the_way(bench: Bench) -> None:
    await bench.started()
    payload = succeeded(bench)

    refused = await refusal(bench.send(payload.replace(b"2500", b"2501"), signature=StripeStandIn.sign(payload)))

    assert refused.reason == "SIGNATURE_INVALID"
    assert await stored(bench) == []


async def test_events_out_of_order_lead_nowhere_back(bench: Bench) -> None:
    payment = await bench.started()
    late = bench.stripe.event("payment_intent.payment_failed", dict(bench.stripe.intents["pi_1"]), "evt_early")
    bench.stripe.pay("pi_1")

    await bench.send(succeeded(bench))
    await bench.run_jobs()
    await bench.send(late)
    await bench.run_jobs()

    assert (await bench.payment(payment.id)).status == "CAPTURED"
    assert bench.orders.told == [_CAPTURED]
    assert len(await stored(bench)) == 2


async def test_acknowledges_what_it_does_not_know(bench: Bench) -> None:
    await bench.send(bench.stripe.event("payout.paid", {"object": "payout", "id": "po_1"}))

    assert await stored(bench) == [("payout.paid", True)]
    assert await count(bench.db, "procrastinate_jobs") == 0


async def test_keeps_an_event_of_an_unknown_payment(bench: Bench) -> None:
    subject = {"object": "payment_intent", "id": "pi_other", "metadata": {}}

    await bench.send(bench.stripe.event("payment_intent.succeeded", subject))
    await bench.run_jobs()

    assert await stored(bench) == [("payment_intent.succeeded", False)]


async def test_applies_an_event_that_is_faster_than_our_own_note(bench: Bench) -> None:
    payment = await bench.make_payment(await bench.make_order())
    bench.stripe.fail_next("POST /v1/payment_intents", "lose")
    with pytest.raises(Exception, match="did not answer"):
        await bench.payments.start(payment)
    bench.stripe.pay("pi_1")

    await bench.send(succeeded(bench))
    await bench.run_jobs()

    settled = await bench.payment(payment.id)
    assert (settled.status, settled.provider_reference) == ("CAPTURED", "pi_1")
    assert bench.orders.told == [_CAPTURED]
    assert len(bench.stripe.intents) == 1


async def test_applies_a_kept_event_once_the_reference_is_known(bench: Bench) -> None:
    payment = await bench.make_payment(await bench.make_order(), provider=Provider.STRIPE)
    charge = {"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}
    await bench.send(bench.stripe.event("charge.succeeded", charge))
    await bench.run_jobs()
    assert await stored(bench) == [("charge.succeeded", False)]

    await bench.payments.start(payment)
    bench.stripe.pay("pi_1")
    await bench.run_jobs()

    assert (await bench.payment(payment.id)).status == "CAPTURED"
    assert await stored(bench) == [("charge.succeeded", True)]


async def test_tries_again_when_stripe_is_silent(bench: Bench) -> None:
    payment = await bench.started()
    bench.stripe.pay("pi_1")
    bench.stripe.fail_next("GET /v1/payment_intents", "error")

    await bench.send(succeeded(bench))
    await bench.run_jobs()

    assert (await bench.payment(payment.id)).status == "CREATED"
    assert await bench.run(_JOBS) == [("todo", 1)]
    assert await stored(bench) == [("payment_intent.succeeded", False)]


async def test_refuses_a_signed_body_that_is_no_event(bench: Bench) -> None:
    refused = await refusal(bench.send(b'{"id": "evt_1"}'))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert await stored(bench) == []


async def test_an_event_of_a_provider_that_the_shop_parted_with_reaches_no_other(bench: Bench) -> None:
    await bench.started()
    bench.stripe.pay("pi_1")
    await bench.send(succeeded(bench))
    await bench.run('UPDATE procrastinate_jobs SET args = args || \'{"provider": "MANUAL"}\' RETURNING id')
    asked = len(bench.stripe.calls)

    await bench.run_jobs()

    assert await bench.run(_JOBS) == [("succeeded", 1)]
    assert (await stored(bench), len(bench.stripe.calls)) == ([("payment_intent.succeeded", False)], asked)


async def test_an_event_of_a_provider_that_this_program_does_not_know_fails_once(bench: Bench) -> None:
    await bench.started()
    bench.stripe.pay("pi_1")
    await bench.send(succeeded(bench))
    await bench.run('UPDATE procrastinate_jobs SET args = args || \'{"provider": "BARTER"}\' RETURNING id')
    asked = len(bench.stripe.calls)

    for _ in range(3):
        await bench.run_jobs()

    assert await bench.run(_JOBS) == [("failed", 1)]
    assert (await stored(bench), len(bench.stripe.calls)) == ([("payment_intent.succeeded", False)], asked)
