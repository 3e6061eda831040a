"""PlaceOrder."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import grpc
import pytest
from kontor.cart.v1 import cart_service_pb2
from kontor.orders.v1 import orders_pb2, orders_service_pb2
from kontor.payments.v1 import payments_pb2
from kontor.type.v1 import money_pb2

from tests.buying import Bazaar, Goods, request_of
from tests.shop import refusal


async def count(bazaar: Bazaar, table: str) -> int:
    [row] = await bazaar.run(f"SELECT count(*) FROM {table}")
    return int(row[0])


async def test_freezes_prices_holds_stock_and_opens_a_payment(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    await guest.add("shirt", 2)
    await guest.add("mug")
    cart = await guest.check_out()

    placed = await guest.place(request_of(cart))

    order = placed.order
    assert order.status == orders_pb2.Order.PENDING
    assert order.payment.status == orders_pb2.PaymentSummary.UNPAID
    assert order.fulfillment.status == orders_pb2.FulfillmentSummary.UNFULFILLED
    assert [(line.sku, line.quantity, line.unit_price.amount_minor) for line in order.lines] == [
        ("shirt", 2, 2000),
        ("mug", 1, 850),
    ]
    # 48.50 of goods is below 50.00, from where on shipping is free; 19 % VAT is contained in 53.40.
    assert order.totals.subtotal.amount_minor == 4850
    assert order.totals.shipping.amount_minor == 490
    assert order.totals.included_tax.amount_minor == 853
    assert order.totals.total == cart.totals.total == money_pb2.Money(currency_code="EUR", amount_minor=5340)
    assert order.shipping_address.locality == order.billing_address.locality == "Berlin"
    assert order.expire_time.ToDatetime() - order.place_time.ToDatetime() == timedelta(minutes=30)
    assert placed.payment.amount == order.totals.total
    assert placed.payment.client_secret == f"{placed.payment.provider_reference}_secret_x"
    assert bazaar.stripe.intents[placed.payment.provider_reference]["amount"] == 5340
    assert await bazaar.stock("shirt") == (10, 2)
    assert await guest.order(order.id) == order
    await bazaar.check_ledger()


async def test_replays_the_first_answer(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    request = await guest.fill("shirt")

    first = await guest.place(request)
    await bazaar.pay(first)
    second = await guest.place(request)

    assert second == first
    assert await count(bazaar, "orders") == 1
    assert bazaar.made_intents == 1


async def test_twins_make_one_order(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    request = await guest.fill("shirt")

    answers = await asyncio.gather(*[guest.place(request) for _ in range(8)])

    assert {answer.order.id for answer in answers} == {answers[0].order.id}
    assert await count(bazaar, "orders") == await count(bazaar, "payments") == 1
    assert await bazaar.stock("shirt") == (10, 1)


async def test_refuses_a_key_that_came_with_another_request(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    request = await guest.fill("shirt")
    await guest.place(request)
    request.payment_provider = payments_pb2.Payment.MANUAL

    refused = await refusal(guest.place(request))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED")
    assert await count(bazaar, "orders") == 1


async def test_one_cart_makes_one_order(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    request = await guest.fill("shirt")
    await guest.place(request)
    request.request_id = str(uuid4())

    refused = await refusal(guest.place(request))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CART_CLOSED")
    assert await bazaar.stock("shirt") == (10, 1)


async def test_demands_a_key(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    request = await guest.fill("shirt")
    request.request_id = ""

    refused = await refusal(guest.place(request))

    assert list(refused.fields) == ["request_id"]


async def test_refuses_when_stock_is_short_and_says_what_is_left(bazaar: Bazaar) -> None:
    first, second = bazaar.guest(), bazaar.guest()
    requests = [await first.fill("poster", "mug"), await second.fill("poster", "mug")]
    await first.place(requests[0])

    refused = await refusal(second.place(requests[1]))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK")
    assert refused.metadata == {bazaar.variants["poster"]: "0"}
    # Nothing of the refused order is left, the mug neither.
    assert await count(bazaar, "orders") == 1
    assert await bazaar.stock("mug") == (10, 1)
    await bazaar.check_ledger()


async def test_a_hold_past_its_time_gives_way_to_the_next_buyer(bazaar: Bazaar) -> None:
    first, second = bazaar.guest(), bazaar.guest()
    requests = [await first.fill("poster"), await second.fill("poster")]
    await first.place(requests[0])
    bazaar.clock.advance(timedelta(minutes=31))

    placed = await second.place(requests[1])

    assert placed.order.status == orders_pb2.Order.PENDING
    assert await bazaar.stock("poster") == (1, 1)
    await bazaar.check_ledger()


async def test_refuses_when_the_price_changed(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    request = await guest.fill("shirt")
    await bazaar.stock_up(Goods("shirt", "21.00"))

    refused = await refusal(guest.place(request))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "PRICE_CHANGED")
    assert refused.metadata == {
        "expected_amount_minor": "2490",
        "expected_currency_code": "EUR",
        "amount_minor": "2590",
        "currency_code": "EUR",
    }
    assert await count(bazaar, "orders") == 0
    assert bazaar.stripe.calls == []


async def test_names_what_the_cart_lacks(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    cart = await guest.add("shirt")

    refused = await refusal(guest.place(request_of(cart)))

    assert refused.reason == "CHECKOUT_INCOMPLETE"
    assert refused.metadata == {"missing": "email,shipping_address,shipping_method"}


async def test_refuses_an_empty_cart(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    cart = await guest.add("shirt")
    removal = cart_service_pb2.RemoveItemRequest(item_id=cart.items[0].id)
    await bazaar.client.cart.RemoveItem(removal, metadata=guest.metadata)

    refused = await refusal(guest.place(request_of(cart)))

    assert refused.reason == "CART_EMPTY"


async def test_a_caller_without_a_cart_has_nothing_to_place(bazaar: Bazaar) -> None:
    request = orders_service_pb2.PlaceOrderRequest(
        expected_total=money_pb2.Money(currency_code="EUR", amount_minor=1),
        payment_provider=payments_pb2.Payment.STRIPE,
        request_id="k",
    )

    refused = await refusal(bazaar.guest().place(request))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CART_EMPTY")


async def test_goods_without_a_parcel_need_no_shipping_method(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    placed = await guest.place(await guest.fill("pattern"))

    await bazaar.pay(placed)

    order = await guest.order(placed.order.id)
    assert order.status == orders_pb2.Order.COMPLETED
    assert order.fulfillment.status == orders_pb2.FulfillmentSummary.NOT_REQUIRED
    assert not order.HasField("shipping_method")


async def test_an_order_that_costs_nothing_is_confirmed_at_once(bazaar: Bazaar) -> None:
    await bazaar.stock_up(Goods("sample", "0.00", requires_shipping=False))
    guest = bazaar.guest()

    placed = await guest.place(await guest.fill("sample"))

    assert placed.order.status == orders_pb2.Order.COMPLETED
    assert placed.order.payment.status == orders_pb2.PaymentSummary.NOT_REQUIRED
    assert not placed.HasField("payment")
    history = await bazaar.run("SELECT kind, to_state FROM order_timeline ORDER BY sequence")
    assert history[1:] == [("STATUS_CHANGED", "CONFIRMED"), ("INVOICE_ISSUED", ""), ("STATUS_CHANGED", "COMPLETED")]
    assert await bazaar.stock("sample") == (9, 0)
    await bazaar.check_ledger()


@pytest.mark.parametrize("fault", ["drop", "lose", "error"])
async def test_the_same_call_goes_on_after_the_provider_failed(bazaar: Bazaar, fault: str) -> None:
    guest = bazaar.guest()
    request = await guest.fill("shirt")
    bazaar.stripe.fail_next("POST /v1/payment_intents", fault, times=10)
    failed = await refusal(guest.place(request))
    bazaar.stripe.reset()

    placed = await guest.place(request)

    assert (failed.code, failed.reason) == (grpc.StatusCode.UNAVAILABLE, "PAYMENT_PROVIDER_UNAVAILABLE")
    assert placed.payment.provider_reference
    assert bazaar.made_intents == 1
    assert await count(bazaar, "orders") == await count(bazaar, "payments") == 1
    assert await bazaar.stock("shirt") == (10, 1)


async def test_a_refused_payment_names_the_order_that_stands(bazaar: Bazaar) -> None:
    guest = bazaar.guest()
    request = await guest.fill("shirt")
    bazaar.stripe.fail_next("POST /v1/payment_intents", "refuse")

    refused = await refusal(guest.place(request))
    placed = await guest.place(request)

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PAYMENT_REFUSED")
    assert refused.metadata == {
        "provider": "STRIPE",
        "provider_code": "refused_for_a_test",
        "order_id": placed.order.id,
    }
    assert await count(bazaar, "orders") == 1


async def test_a_refusal_for_many_lines_fits_into_the_trailers(bazaar: Bazaar) -> None:
    goods = [Goods(f"rare-{number}", "1.00", quantity=1) for number in range(60)]
    await bazaar.stock_up(*goods)
    first, second = bazaar.guest(), bazaar.guest()
    requests = [await buyer.fill(*[one.sku for one in goods]) for buyer in (first, second)]
    await first.place(requests[0])

    refused = await refusal(second.place(requests[1]))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK")
    assert len(refused.metadata) == 41
    assert refused.metadata["more_count"] == "20"
