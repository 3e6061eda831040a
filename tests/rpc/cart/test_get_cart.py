"""CartService.GetCart."""

import grpc
from kontor.cart.v1 import cart_pb2
from kontor.cart.v1 import cart_service_pb2 as api
from kontor.catalog.v1 import catalog_pb2

from server.db.statement import count_statements
from server.features.cart.rules import LIFETIME
from tests.factories import MadeProduct, VariantPlan, execute, make_product, make_tax_rate
from tests.rpc.cart.conftest import Buyer
from tests.shop import refusal


async def test_is_empty_before_anything_is_put_in(guest: Buyer, user: Buyer) -> None:
    for buyer, email, missing in ((guest, "", ["items", "email"]), (user, "ada@shop.example", ["items"])):
        cart = await buyer.get()

        assert (cart.id, list(cart.items), cart.currency_code, cart.email) == ("", [], "EUR", email)
        assert list(cart.missing) == missing
        assert (cart.totals.total.amount_minor, cart.totals.total.currency_code) == (0, "EUR")


async def test_shows_lines_and_totals(guest: Buyer, shirt: MadeProduct) -> None:
    await guest.add(shirt, 2)
    await guest.add(shirt, 1, at=1)

    cart = await guest.get()

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
    assert cart.expire_time.ToDatetime(guest.app.core.clock.now().tzinfo) == guest.app.core.clock.now() + LIFETIME


async def test_taxes_where_the_parcel_goes(guest: Buyer, shirt: MadeProduct) -> None:
    await make_tax_rate(guest.db, "US", 40_000, name="NY sales tax 4%", region="NY", included=False)
    await guest.add(shirt)

    at_home = await guest.set_addresses(region_code="US", administrative_area="ny")
    elsewhere = await guest.set_addresses(region_code="US", administrative_area="OR")

    assert (at_home.totals.tax.amount_minor, at_home.totals.total.amount_minor) == (48, 1238)
    assert at_home.totals.included_tax.amount_minor == 0
    assert at_home.items[0].total.amount_minor == 1238
    assert (elsewhere.totals.tax.amount_minor, elsewhere.totals.total.amount_minor) == (0, 1190)


async def test_counts_nothing_for_what_cannot_be_bought_any_more(guest: Buyer, shirt: MadeProduct) -> None:
    await guest.add(shirt, 2)
    await guest.add(shirt, 1, at=1)
    async with guest.db.write() as tx:
        await execute(tx, "UPDATE variants SET active = false WHERE id = %s", (shirt.variants[0].id,))

    cart = await guest.get()

    assert [item.purchasable for item in cart.items] == [False, True]
    assert cart.items[0].total.amount_minor == 0
    assert not cart.items[0].availability.in_stock
    assert cart.totals.total.amount_minor == 2380


async def test_says_when_fewer_are_left_than_lie_in_it(guest: Buyer, shirt: MadeProduct) -> None:
    await guest.add(shirt, 3, at=1)
    async with guest.db.write() as tx:
        await execute(tx, "UPDATE stock_items SET on_hand = 2 WHERE variant_id = %s", (shirt.variants[1].id,))

    [item] = (await guest.get()).items

    assert item.availability == catalog_pb2.Availability(in_stock=False, available_count=2)
    assert item.purchasable


async def test_needs_no_address_for_what_is_not_sent(guest: Buyer) -> None:
    download = await make_product(guest.db, variants=[VariantPlan(requires_shipping=False, stock=None)])

    cart = await guest.add(download)

    assert list(cart.missing) == ["email"]
    assert cart.items[0].availability == catalog_pb2.Availability(in_stock=True)


async def test_belongs_to_its_owner_alone(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    await user.add(shirt)
    mine = await guest.add(shirt, 2)
    stranger = Buyer(guest.client, guest.app)

    assert (await stranger.get()).id == ""
    assert (await guest.get()).id == mine.id
    assert (await user.get()).items[0].quantity == 1


async def test_is_empty_after_the_order(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    await user.add(shirt)
    await guest.add(shirt)
    await user.close()

    assert (await user.get()).id == ""
    assert (await guest.get()).id == ""


async def test_refuses_a_forged_token(guest: Buyer, shirt: MadeProduct) -> None:
    await guest.add(shirt)
    guest.token = guest.token[:-1] + ("A" if guest.token[-1] != "A" else "B")

    refused = await refusal(guest.client.cart.GetCart(api.GetCartRequest(), metadata=guest.metadata))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CART_TOKEN_INVALID")


async def test_runs_at_most_two_statements(guest: Buyer, user: Buyer, shirt: MadeProduct) -> None:
    counts = []
    for buyer in (guest, user):
        for filled in (False, True):
            if filled:
                await buyer.add(shirt)
                await buyer.add(shirt, at=1)
            with count_statements() as log:
                assert isinstance(await buyer.get(), cart_pb2.Cart)
            counts.append(len(log))

    # A user without a cart still has an address.
    assert counts == [0, 1, 2, 1]
