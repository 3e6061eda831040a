"""CartService.MergeCart."""

import asyncio

import grpc
from kontor.cart.v1 import cart_service_pb2 as api

from tests.rpc.cart.carts import lines, order, stored
from tests.world.goods import Product, VariantPlan
from tests.world.people import Person, address
from tests.world.pricing import make_shipping_method
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_adds_up_to_what_is_left(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    other = await shop.shelve("Cap", stock=None)
    await customer.add(shirt, 4)
    await customer.add(shirt.variants[1], 2)
    await guest.add(shirt, 3)
    await guest.add(shirt.variants[1], 3)
    await guest.add(other, 5)

    cart = await customer.merge(guest.cart_token)

    assert lines(cart) == {shirt.variants[0].name: 7, shirt.variants[1].name: 3, other.variant.name: 5}
    assert (await customer.cart()) == cart
    assert (await guest.cart()).id == ""
    assert (await refusal(guest.add(shirt))).reason == "CART_CLOSED"


async def test_never_loses_an_item_that_is_sold_out(
    shop: Shop, guest: Person, customer: Person, shirt: Product
) -> None:
    await customer.add(shirt.variants[1], 3)
    await guest.add(shirt, 2)
    await guest.add(shirt.variants[1], 1)
    await shop.run("UPDATE stock_items SET on_hand = 0")

    cart = await customer.merge(guest.cart_token)

    assert lines(cart) == {shirt.variants[1].name: 3, shirt.variants[0].name: 1}


async def test_makes_the_cart_of_a_user_who_has_none(
    shop: Shop, guest: Person, customer: Person, shirt: Product
) -> None:
    await make_shipping_method(shop.db, prices={"EUR": 490, "USD": 590})
    await guest.add(shirt, 2, currency_code="USD")
    await guest.set_email("guest@shop.example")
    await guest.set_addresses(billing={"recipient": "The Office"})
    [method] = await guest.list_shipping_methods()
    await guest.set_shipping_method(method.id)

    cart = await customer.merge(guest.cart_token)

    assert (cart.currency_code, lines(cart)) == ("USD", {shirt.variant.name: 2})
    assert cart.email == customer.email
    assert (cart.shipping_address, cart.billing_address) == (address(), address(recipient="The Office"))
    assert cart.shipping_method.id == method.id


async def test_keeps_what_the_user_said(guest: Person, customer: Person, shirt: Product) -> None:
    await customer.add(shirt)
    await customer.set_addresses(locality="Potsdam")
    await guest.add(shirt)
    await guest.set_addresses(billing={"recipient": "The Office"})

    cart = await customer.merge(guest.cart_token)

    assert cart.shipping_address == address(locality="Potsdam")
    assert not cart.HasField("billing_address")


async def test_changes_nothing_the_second_time(guest: Person, customer: Person, shirt: Product) -> None:
    await guest.add(shirt, 2)

    first = await customer.merge(guest.cart_token)
    second = await customer.merge(guest.cart_token)

    assert lines(first) == lines(second) == {shirt.variant.name: 2}


async def test_merges_once_however_many_try(guest: Person, customer: Person, shirt: Product) -> None:
    await guest.add(shirt, 2)

    carts = await asyncio.gather(*[customer.merge(guest.cart_token) for _ in range(5)])

    assert [lines(cart) for cart in carts] == [{shirt.variant.name: 2}] * 5


async def test_leaves_an_ordered_cart_alone(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    await guest.add(shirt, 2)
    await order(shop)
    before = await stored(shop)

    cart = await customer.merge(guest.cart_token)

    assert (cart.id, cart.email) == ("", customer.email)
    assert await stored(shop) == before


async def test_adopts_the_currency_only_into_an_empty_cart(
    shop: Shop, guest: Person, customer: Person, shirt: Product
) -> None:
    [item] = (await customer.add(shirt)).items
    await guest.add(shirt, currency_code="USD")
    before = await stored(shop)

    refused = await refusal(customer.merge(guest.cart_token))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CURRENCY_MISMATCH")
    assert refused.metadata == {"currency_code": "EUR"}
    assert await stored(shop) == before
    await customer.remove(item.id)
    assert (await customer.merge(guest.cart_token)).currency_code == "USD"


async def test_refuses_more_lines_than_a_cart_has(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    plans = [VariantPlan(option_values=[str(number)]) for number in range(100)]
    many = await shop.shelve(variants=plans)
    await customer.add(shirt)
    await guest.add(many)
    await shop.run(
        "INSERT INTO cart_items SELECT uuidv7(), i.cart_id, v.id, 1, i.created_time FROM cart_items i "
        "JOIN variants own ON own.id = i.variant_id "
        "JOIN variants v ON v.product_id = own.product_id AND v.id <> own.id WHERE own.product_id = %s",
        many.id,
    )
    before = await stored(shop)

    refused = await refusal(customer.merge(guest.cart_token))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CART_FULL")
    assert await stored(shop) == before


async def test_needs_a_user_and_a_true_token(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    await guest.add(shirt)
    request = api.MergeCartRequest(cart_token=guest.cart_token)

    anonymous = await refusal(shop.call(request))
    forged = await refusal(customer.merge("forged"))

    assert anonymous.code is grpc.StatusCode.UNAUTHENTICATED
    assert (forged.code, forged.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CART_TOKEN_INVALID")
