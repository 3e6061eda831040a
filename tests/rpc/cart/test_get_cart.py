"""CartService.GetCart."""

import grpc
from kontor.cart.v1 import cart_pb2
from kontor.cart.v1 import cart_service_pb2 as api
from kontor.catalog.v1 import catalog_pb2

from server.db.statement import count_statements
from server.features.cart.rules import LIFETIME
from tests.rpc.cart.carts import order
from tests.world.goods import Product
from tests.world.people import Person
from tests.world.pricing import make_tax_rate
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_is_empty_before_anything_is_put_in(guest: Person, customer: Person) -> None:
    for buyer, email, missing in ((guest, "", ["items", "email"]), (customer, customer.email, ["items"])):
        cart = await buyer.cart()

        assert (cart.id, list(cart.items), cart.currency_code, cart.email) == ("", [], "EUR", email)
        assert list(cart.missing) == missing
        assert (cart.totals.total.amount_minor, cart.totals.total.currency_code) == (0, "EUR")


async def test_shows_lines_and_totals(shop: Shop, guest: Person, shirt: Product) -> None:
    await guest.add(shirt, 2)
    await guest.add(shirt.variants[1], 1)

    cart = await guest.cart()

    small, medium = cart.items
    assert (small.product_id, small.variant_id) == (shirt.name, shirt.variants[0].name)
    assert (small.title, small.sku, small.quantity) == ("Linen Shirt", "LS-S", 2)
    assert [(option.name, option.value) for option in small.options] == [("Size", "S")]
    assert small.thumbnail.url == "https://pictures.example/shirt.jpg"
    assert (small.unit_price.amount_minor, small.compare_at_unit_price.amount_minor) == (1190, 1490)
    assert (small.subtotal.amount_minor, small.total.amount_minor) == (2380, 2380)
    assert small.availability == catalog_pb2.Availability(in_stock=True, available_count=10)
    assert small.purchasable
    assert not medium.HasField("compare_at_unit_price")
    totals = cart.totals
    assert (totals.subtotal.amount_minor, totals.total.amount_minor, totals.shipping.amount_minor) == (4760, 4760, 0)
    assert (totals.tax.amount_minor, totals.included_tax.amount_minor) == (760, 760)
    [vat] = totals.taxes
    assert (vat.name, vat.rate_ppm, vat.included) == ("VAT 19%", 190_000, True)
    assert (vat.taxable_amount.amount_minor, vat.amount.amount_minor) == (4000, 760)
    assert list(cart.missing) == ["email", "shipping_address", "shipping_method"]
    assert cart.expire_time.ToDatetime(shop.clock.now().tzinfo) == shop.clock.now() + LIFETIME


async def test_taxes_where_the_parcel_goes(shop: Shop, guest: Person, shirt: Product) -> None:
    await make_tax_rate(shop.db, "US", 40_000, name="NY sales tax 4%", region="NY", included=False)
    await guest.add(shirt)

    at_home = await guest.set_addresses(region_code="US", administrative_area="ny")
    elsewhere = await guest.set_addresses(region_code="US", administrative_area="OR")

    assert (at_home.totals.tax.amount_minor, at_home.totals.total.amount_minor) == (48, 1238)
    assert at_home.totals.included_tax.amount_minor == 0
    assert at_home.items[0].total.amount_minor == 1238
    assert (elsewhere.totals.tax.amount_minor, elsewhere.totals.total.amount_minor) == (0, 1190)


async def test_counts_nothing_for_what_cannot_be_bought_any_more(shop: Shop, guest: Person, shirt: Product) -> None:
    await guest.add(shirt, 2)
    await guest.add(shirt.variants[1], 1)
    await shop.run("UPDATE variants SET active = false WHERE id = %s", shirt.variants[0].id)

    cart = await guest.cart()

    assert [item.purchasable for item in cart.items] == [False, True]
    assert cart.items[0].total.amount_minor == 0
    assert not cart.items[0].availability.in_stock
    assert cart.totals.total.amount_minor == 2380


async def test_says_when_fewer_are_left_than_lie_in_it(shop: Shop, guest: Person, shirt: Product) -> None:
    await guest.add(shirt.variants[1], 3)
    await shop.run("UPDATE stock_items SET on_hand = 2 WHERE variant_id = %s", shirt.variants[1].id)

    [item] = (await guest.cart()).items

    assert item.availability == catalog_pb2.Availability(in_stock=False, available_count=2)
    assert item.purchasable


async def test_needs_no_address_for_what_is_not_sent(shop: Shop, guest: Person) -> None:
    download = await shop.shelve(requires_shipping=False, stock=None)

    cart = await guest.add(download)

    assert list(cart.missing) == ["email"]
    assert cart.items[0].availability == catalog_pb2.Availability(in_stock=True)


async def test_belongs_to_its_owner_alone(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    await customer.add(shirt)
    mine = await guest.add(shirt, 2)
    stranger = shop.guest()

    assert (await stranger.cart()).id == ""
    assert (await guest.cart()).id == mine.id
    assert (await customer.cart()).items[0].quantity == 1


async def test_is_empty_after_the_order(shop: Shop, guest: Person, customer: Person, shirt: Product) -> None:
    await customer.add(shirt)
    await guest.add(shirt)
    await order(shop)

    assert (await customer.cart()).id == ""
    assert (await guest.cart()).id == ""


async def test_refuses_a_forged_token(guest: Person, shirt: Product) -> None:
    await guest.add(shirt)
    guest.cart_token = guest.cart_token[:-1] + ("A" if guest.cart_token[-1] != "A" else "B")

    refused = await refusal(guest.call(api.GetCartRequest()))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CART_TOKEN_INVALID")


async def test_runs_at_most_two_statements(guest: Person, customer: Person, shirt: Product) -> None:
    counts = []
    for buyer in (guest, customer):
        for filled in (False, True):
            if filled:
                await buyer.add(shirt)
                await buyer.add(shirt.variants[1])
            with count_statements() as log:
                assert isinstance(await buyer.cart(), cart_pb2.Cart)
            counts.append(len(log))

    # A user without a cart still has an address.
    assert counts == [0, 1, 2, 1]
