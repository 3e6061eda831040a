"""CartService.SetShippingMethod."""

import grpc

from server.kernel.ids import SHIPPING_METHOD, ShippingMethodId, new_id
from tests.rpc.cart.carts import order, stored
from tests.world.goods import Product
from tests.world.people import Person
from tests.world.pricing import ShippingMethod, make_shipping_method
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_sends_as_chosen(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    standard = await make_shipping_method(shop.db, free_from=2000)
    for buyer in (guest, customer):
        await buyer.add(shirt)
        await buyer.set_email("ada@shop.example")
        await buyer.set_addresses()

        cart = await buyer.set_shipping_method(standard.name)

        assert (cart.shipping_method.id, cart.shipping_method.name) == (standard.name, "Standard")
        assert cart.shipping_method.amount.amount_minor == 490
        assert (cart.totals.shipping.amount_minor, cart.totals.total.amount_minor) == (490, 1680)
        # 190 for the shirt and 78 for shipping.
        assert cart.totals.included_tax.amount_minor == 268
        assert list(cart.missing) == []
        assert (await buyer.add(shirt)).totals.shipping.amount_minor == 0


async def test_costs_nothing_where_nothing_is_sent(shop: Shop, guest: Person) -> None:
    standard = await make_shipping_method(shop.db)
    await guest.add(await shop.shelve(requires_shipping=False))
    await guest.set_addresses()

    cart = await guest.set_shipping_method(standard.name)

    assert cart.totals.shipping.amount_minor == 0


async def test_forgets_a_method_that_is_not_offered_any_more(shop: Shop, guest: Person, shirt: Product) -> None:
    standard = await make_shipping_method(shop.db)
    await guest.add(shirt)
    await guest.set_addresses()
    await guest.set_shipping_method(standard.name)
    await shop.run("UPDATE shipping_methods SET active = false")

    cart = await guest.cart()

    assert not cart.HasField("shipping_method")
    assert "shipping_method" in cart.missing


async def test_needs_an_address_first(shop: Shop, guest: Person, shirt: Product) -> None:
    standard = await make_shipping_method(shop.db)
    await guest.add(shirt)
    before = await stored(shop)

    refused = await refusal(guest.set_shipping_method(standard.name))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CHECKOUT_INCOMPLETE")
    assert refused.metadata == {"missing": "shipping_address"}
    assert await stored(shop) == before


async def test_refuses_a_method_that_is_not_offered(shop: Shop, guest: Person, shirt: Product) -> None:
    swiss = await make_shipping_method(shop.db, "swiss", countries=["CH"])
    dollar = await make_shipping_method(shop.db, "dollar", prices={"USD": 100})
    gone = await make_shipping_method(shop.db, "gone", active=False)
    await guest.add(shirt)
    await guest.set_addresses()
    before = await stored(shop)

    for method in (swiss, dollar):
        refused = await refusal(guest.set_shipping_method(method.name))
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SHIPPING_METHOD_UNAVAILABLE")
        assert refused.metadata == {"shipping_method_id": method.name}
    for unknown in (gone, ShippingMethod(ShippingMethodId(new_id()))):
        refused = await refusal(guest.set_shipping_method(unknown.name))
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert await stored(shop) == before


async def test_needs_an_open_cart(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    for buyer in (guest, customer):
        refused = await refusal(buyer.set_shipping_method(SHIPPING_METHOD.write(SHIPPING_METHOD.new())))
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    await guest.add(shirt)
    await order(shop)

    refused = await refusal(guest.set_shipping_method(SHIPPING_METHOD.write(SHIPPING_METHOD.new())))

    assert refused.reason == "CART_CLOSED"


async def test_names_the_wrong_field(guest: Person, shirt: Product) -> None:
    await guest.add(shirt)

    refused = await refusal(guest.set_shipping_method("x"))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["shipping_method_id"])
