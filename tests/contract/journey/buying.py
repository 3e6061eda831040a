"""What buyers do in most chapters on their way to what the chapter is about; none of it is noted."""

from typing import Any, Final

from tests.contract.journey.walk import Person, Walk

BERLIN: Final = {
    "recipient": "Ada Lovelace",
    "address_lines": ["Rosenstraße 12"],
    "postal_code": "10178",
    "locality": "Berlin",
    "region_code": "DE",
}
SPRINGFIELD: Final = {
    "recipient": "Bob Kahn",
    "organization": "Packets Ltd.",
    "address_lines": ["742 Evergreen Terrace", "Flat 3"],
    "postal_code": "90210",
    "locality": "Springfield",
    "administrative_area": "CA",
    "region_code": "US",
    "phone_number": "+1 555 0100",
}


async def new_guest(walk: Walk, *skus: str, quantity: int = 1, name: str = "guest", **more: Any) -> Person:
    """Somebody without an account who has put things into a cart."""
    nobody = walk.person("nobody")
    cart = await nobody.quietly("AddItem", variant_id=walk.variants[skus[0]], quantity=quantity, **more)
    guest = walk.person(name, x_cart_token=cart.token)
    for sku in skus[1:]:
        await guest.quietly("AddItem", variant_id=walk.variants[sku], quantity=quantity)
    return guest


async def check_out(buyer: Person, address: Any = BERLIN, way: int = 0) -> Any:
    """Say everything that an order needs; return what places it, but for the key and the provider."""
    await buyer.quietly("SetEmail", email="buyer@customer.example")
    cart = await buyer.quietly("SetAddresses", shipping_address=address)
    if "shipping_method" in cart.missing:
        ways = await buyer.quietly("ListShippingMethods")
        cart = await buyer.quietly("SetShippingMethod", shipping_method_id=ways.shipping_methods[way].id)
    return {"expected_total": cart.totals.total}


async def order(buyer: Person, key: str, provider: str = "STRIPE", address: Any = BERLIN) -> Any:
    """Check out and place the order; return the answer."""
    wanted = await check_out(buyer, address)
    return await buyer.quietly("PlaceOrder", **wanted, payment_provider=provider, request_id=key)


async def paid_order(walk: Walk, buyer: Person, key: str, address: Any = BERLIN) -> Any:
    """Place an order and pay it; return it as it is then."""
    placed = await order(buyer, key, address=address)
    walk.shop.stripe.pay(placed.payment.provider_reference)
    await buyer.quietly("ConfirmPayment", payment_id=placed.payment.id)
    await walk.shop.work()
    walk.shop.mailbox.mails.clear()
    return await buyer.quietly("GetOrder", order_id=placed.order.id)


async def put_in(walk: Walk, buyer: Person, *skus: str, quantity: int = 1) -> None:
    """Put some of each into the cart."""
    for sku in skus:
        await buyer.quietly("AddItem", variant_id=walk.variants[sku], quantity=quantity)
