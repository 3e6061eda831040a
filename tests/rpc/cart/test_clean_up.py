"""The job that throws old carts away, and forgets what was in others."""

from datetime import timedelta

from server.kernel.ids import CART
from tests.rpc.cart.carts import order
from tests.world.goods import Product
from tests.world.people import Person
from tests.world.pricing import make_shipping_method
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_throws_away_what_nobody_touches(shop: Shop, guest: Person, shirt: Product) -> None:
    await guest.add(shirt)
    shop.clock.advance(timedelta(days=1))
    kept = await shop.guest().add(shirt)
    shop.clock.advance(timedelta(days=29))

    assert await shop.app.cart.carts.delete_expired() == 1

    assert await shop.run("SELECT id FROM carts") == [(CART.read(kept.id, "id"),)]


async def test_forgets_what_was_ordered_or_merged_long_ago(
    shop: Shop, guest: Person, customer: Person, shirt: Product
) -> None:
    await make_shipping_method(shop.db)
    merged = shop.guest()
    await merged.add(shirt)
    await customer.merge(merged.cart_token)
    for buyer in (guest, customer):
        await buyer.add(shirt)
        await buyer.set_addresses()
        await buyer.set_shipping_method((await buyer.list_shipping_methods())[0].id)
        await buyer.set_email("a@b.example")
        await order(shop)
    await customer.add(shirt)
    carts = shop.app.cart.carts

    shop.clock.advance(timedelta(days=89))
    await carts.forget_closed()
    assert await shop.run("SELECT status FROM carts ORDER BY 1") == [
        ("MERGED",),
        ("OPEN",),
        ("ORDERED",),
        ("ORDERED",),
        ("ORDERED",),
    ]
    shop.clock.advance(timedelta(days=1))
    await carts.forget_closed()

    kept = await shop.run(
        "SELECT status, email, shipping_address, billing_address, shipping_method_id,"
        " (SELECT count(*) FROM cart_items i WHERE i.cart_id = c.id) FROM carts c ORDER BY 1",
    )
    assert kept == [("FORGOTTEN", "", None, None, None, 0), ("OPEN", customer.email, None, None, None, 1)]
    # Its token opens no second cart of the same id: an order of it is there already.
    assert (await refusal(guest.add(shirt))).reason == "CART_CLOSED"
