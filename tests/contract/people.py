"""A shop in which everybody has something, and somebody of every kind who may want something of it."""

from dataclasses import dataclass
from uuid import uuid4

from kontor.cart.v1 import cart_pb2
from kontor.orders.v1 import orders_pb2, orders_service_pb2

from server.kernel.actor import NO_PERMISSIONS, Permission
from tests.world.people import MANUAL, PASSWORD, Person
from tests.world.shop import Shop

# The order counts: those who may do the least come first, and the owner, after whom nothing is as before, last. Of the
# three who are STAFF, `staff` has no permission, `colleague` every one but that of the RPC, and `clerk` only that.
ACTORS = ("anonymous", "guest", "stranger", "vendor", "staff", "colleague", "clerk", "admin", "owner")


@dataclass(frozen=True)
class People:
    """The owner has a cart that is ready to be placed, a paid and packed order, and one that waits for cash."""

    shop: Shop
    callers: dict[str, Person]
    cart: cart_pb2.Cart
    paid: orders_pb2.Order
    parcel: orders_pb2.Fulfillment
    waiting: orders_service_pb2.PlaceOrderResponse
    # Of another guest than the one who calls.
    cart_token: str


async def make_people(shop: Shop, permission: Permission | None) -> People:
    """Make them the way people do, for an RPC with this permission."""
    own = NO_PERMISSIONS if permission is None else frozenset({permission})
    owner, guest, other = await shop.customer(), shop.guest(), shop.guest()
    stranger, vendor, admin = await shop.customer(), await shop.vendor(), await shop.admin()
    paid = await owner.buy("shirt", "mug")
    await shop.pay(paid)
    parcel = await admin.pack(paid.order.id, **{paid.order.lines[0].id: 1})
    waiting = await owner.buy("mug", provider=MANUAL)
    await owner.add("shirt")
    cart = await owner.check_out()
    await guest.add("mug")
    await other.add("pattern")
    # What all this caused is done, so that whatever changes from now on was caused by a call.
    await shop.work()
    callers = {
        "anonymous": shop.guest(),
        "guest": guest,
        "stranger": stranger,
        "vendor": vendor,
        "staff": await shop.staff(),
        "colleague": await shop.staff(*(frozenset(Permission) - own)),
        "clerk": await shop.staff(*own),
        "admin": admin,
        "owner": owner,
    }
    return People(shop, callers, cart, paid.order, parcel, waiting, other.cart_token)


async def registered(people: People) -> str:
    """Make a verified account with the known password; return its address."""
    email = f"{uuid4()}@customer.example"
    await people.shop.join(email, PASSWORD)
    return email
