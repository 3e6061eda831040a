"""CartService.SetEmail, SetAddresses, ListShippingMethods and SetShippingMethod."""

from uuid import UUID

import grpc
import pytest

from server.kernel.ids import Prefix, ShippingMethodId, format_id, new_id
from tests.factories import MadeProduct, VariantPlan, execute, make_product, make_shipping_method
from tests.rpc.cart.conftest import Buyer, address, stored
from tests.shop import refusal


def ship(method_id: UUID) -> str:
    return format_id(Prefix.SHIPPING_METHOD, method_id)


async def test_takes_an_email(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    for buyer in (guest, user):
        await buyer.add(shirt)

        cart = await buyer.set_email("gifts@shop.example")

        assert cart.email == "gifts@shop.example"
        assert "email" not in cart.missing
        assert (await buyer.get()).email == "gifts@shop.example"


async def test_takes_addresses(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    for buyer in (guest, user):
        await buyer.add(shirt)

        cart = await buyer.set_addresses(billing={"recipient": "The Office"}, phone_number="+49 30 1")

        assert cart.shipping_address == address(phone_number="+49 30 1")
        assert cart.billing_address == address(recipient="The Office")
        assert "shipping_address" not in cart.missing
        assert await buyer.get() == cart
        without = await buyer.set_addresses()
        assert not without.HasField("billing_address")


async def test_lists_what_goes_there(guest: Buyer, shirt: MadeProduct) -> None:
    await make_shipping_method(guest.db, "express", prices={"EUR": 990}, position=2)
    standard = await make_shipping_method(guest.db, "standard", free_from=2000, position=1)
    await make_shipping_method(guest.db, "swiss", countries=["CH"])
    german = await make_shipping_method(guest.db, "bike", countries=["AT", "DE"], position=3)
    await make_shipping_method(guest.db, "dollar", prices={"USD": 100})
    await make_shipping_method(guest.db, "gone", active=False)
    await guest.add(shirt)
    await guest.set_addresses()

    methods = await guest.methods()

    assert [method.name for method in methods] == ["Standard", "Express", "Bike"]
    assert (methods[0].id, methods[2].id) == (ship(standard), ship(german))
    assert [method.amount.amount_minor for method in methods] == [490, 990, 490]
    assert methods[0].description == "Sent standard"
    await guest.add(shirt)
    assert (await guest.methods())[0].amount.amount_minor == 0


async def test_sends_as_chosen(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    standard = await make_shipping_method(guest.db, free_from=2000)
    for buyer in (guest, user):
        await buyer.add(shirt)
        await buyer.set_email("ada@shop.example")
        await buyer.set_addresses()

        cart = await buyer.set_method(ship(standard))

        assert (cart.shipping_method.id, cart.shipping_method.name) == (ship(standard), "Standard")
        assert cart.shipping_method.amount.amount_minor == 490
        assert (cart.totals.shipping.amount_minor, cart.totals.total.amount_minor) == (490, 1680)
        # 190 for the shirt and 78 for shipping.
        assert cart.totals.included_tax.amount_minor == 268
        assert list(cart.missing) == []
        assert (await buyer.add(shirt)).totals.shipping.amount_minor == 0


async def test_costs_nothing_where_nothing_is_sent(guest: Buyer) -> None:
    standard = await make_shipping_method(guest.db)
    await guest.add(await make_product(guest.db, variants=[VariantPlan(requires_shipping=False)]))
    await guest.set_addresses()

    cart = await guest.set_method(ship(standard))

    assert cart.totals.shipping.amount_minor == 0


async def test_forgets_a_method_that_does_not_go_to_a_new_address(guest: Buyer, shirt: MadeProduct) -> None:
    german = await make_shipping_method(guest.db, countries=["DE"])
    await guest.add(shirt)
    await guest.set_addresses()
    await guest.set_method(ship(german))

    kept = await guest.set_addresses(locality="Potsdam")
    forgotten = await guest.set_addresses(region_code="FR")
    back = await guest.set_addresses()

    assert kept.HasField("shipping_method")
    assert not forgotten.HasField("shipping_method")
    assert "shipping_method" in forgotten.missing
    assert not back.HasField("shipping_method")


async def test_forgets_a_method_that_is_not_offered_any_more(guest: Buyer, shirt: MadeProduct) -> None:
    standard = await make_shipping_method(guest.db)
    await guest.add(shirt)
    await guest.set_addresses()
    await guest.set_method(ship(standard))
    async with guest.db.write() as tx:
        await execute(tx, "UPDATE shipping_methods SET active = false")

    cart = await guest.get()

    assert not cart.HasField("shipping_method")
    assert "shipping_method" in cart.missing


async def test_needs_an_address_first(guest: Buyer, shirt: MadeProduct) -> None:
    standard = await make_shipping_method(guest.db)
    await guest.add(shirt)
    before = await stored(guest.db)

    for call in (guest.methods(), guest.set_method(ship(standard))):
        refused = await refusal(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CHECKOUT_INCOMPLETE")
        assert refused.metadata == {"missing": "shipping_address"}
    assert await stored(guest.db) == before


async def test_refuses_a_method_that_is_not_offered(guest: Buyer, shirt: MadeProduct) -> None:
    swiss = await make_shipping_method(guest.db, "swiss", countries=["CH"])
    dollar = await make_shipping_method(guest.db, "dollar", prices={"USD": 100})
    gone = await make_shipping_method(guest.db, "gone", active=False)
    await guest.add(shirt)
    await guest.set_addresses()
    before = await stored(guest.db)

    for method_id in (swiss, dollar):
        refused = await refusal(guest.set_method(ship(method_id)))
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SHIPPING_METHOD_UNAVAILABLE")
        assert refused.metadata == {"shipping_method_id": ship(method_id)}
    for unknown in (gone, ShippingMethodId(new_id())):
        refused = await refusal(guest.set_method(ship(unknown)))
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert await stored(guest.db) == before


@pytest.mark.parametrize("step", ["set_email", "set_addresses", "methods", "set_method"])
async def test_needs_an_open_cart(guest: Buyer, user: Buyer, shirt: MadeProduct, step: str) -> None:
    arguments = {"set_email": ["a@b.example"], "set_method": [ship(new_id())]}.get(step, [])
    for buyer in (guest, user):
        refused = await refusal(getattr(buyer, step)(*arguments))
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    await guest.add(shirt)
    await guest.close()

    refused = await refusal(getattr(guest, step)(*arguments))

    expected = "NOT_FOUND" if step == "methods" else "CART_CLOSED"
    assert refused.reason == expected


async def test_names_the_wrong_field(guest: Buyer, shirt: MadeProduct) -> None:
    await guest.add(shirt)

    for call, field in (
        (guest.set_email("nobody"), "email"),
        (guest.set_addresses(region_code="de"), "shipping_address.region_code"),
        (guest.set_addresses(recipient=""), "shipping_address.recipient"),
        (guest.set_addresses(billing={"locality": ""}), "billing_address.locality"),
        (guest.set_method("x"), "shipping_method_id"),
    ):
        refused = await refusal(call)
        assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
