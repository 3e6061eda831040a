"""The cart's door for orders; PlaceOrder shows the rest."""

from datetime import timedelta

import pytest

from server.db.statement import count_statements
from server.features.cart.errors import CartClosed, CartEmpty, VariantUnavailable
from server.features.cart.values import Checkout
from server.kernel.actor import ANONYMOUS, Actor
from server.kernel.ids import CartId, Prefix, format_id, parse_id
from tests.factories import MadeProduct, VariantPlan, execute, make_product, make_shipping_method, rows
from tests.rpc.cart.conftest import Buyer
from tests.shop import ManualClock, refusal


def actor_of(buyer: Buyer) -> Actor:
    core = buyer.app.core
    if buyer.headers:
        return core.access_tokens.verify(buyer.headers[0][1].removeprefix("Bearer "))
    return Actor(None, None, None, core.cart_tokens.verify(buyer.token)) if buyer.token else ANONYMOUS


async def check_out(buyer: Buyer) -> Checkout:
    async with buyer.db.write() as tx:
        return await buyer.app.cart.carts.lock_for_checkout(tx, actor_of(buyer))


async def test_hands_over_all_that_an_order_needs(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    method_id = await make_shipping_method(guest.db)
    for buyer in (guest, user):
        await buyer.add(shirt, 2)
        await buyer.add(shirt, 1, at=1)
        await buyer.set_email("ada@shop.example")
        await buyer.set_addresses()
        cart = await buyer.set_method(format_id(Prefix.SHIPPING_METHOD, method_id))

        checkout = await check_out(buyer)

        assert checkout.cart_id == parse_id(Prefix.CART, cart.id, field="id")
        assert (checkout.currency, checkout.email, checkout.missing) == ("EUR", "ada@shop.example", ())
        assert checkout.priced.total_minor == cart.totals.total.amount_minor == 2 * 1190 + 2380 + 490
        assert checkout.shipping_address is not None
        assert checkout.billing_address == checkout.shipping_address
        assert (checkout.shipping_address["region_code"], checkout.shipping_address["address_lines"]) == (
            "DE",
            ["Hauptstraße 1"],
        )
        assert checkout.shipping_method is not None
        assert (checkout.shipping_method.id, checkout.shipping_method.code) == (method_id, "standard")
        first = checkout.lines[0]
        assert (first.line.product_id, first.line.variant_id) == (shirt.id, shirt.variant.id)
        assert (first.line.title, first.line.sku, first.line.tax_class) == ("Linen Shirt", "LS-S", "standard")
        assert (first.line.quantity, first.priced.total_minor) == (2, 2380)
        assert checkout.demand == {shirt.variants[0].id: 2, shirt.variants[1].id: 1}


async def test_lists_what_is_missing(guest: Buyer, shirt: MadeProduct) -> None:
    await guest.add(shirt)

    assert (await check_out(guest)).missing == ("email", "shipping_address", "shipping_method")


async def test_names_no_method_where_nothing_is_sent(guest: Buyer) -> None:
    await make_shipping_method(guest.db)
    await guest.add(await make_product(guest.db, variants=[VariantPlan(requires_shipping=False)]))
    await guest.set_addresses()
    await guest.set_method((await guest.methods())[0].id)
    await guest.set_email("a@b.example")

    checkout = await check_out(guest)

    assert (checkout.shipping_method, checkout.missing) == (None, ())


async def test_refuses_an_empty_or_absent_cart(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    for buyer in (guest, user):
        with pytest.raises(CartEmpty):
            await check_out(buyer)
        [item] = (await buyer.add(shirt)).items
        await buyer.remove(item.id)
        with pytest.raises(CartEmpty):
            await check_out(buyer)


async def test_refuses_what_cannot_be_bought_any_more(guest: Buyer, shirt: MadeProduct) -> None:
    await guest.add(shirt)
    async with guest.db.write() as tx:
        await execute(tx, "UPDATE products SET status = 'ARCHIVED'")

    with pytest.raises(VariantUnavailable):
        await check_out(guest)


async def test_closes_once(guest: Buyer, shirt: MadeProduct) -> None:
    cart_id = CartId(parse_id(Prefix.CART, (await guest.add(shirt)).id, field="id"))
    carts, now = guest.app.cart.carts, guest.app.core.clock.now()

    async with guest.db.write() as tx:
        await carts.close(tx, cart_id, now=now)

    with pytest.raises(CartClosed):
        async with guest.db.write() as tx:
            await carts.close(tx, cart_id, now=now)
    with pytest.raises(CartClosed):
        await check_out(guest)


async def test_runs_two_statements(guest: Buyer, shirt: MadeProduct) -> None:
    await guest.add(shirt)

    with count_statements() as log:
        await check_out(guest)

    assert len(log) == 2


async def test_throws_away_what_nobody_touches(guest: Buyer, clock: ManualClock, shirt: MadeProduct) -> None:
    await guest.add(shirt)
    clock.advance(timedelta(days=1))
    kept = await Buyer(guest.client, guest.app).add(shirt)
    clock.advance(timedelta(days=29))

    assert await guest.app.cart.carts.delete_expired() == 1

    assert await rows(guest.db, "SELECT id FROM carts") == [(parse_id(Prefix.CART, kept.id, field="id"),)]


async def test_forgets_what_was_ordered_or_merged_long_ago(
    guest: Buyer, user: Buyer, clock: ManualClock, shirt: MadeProduct
) -> None:
    await make_shipping_method(guest.db)
    merged = Buyer(guest.client, guest.app)
    await merged.add(shirt)
    await user.merge(merged.token)
    for buyer in (guest, user):
        await buyer.add(shirt)
        await buyer.set_addresses()
        await buyer.set_method((await buyer.methods())[0].id)
        await buyer.set_email("a@b.example")
        await buyer.close()
    await user.add(shirt)
    carts = guest.app.cart.carts

    clock.advance(timedelta(days=89))
    await carts.forget_closed()
    assert await rows(guest.db, "SELECT status FROM carts ORDER BY 1") == [
        ("MERGED",),
        ("OPEN",),
        ("ORDERED",),
        ("ORDERED",),
        ("ORDERED",),
    ]
    clock.advance(timedelta(days=1))
    await carts.forget_closed()

    kept = await rows(
        guest.db,
        "SELECT status, email, shipping_address, billing_address, shipping_method_id,"
        " (SELECT count(*) FROM cart_items i WHERE i.cart_id = c.id) FROM carts c ORDER BY 1",
    )
    assert kept == [("FORGOTTEN", "", None, None, None, 0), ("OPEN", "ada@shop.example", None, None, None, 1)]
    # Its token opens no second cart of the same id: an order of it is there already.
    assert (await refusal(guest.add(shirt))).reason == "CART_CLOSED"
