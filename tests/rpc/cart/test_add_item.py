"""CartService.AddItem."""

import asyncio
from typing import Any

import grpc
import pytest
from kontor.cart.v1 import cart_service_pb2 as api

from server.db.statement import count_statements
from server.features.cart.tables import CartItems
from server.kernel.ids import CART, VARIANT, CartId, new_id
from tests.rpc.cart.carts import lines, order, stored
from tests.world.goods import Product, VariantPlan
from tests.world.looking import insert_row
from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_gives_a_guest_a_cart_and_its_token(shop: Shop, guest: Person, shirt: Product) -> None:
    request = api.AddItemRequest(variant_id=shirt.variant.name, quantity=2)
    call = shop.call(request)

    cart = await call

    headers = dict(await call.initial_metadata())
    assert cart.id.startswith("cart_")
    assert lines(cart) == {shirt.variant.name: 2}
    assert headers["x-cart-token"] == cart.token
    guest.cart_token = cart.token
    assert (await guest.cart()).id == cart.id


async def test_gives_the_token_once(guest: Person, shirt: Product) -> None:
    await guest.add(shirt)

    again = await guest.add(shirt.variants[1])

    assert again.token == ""
    assert (await guest.cart()).token == ""


async def test_adds_up(guest: Person, shirt: Product) -> None:
    first = await guest.add(shirt, 2)
    second = await guest.add(shirt, 3)

    assert lines(second) == {shirt.variant.name: 5}
    assert second.items[0].id == first.items[0].id
    assert second.totals.total.amount_minor == 5 * 1190


async def test_makes_one_cart_for_a_user(shop: Shop, customer: Person, shirt: Product) -> None:
    carts = await asyncio.gather(*[customer.add(shirt.variants[number % 2], 1) for number in range(6)])

    assert len({cart.id for cart in carts}) == 1
    assert lines(await customer.cart()) == {shirt.variants[0].name: 3, shirt.variants[1].name: 3}
    assert [cart.token for cart in carts] == [""] * 6
    assert (await customer.cart()).email == customer.email


async def test_opens_another_cart_after_the_order(shop: Shop, customer: Person, shirt: Product) -> None:
    ordered = await customer.add(shirt)
    await order(shop)

    cart = await customer.add(shirt, 2)

    assert cart.id != ordered.id
    assert lines(cart) == {shirt.variant.name: 2}


async def test_takes_the_currency_of_the_first_item(shop: Shop, guest: Person, shirt: Product) -> None:
    cart = await guest.add(shirt, currency_code="USD")

    assert (cart.currency_code, cart.totals.total.amount_minor) == ("USD", 1300)
    assert lines(await guest.add(shirt)) == {shirt.variant.name: 2}
    before = await stored(shop)
    for at, currency in ((0, "EUR"), (1, "")):
        refused = await refusal(guest.add(shirt.variants[at], currency_code=currency))
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CURRENCY_MISMATCH")
        assert refused.metadata == {"variant_id": shirt.variants[at].name, "currency_code": "USD"}
    assert await stored(shop) == before


async def test_an_emptied_cart_takes_the_currency_that_is_asked_for(
    guest: Person, customer: Person, shirt: Product
) -> None:
    for buyer in (guest, customer):
        first = await buyer.add(shirt)
        await buyer.remove(first.items[0].id)

        cart = await buyer.add(shirt, 2, currency_code="USD")

        assert (cart.id, cart.currency_code, cart.totals.total.amount_minor) == (first.id, "USD", 2600)
        assert lines(cart) == {shirt.variant.name: 2}
        # Without a currency it stays what it is, empty or not.
        await buyer.remove(cart.items[0].id)
        assert (await buyer.add(shirt)).currency_code == "USD"


async def test_an_emptied_cart_keeps_its_currency_when_nothing_comes_in(
    shop: Shop, customer: Person, shirt: Product
) -> None:
    await customer.remove((await customer.add(shirt)).items[0].id)
    before = await stored(shop)

    refused = await refusal(customer.add(shirt.variants[1], currency_code="USD"))

    assert refused.reason == "CURRENCY_MISMATCH"
    assert await stored(shop) == before


async def test_two_currencies_that_come_at_once_never_mix(customer: Person, shirt: Product) -> None:
    for _ in range(5):
        for item in (await customer.cart()).items:
            await customer.remove(item.id)

        results = await asyncio.gather(
            *[customer.add(shirt, currency_code=currency) for currency in ("EUR", "USD")], return_exceptions=True
        )

        assert sum(isinstance(result, grpc.aio.AioRpcError) for result in results) == 1
        cart = await customer.cart()
        assert cart.totals.total.amount_minor == {"EUR": 1190, "USD": 1300}[cart.currency_code]


async def test_refuses_more_than_is_left(shop: Shop, guest: Person, shirt: Product) -> None:
    fresh = await refusal(guest.add(shirt.variants[1], 4))
    assert (fresh.code, fresh.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK")
    assert fresh.metadata == {shirt.variants[1].name: "3"}
    assert await stored(shop) == []

    await guest.add(shirt.variants[1], 2)
    before = await stored(shop)
    more = await refusal(guest.add(shirt.variants[1], 2))

    assert more.metadata == {shirt.variants[1].name: "3"}
    assert await stored(shop) == before
    assert lines(await guest.add(shirt.variants[1], 1)) == {shirt.variants[1].name: 3}


async def test_takes_what_is_on_backorder_or_not_counted(shop: Shop, guest: Person) -> None:
    backorder = await shop.shelve(stock=1, backorder_limit=2)
    uncounted = await shop.shelve(stock=None)

    await guest.add(backorder, 3)
    cart = await guest.add(uncounted, 9999)

    assert [item.quantity for item in cart.items] == [3, 9999]
    assert cart.items[0].availability.backorder
    assert (await refusal(guest.add(backorder))).metadata == {backorder.variant.name: "3"}
    too_many = await refusal(guest.add(uncounted))
    assert (too_many.code, list(too_many.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["quantity"])


async def test_refuses_what_is_not_sold(shop: Shop, guest: Person) -> None:
    archived = await shop.shelve(status="ARCHIVED")
    inactive = await shop.shelve(active=False)
    draft = await shop.shelve(status="DRAFT")

    for product in (archived, inactive):
        refused = await refusal(guest.add(product))
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "VARIANT_UNAVAILABLE")
        assert refused.metadata == {"variant_id": product.variant.name}
    unknown = shop.call(api.AddItemRequest(variant_id=VARIANT.write(VARIANT.new()), quantity=1))
    for call in (guest.add(draft), unknown):
        refused = await refusal(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert await stored(shop) == []


async def test_refuses_more_lines_than_a_cart_has(shop: Shop, guest: Person) -> None:
    plans = [VariantPlan(option_values=[str(number)]) for number in range(101)]
    product = await shop.shelve(variants=plans)
    cart_id = CartId(CART.read((await guest.add(product)).id, "id"))
    async with shop.db.write() as tx:
        for variant in product.variants[1:100]:
            await insert_row(
                tx,
                CartItems,
                id=new_id(),
                cart_id=cart_id,
                variant_id=variant.id,
                quantity=1,
                created_time=shop.clock.now(),
            )

    refused = await refusal(guest.add(product.variants[100]))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CART_FULL")
    assert refused.metadata == {"max_lines": "100"}
    assert len((await guest.add(product.variants[99])).items) == 100


async def test_refuses_a_closed_cart(shop: Shop, guest: Person, shirt: Product) -> None:
    await guest.add(shirt)
    await order(shop)
    before = await stored(shop)

    refused = await refusal(guest.add(shirt))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CART_CLOSED")
    assert await stored(shop) == before


async def test_fills_a_cart_that_was_thrown_away(shop: Shop, guest: Person, shirt: Product) -> None:
    lost = await guest.add(shirt)
    await shop.run("DELETE FROM carts")

    cart = await guest.add(shirt, 2)

    assert (cart.id, lines(cart)) == (lost.id, {shirt.variant.name: 2})


async def test_adds_once_for_a_key(guest: Person, customer: Person, shirt: Product) -> None:
    for buyer in (guest, customer):
        await buyer.add(shirt)
        first = await buyer.add(shirt, 2, request_id="a-key-of-mine")
        second = await buyer.add(shirt, 2, request_id="a-key-of-mine")
        other = await refusal(buyer.add(shirt, 3, request_id="a-key-of-mine"))

        assert second == first
        assert lines(first) == {shirt.variant.name: 3}
        assert other.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_answers_a_repeated_first_call_with_the_same_cart(shop: Shop, guest: Person, shirt: Product) -> None:
    key = "01a1fdc2-77b1-7d5f-8f1d-000000000001"
    twin = shop.guest()

    first, second = await asyncio.gather(guest.add(shirt, 2, request_id=key), twin.add(shirt, 2, request_id=key))

    assert (first.id, first.token, lines(first)) == (second.id, second.token, {shirt.variant.name: 2})
    assert len(await stored(shop)) == 1
    # The credential is not kept.
    assert await shop.run("SELECT response FROM idempotency_keys") == [(None,)]


async def test_needs_a_key_that_nobody_guesses_for_a_new_cart(shop: Shop, guest: Person, shirt: Product) -> None:
    # Whoever repeats the key of somebody's first call gets the token of that cart.
    for request_id, headers in (("1", {}), ("", {"idempotency_key": "1"})):
        request = api.AddItemRequest(variant_id=shirt.variant.name, quantity=1, request_id=request_id)
        refused = await refusal(shop.call(request, **headers))
        assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["request_id"])
    assert await stored(shop) == []
    await guest.add(shirt)
    assert lines(await guest.add(shirt, request_id="1")) == {shirt.variant.name: 2}


@pytest.mark.parametrize(
    ("field", "value"),
    [("quantity", 0), ("quantity", 10_000), ("variant_id", ""), ("variant_id", "prod_x"), ("currency_code", "eur")],
)
async def test_names_the_wrong_field(shop: Shop, guest: Person, shirt: Product, field: str, value: Any) -> None:
    request = api.AddItemRequest(**{"variant_id": shirt.variant.name, "quantity": 1, field: value})

    refused = await refusal(shop.call(request))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def test_runs_three_statements(guest: Person, customer: Person, shirt: Product) -> None:
    for buyer in (guest, customer):
        for _ in range(2):
            with count_statements() as log:
                await buyer.add(shirt)
            assert len(log) == 3
