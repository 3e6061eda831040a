"""OrderService.PlaceOrder."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import grpc
import pytest
from kontor.orders.v1 import orders_pb2, orders_service_pb2
from kontor.payments.v1 import payments_pb2
from kontor.type.v1 import money_pb2

from tests.world.people import placing
from tests.world.refusals import refusal
from tests.world.shop import Shop

pytestmark = pytest.mark.usefixtures("goods")


async def test_freezes_prices_holds_stock_and_opens_a_payment(shop: Shop) -> None:
    guest = shop.guest()
    await guest.add("shirt", 2)
    await guest.add("mug")
    cart = await guest.check_out()

    placed = await guest.place(placing(cart))

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
    assert shop.stripe.intents[placed.payment.provider_reference]["amount"] == 5340
    assert await shop.stock("shirt") == (10, 2)
    assert await guest.order(order.id) == order
    await shop.check_ledger()


async def test_replays_the_first_answer(shop: Shop) -> None:
    guest = shop.guest()
    request = await guest.fill("shirt")

    first = await guest.place(request)
    await shop.pay(first)
    second = await guest.place(request)

    assert second == first
    assert await shop.count("orders") == 1
    assert shop.made_intents == 1


async def test_twins_make_one_order(shop: Shop) -> None:
    guest = shop.guest()
    request = await guest.fill("shirt")

    answers = await asyncio.gather(*[guest.place(request) for _ in range(8)])

    assert {answer.order.id for answer in answers} == {answers[0].order.id}
    assert await shop.count("orders") == await shop.count("payments") == 1
    assert await shop.stock("shirt") == (10, 1)


async def test_refuses_a_key_that_came_with_another_request(shop: Shop) -> None:
    guest = shop.guest()
    request = await guest.fill("shirt")
    await guest.place(request)
    request.payment_provider = payments_pb2.Payment.MANUAL

    refused = await refusal(guest.place(request))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED")
    assert await shop.count("orders") == 1


async def test_one_cart_makes_one_order(shop: Shop) -> None:
    guest = shop.guest()
    request = await guest.fill("shirt")
    await guest.place(request)
    request.request_id = str(uuid4())

    refused = await refusal(guest.place(request))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CART_CLOSED")
    assert await shop.stock("shirt") == (10, 1)


async def test_demands_a_key(shop: Shop) -> None:
    guest = shop.guest()
    request = await guest.fill("shirt")
    request.request_id = ""

    refused = await refusal(guest.place(request))

    assert list(refused.fields) == ["request_id"]


async def test_refuses_when_stock_is_short_and_says_what_is_left(shop: Shop) -> None:
    first, second = shop.guest(), shop.guest()
    requests = [await first.fill("poster", "mug"), await second.fill("poster", "mug")]
    await first.place(requests[0])

    refused = await refusal(second.place(requests[1]))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK")
    assert refused.metadata == {shop.variants["poster"]: "0"}
    # Nothing of the refused order is left, the mug neither.
    assert await shop.count("orders") == 1
    assert await shop.stock("mug") == (10, 1)
    await shop.check_ledger()


async def test_a_hold_past_its_time_gives_way_to_the_next_buyer(shop: Shop) -> None:
    first, second = shop.guest(), shop.guest()
    requests = [await first.fill("poster"), await second.fill("poster")]
    await first.place(requests[0])
    shop.clock.advance(timedelta(minutes=31))

    placed = await second.place(requests[1])

    assert placed.order.status == orders_pb2.Order.PENDING
    assert await shop.stock("poster") == (1, 1)
    await shop.check_ledger()


async def test_refuses_when_the_price_changed(shop: Shop) -> None:
    guest = shop.guest()
    request = await guest.fill("shirt")
    await shop.import_goods(Handle="shirt", Title="Shirt", **{"Variant SKU": "shirt", "Variant Price": "21.00"})

    refused = await refusal(guest.place(request))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "PRICE_CHANGED")
    assert refused.metadata == {
        "expected_amount_minor": "2490",
        "expected_currency_code": "EUR",
        "amount_minor": "2590",
        "currency_code": "EUR",
    }
    assert await shop.count("orders") == 0
    assert shop.stripe.calls == []


async def test_names_what_the_cart_lacks(shop: Shop) -> None:
    guest = shop.guest()
    cart = await guest.add("shirt")

    refused = await refusal(guest.place(placing(cart)))

    assert refused.reason == "CHECKOUT_INCOMPLETE"
    assert refused.metadata == {"missing": "email,shipping_address,shipping_method"}


async def test_refuses_an_empty_cart(shop: Shop) -> None:
    guest = shop.guest()
    cart = await guest.add("shirt")
    await guest.remove(cart.items[0].id)

    refused = await refusal(guest.place(placing(cart)))

    assert refused.reason == "CART_EMPTY"


async def test_a_caller_without_a_cart_has_nothing_to_place(shop: Shop) -> None:
    request = orders_service_pb2.PlaceOrderRequest(
        expected_total=money_pb2.Money(currency_code="EUR", amount_minor=1),
        payment_provider=payments_pb2.Payment.STRIPE,
        request_id="k",
    )

    refused = await refusal(shop.guest().place(request))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CART_EMPTY")


async def test_goods_without_a_parcel_need_no_shipping_method(shop: Shop) -> None:
    guest = shop.guest()
    placed = await guest.buy("pattern")

    await shop.pay(placed)

    order = await guest.order(placed.order.id)
    assert order.status == orders_pb2.Order.COMPLETED
    assert order.fulfillment.status == orders_pb2.FulfillmentSummary.NOT_REQUIRED
    assert not order.HasField("shipping_method")


async def test_an_order_that_costs_nothing_is_confirmed_at_once(shop: Shop) -> None:
    await shop.shelve("Sample", price=0, requires_shipping=False)
    guest = shop.guest()

    placed = await guest.buy("sample")

    assert placed.order.status == orders_pb2.Order.COMPLETED
    assert placed.order.payment.status == orders_pb2.PaymentSummary.NOT_REQUIRED
    assert not placed.HasField("payment")
    history = await shop.run("SELECT kind, to_state FROM order_timeline ORDER BY sequence")
    assert history[1:] == [("STATUS_CHANGED", "CONFIRMED"), ("INVOICE_ISSUED", ""), ("STATUS_CHANGED", "COMPLETED")]
    assert await shop.stock("sample") == (9, 0)
    await shop.check_ledger()


@pytest.mark.parametrize("fault", ["drop", "lose", "error"])
async def test_the_same_call_goes_on_after_the_provider_failed(shop: Shop, fault: str) -> None:
    guest = shop.guest()
    request = await guest.fill("shirt")
    shop.stripe.fail_next("POST /v1/payment_intents", fault, times=10)
    failed = await refusal(guest.place(request))
    shop.stripe.reset()

    placed = await guest.place(request)

    assert (failed.code, failed.reason) == (grpc.StatusCode.UNAVAILABLE, "PAYMENT_PROVIDER_UNAVAILABLE")
    assert placed.payment.provider_reference
    assert shop.made_intents == 1
    assert await shop.count("orders") == await shop.count("payments") == 1
    assert await shop.stock("shirt") == (10, 1)


async def test_a_refused_payment_names_the_order_that_stands(shop: Shop) -> None:
    guest = shop.guest()
    request = await guest.fill("shirt")
    shop.stripe.fail_next("POST /v1/payment_intents", "refuse")

    refused = await refusal(guest.place(request))
    placed = await guest.place(request)

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PAYMENT_REFUSED")
    assert refused.metadata == {
        "provider": "STRIPE",
        "provider_code": "refused_for_a_test",
        "order_id": placed.order.id,
    }
    assert await shop.count("orders") == 1


async def test_a_refusal_for_many_lines_fits_into_the_trailers(shop: Shop) -> None:
    goods = [await shop.shelve(f"Rare {number}", price=100, stock=1) for number in range(60)]
    first, second = shop.guest(), shop.guest()
    requests = [await buyer.fill(*[one.variant.sku for one in goods]) for buyer in (first, second)]
    await first.place(requests[0])

    refused = await refusal(second.place(requests[1]))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK")
    assert len(refused.metadata) == 41
    assert refused.metadata["more_count"] == "20"
