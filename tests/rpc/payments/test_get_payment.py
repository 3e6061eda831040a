"""PaymentService.GetPayment."""

import grpc
import pytest

from tests.rpc.payments.bench import Bench, id_of, status_name
from tests.world.refusals import refusal


async def test_shows_the_owner_how_to_pay(bench: Bench) -> None:
    order = await bench.make_order()
    payment = await bench.started(order)

    shown = await bench.owner(order).payment(id_of(payment))

    assert status_name(shown) == "CREATED"
    assert (shown.amount.currency_code, shown.amount.amount_minor) == ("EUR", 2500)
    assert (shown.captured_amount.amount_minor, shown.refunded_amount.amount_minor) == (0, 0)
    assert (shown.provider_reference, shown.client_secret) == ("pi_1", "pi_1_secret_x")


async def test_shows_a_guest_the_payment_of_its_cart(bench: Bench) -> None:
    order = await bench.make_order(guest=True)
    payment = await bench.started(order)

    shown = await bench.owner(order).payment(id_of(payment))

    assert shown.client_secret == "pi_1_secret_x"


async def test_hides_the_secret_from_administrators(bench: Bench) -> None:
    payment = await bench.started()

    shown = await bench.admin().payment(id_of(payment))

    assert (shown.provider_reference, shown.client_secret) == ("pi_1", "")


async def test_hides_the_secret_when_nothing_is_to_be_done(bench: Bench) -> None:
    order = await bench.make_order()
    payment = await bench.started(order)
    bench.stripe.pay("pi_1")
    await bench.payments.settle(payment.id, actor=None)

    shown = await bench.owner(order).payment(id_of(payment))

    assert (status_name(shown), shown.client_secret) == ("CAPTURED", "")


@pytest.mark.parametrize("who", ["anonymous", "customer", "guest", "token_of_a_users_cart"])
async def test_does_not_exist_for_others(bench: Bench, who: str) -> None:
    order = await bench.make_order()
    payment = await bench.started(order)
    stranger = await bench.make_order(guest=True)
    callers = {
        "anonymous": bench.entrance.guest(),
        "customer": bench.stranger(),
        "guest": bench.owner(stranger),
        # Who ordered signed in is seen by nobody who only holds the cart's token.
        "token_of_a_users_cart": bench.entrance.guest(order.cart_id),
    }

    refused = await refusal(callers[who].payment(id_of(payment)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_refuses_what_is_no_id_of_a_payment(bench: Bench) -> None:
    refused = await refusal(bench.entrance.guest().payment("ord_1"))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
