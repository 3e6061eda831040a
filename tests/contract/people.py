"""A shop in which everybody has something, and somebody of every kind who may want something of it."""

from dataclasses import dataclass
from uuid import uuid4

from google.api.httpbody_pb2 import HttpBody
from kontor.cart.v1 import cart_pb2, cart_service_pb2
from kontor.orders.v1 import orders_pb2, orders_service_pb2
from kontor.payments.v1 import payments_pb2, payments_service_pb2

from server.kernel.actor import NO_PERMISSIONS, Permission, Role
from tests.buying import BERLIN, Bazaar, Buyer, Metadata, request_of

PASSWORD = "violet harbour 93 teapot"
# The order counts: those who may do the least come first, and the owner, after whom nothing is as before, last. Of the
# three who are STAFF, `staff` has no permission, `colleague` every one but that of the RPC, and `clerk` only that.
ACTORS = ("anonymous", "guest", "stranger", "vendor", "staff", "colleague", "clerk", "admin", "owner")


@dataclass(frozen=True)
class People:
    """The owner has a cart that is ready to be placed, a paid and packed order, and one that waits for cash."""

    bazaar: Bazaar
    tokens: dict[str, Metadata]
    owner: Buyer
    cart: cart_pb2.Cart
    paid: orders_pb2.Order
    parcel: orders_pb2.Fulfillment
    waiting: orders_service_pb2.PlaceOrderResponse
    # Of another guest than the one who calls.
    cart_token: str


async def make_people(bazaar: Bazaar, permission: Permission | None) -> People:
    """Make them the way people do, for an RPC with this permission."""
    owner, guest, other = await bazaar.user(), bazaar.guest(), bazaar.guest()
    own = NO_PERMISSIONS if permission is None else frozenset({permission})
    tokens: dict[str, Metadata] = {
        "anonymous": (),
        "stranger": await bazaar.sign_in(),
        "vendor": await bazaar.sign_in(Role.VENDOR),
        "staff": await bazaar.sign_in(Role.STAFF),
        "colleague": await bazaar.sign_in(Role.STAFF, frozenset(Permission) - own),
        "clerk": await bazaar.sign_in(Role.STAFF, own),
        "admin": await bazaar.sign_in(Role.ADMIN),
        "owner": owner.metadata,
    }
    paid = await owner.place(await owner.fill("shirt", "mug"))
    await bazaar.pay(paid)
    pack = orders_service_pb2.CreateFulfillmentRequest(
        order_id=paid.order.id,
        lines=[orders_pb2.FulfillmentLine(line_id=paid.order.lines[0].id, quantity=1)],
    )
    parcel = await bazaar.client.orders.CreateFulfillment(pack, metadata=tokens["admin"])
    await owner.add("mug")
    waiting = await owner.place(request_of(await owner.check_out(), payments_pb2.Payment.MANUAL))
    await owner.add("shirt")
    cart = await owner.check_out()
    await guest.add("mug")
    tokens["guest"] = guest.metadata
    await other.add("pattern")
    # What all this caused is done, so that whatever changes from now on was caused by a call.
    await bazaar.work()
    return People(bazaar, tokens, owner, cart, paid.order, parcel, waiting, other.metadata[0][1])


async def registered(people: People) -> str:
    """Make a verified account with the known password; return its address."""
    app = people.bazaar.app
    email = f"{uuid4()}@customer.example"
    await people.bazaar.run(
        "INSERT INTO users (id, email, password_hash, role, email_verified_time, created_time, updated_time)"
        " VALUES (uuidv7(), %s, %s, 'CUSTOMER', now(), now(), now())",
        email,
        await app.users.hasher.hash(PASSWORD),
    )
    return email


def unsigned_event() -> payments_service_pb2.HandleStripeEventRequest:
    """Make what nobody at Stripe has signed."""
    return payments_service_pb2.HandleStripeEventRequest(event=HttpBody(data=b'{"id": "evt_1"}'))


def placing(people: People) -> orders_service_pb2.PlaceOrderRequest:
    """Make the request that places the owner's cart."""
    return request_of(people.cart)


def addresses() -> cart_service_pb2.SetAddressesRequest:
    """Make a request with an address."""
    return cart_service_pb2.SetAddressesRequest(shipping_address=BERLIN)
