"""Carts as a client and as the database see them."""

from typing import Any

from kontor.cart.v1 import cart_pb2

from tests.world.shop import Shop


def lines(cart: cart_pb2.Cart) -> dict[str, int]:
    """Return how many of each variant are in a cart."""
    return {item.variant_id: item.quantity for item in cart.items}


async def stored(shop: Shop) -> list[Any]:
    """Return everything that the shop keeps of carts, but for the times of their last change."""
    return await shop.run(
        "SELECT c.id, c.status, c.currency, c.email, c.shipping_address, c.shipping_method_id, i.variant_id, "
        "i.quantity FROM carts c LEFT JOIN cart_items i ON i.cart_id = c.id ORDER BY c.id, i.id"
    )


async def order(shop: Shop) -> None:
    """Order what is in the carts, as far as they know of it."""
    await shop.run("UPDATE carts SET status = 'ORDERED' WHERE status = 'OPEN'")
