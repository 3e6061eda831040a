"""The cart's door for orders; PlaceOrder shows the rest."""

import pytest

from server.db.statement import count_statements
from server.features.cart.errors import CartClosed, CartEmpty, VariantUnavailable
from server.features.cart.values import Checkout
from server.kernel.actor import Actor
from server.kernel.ids import CART, CartId
from tests.world.goods import Product
from tests.world.people import Person
from tests.world.pricing import make_shipping_method
from tests.world.shop import Shop


def actor_of(shop: Shop, buyer: Person) -> Actor:
    if buyer.access_token:
        return shop.entrance.access_tokens.verify(buyer.access_token)
    cart_id = shop.entrance.cart_tokens.verify(buyer.cart_token) if buyer.cart_token else None
    return Actor(None, None, None, cart_id)


async def check_out(shop: Shop, buyer: Person) -> Checkout:
    async with shop.db.write() as tx:
        return await shop.app.cart.carts.lock_for_checkout(tx, actor_of(shop, buyer))


async def test_hands_over_all_that_an_order_needs(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    method = await make_shipping_method(shop.db)
    for buyer in (guest, customer):
        await buyer.add(shirt, 2)
        await buyer.add(shirt.variants[1], 1)
        await buyer.set_email("ada@shop.example")
        await buyer.set_addresses()
        cart = await buyer.set_shipping_method(method.name)

        checkout = await check_out(shop, buyer)

        assert checkout.cart_id == CART.read(cart.id, "id")
        assert (checkout.currency, checkout.email, checkout.missing) == ("EUR", "ada@shop.example", ())
        assert checkout.priced.total_minor == cart.totals.total.amount_minor == 2 * 1190 + 2380 + 490
        assert checkout.shipping_address is not None
        assert checkout.billing_address == checkout.shipping_address
        assert (checkout.shipping_address["region_code"], checkout.shipping_address["address_lines"]) == (
            "DE",
            ["Rosenstraße 12"],
        )
        assert checkout.shipping_method is not None
        assert (checkout.shipping_method.id, checkout.shipping_method.code) == (method.id, "standard")
        first = checkout.lines[0]
        assert (first.line.product_id, first.line.variant_id) == (shirt.id, shirt.variant.id)
        assert (first.line.title, first.line.sku, first.line.tax_class) == ("Linen Shirt", "LS-S", "standard")
        assert (first.line.quantity, first.priced.total_minor) == (2, 2380)
        assert checkout.demand == {shirt.variants[0].id: 2, shirt.variants[1].id: 1}


async def test_lists_what_is_missing(shop: Shop, guest: Person, shirt: Product) -> None:
    await guest.add(shirt)

    assert (await check_out(shop, guest)).missing == ("email", "shipping_address", "shipping_method")


async def test_names_no_method_where_nothing_is_sent(shop: Shop, guest: Person) -> None:
    await make_shipping_method(shop.db)
    await guest.add(await shop.shelve(requires_shipping=False))
    await guest.set_addresses()
    await guest.set_shipping_method((await guest.list_shipping_methods())[0].id)
    await guest.set_email("a@b.example")

    checkout = await check_out(shop, guest)

    assert (checkout.shipping_method, checkout.missing) == (None, ())


async def test_refuses_an_empty_or_absent_cart(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    for buyer in (guest, customer):
        with pytest.raises(CartEmpty):
            await check_out(shop, buyer)
        [item] = (await buyer.add(shirt)).items
        await buyer.remove(item.id)
        with pytest.raises(CartEmpty):
            await check_out(shop, buyer)


async def test_refuses_what_cannot_be_bought_any_more(shop: Shop, guest: Person, shirt: Product) -> None:
    await guest.add(shirt)
    await shop.run("UPDATE products SET status = 'ARCHIVED'")

    with pytest.raises(VariantUnavailable):
        await check_out(shop, guest)


async def test_closes_once(shop: Shop, guest: Person, shirt: Product) -> None:
    cart_id = CartId(CART.read((await guest.add(shirt)).id, "id"))
    carts, now = shop.app.cart.carts, shop.clock.now()

    async with shop.db.write() as tx:
        await carts.close(tx, cart_id, now=now)

    with pytest.raises(CartClosed):
        async with shop.db.write() as tx:
            await carts.close(tx, cart_id, now=now)
    with pytest.raises(CartClosed):
        await check_out(shop, guest)


async def test_runs_two_statements(shop: Shop, guest: Person, shirt: Product) -> None:
    await guest.add(shirt)

    with count_statements() as log:
        await check_out(shop, guest)

    assert len(log) == 2
