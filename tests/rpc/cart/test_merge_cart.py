"""CartService.MergeCart."""

import asyncio

import grpc
from kontor.cart.v1 import cart_service_pb2 as api

from tests.factories import MadeProduct, VariantPlan, execute, make_product, make_shipping_method
from tests.rpc.cart.conftest import Buyer, address, lines, stored
from tests.shop import refusal


async def test_adds_up_to_what_is_left(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    other = await make_product(guest.db, "Cap", variants=[VariantPlan(stock=None)])
    await user.add(shirt, 4)
    await user.add(shirt, 2, at=1)
    await guest.add(shirt, 3)
    await guest.add(shirt, 3, at=1)
    await guest.add(other, 5)

    cart = await user.merge(guest.token)

    assert lines(cart) == {shirt.variants[0].name: 7, shirt.variants[1].name: 3, other.variant.name: 5}
    assert (await user.get()) == cart
    assert (await guest.get()).id == ""
    assert (await refusal(guest.add(shirt))).reason == "CART_CLOSED"


async def test_never_loses_an_item_that_is_sold_out(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    await user.add(shirt, 3, at=1)
    await guest.add(shirt, 2)
    await guest.add(shirt, 1, at=1)
    async with guest.db.write() as tx:
        await execute(tx, "UPDATE stock_items SET on_hand = 0")

    cart = await user.merge(guest.token)

    assert lines(cart) == {shirt.variants[1].name: 3, shirt.variants[0].name: 1}


async def test_makes_the_cart_of_a_user_who_has_none(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    method_id = await make_shipping_method(guest.db, prices={"EUR": 490, "USD": 590})
    await guest.add(shirt, 2, currency_code="USD")
    await guest.set_email("guest@shop.example")
    await guest.set_addresses(billing={"recipient": "The Office"})
    [method] = await guest.methods()
    await guest.set_method(method.id)
    assert method_id is not None

    cart = await user.merge(guest.token)

    assert (cart.currency_code, lines(cart)) == ("USD", {shirt.variant.name: 2})
    assert cart.email == "ada@shop.example"
    assert (cart.shipping_address, cart.billing_address) == (address(), address(recipient="The Office"))
    assert cart.shipping_method.id == method.id


async def test_keeps_what_the_user_said(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    await user.add(shirt)
    await user.set_addresses(locality="Potsdam")
    await guest.add(shirt)
    await guest.set_addresses(billing={"recipient": "The Office"})

    cart = await user.merge(guest.token)

    assert cart.shipping_address == address(locality="Potsdam")
    assert not cart.HasField("billing_address")


async def test_changes_nothing_the_second_time(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    await guest.add(shirt, 2)

    first = await user.merge(guest.token)
    second = await user.merge(guest.token)

    assert lines(first) == lines(second) == {shirt.variant.name: 2}


async def test_merges_once_however_many_try(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    await guest.add(shirt, 2)

    carts = await asyncio.gather(*[user.merge(guest.token) for _ in range(5)])

    assert [lines(cart) for cart in carts] == [{shirt.variant.name: 2}] * 5


async def test_leaves_an_ordered_cart_alone(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    await guest.add(shirt, 2)
    await guest.close()
    before = await stored(guest.db)

    cart = await user.merge(guest.token)

    assert (cart.id, cart.email) == ("", "ada@shop.example")
    assert await stored(guest.db) == before


async def test_adopts_the_currency_only_into_an_empty_cart(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    [item] = (await user.add(shirt)).items
    await guest.add(shirt, currency_code="USD")
    before = await stored(guest.db)

    refused = await refusal(user.merge(guest.token))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CURRENCY_MISMATCH")
    assert refused.metadata == {"currency_code": "EUR"}
    assert await stored(guest.db) == before
    await user.remove(item.id)
    assert (await user.merge(guest.token)).currency_code == "USD"


async def test_refuses_more_lines_than_a_cart_has(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    plans = [VariantPlan(option_values=[str(number)]) for number in range(100)]
    many = await make_product(guest.db, variants=plans)
    await user.add(shirt)
    await guest.add(many)
    async with guest.db.write() as tx:
        await execute(
            tx,
            "INSERT INTO cart_items SELECT uuidv7(), i.cart_id, v.id, 1, i.created_time FROM cart_items i "
            "JOIN variants own ON own.id = i.variant_id "
            "JOIN variants v ON v.product_id = own.product_id AND v.id <> own.id WHERE own.product_id = %s",
            (many.id,),
        )
    before = await stored(guest.db)

    refused = await refusal(user.merge(guest.token))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CART_FULL")
    assert await stored(guest.db) == before


async def test_needs_a_user_and_a_true_token(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    await guest.add(shirt)
    request = api.MergeCartRequest(cart_token=guest.token)

    anonymous = await refusal(guest.client.cart.MergeCart(request))
    forged = await refusal(user.merge("forged"))

    assert anonymous.code is grpc.StatusCode.UNAUTHENTICATED
    assert (forged.code, forged.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CART_TOKEN_INVALID")
