"""The people of a shop, what they carry, and what they do."""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import grpc
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.message import Message
from kontor.cart.v1 import cart_pb2
from kontor.cart.v1 import cart_service_pb2 as carts
from kontor.inventory.v1 import inventory_pb2
from kontor.inventory.v1 import inventory_service_pb2 as inventory
from kontor.orders.v1 import orders_pb2
from kontor.orders.v1 import orders_service_pb2 as orders
from kontor.payments.v1 import payments_pb2
from kontor.payments.v1 import payments_service_pb2 as payments
from kontor.type.v1 import postal_address_pb2
from kontor.users.v1 import users_service_pb2 as users

from server.kernel.actor import NO_PERMISSIONS, Permission, Role
from server.kernel.ids import CartId, SessionId, UserId, new_id
from server.rpc.auth import AccessTokens, CartTokens
from tests.world.goods import Product, Variant
from tests.world.rpcs import Metadata, call

Provider: TypeAlias = payments_pb2.Payment.Provider.ValueType
STRIPE, MANUAL = payments_pb2.Payment.STRIPE, payments_pb2.Payment.MANUAL

EMAIL = "ada@customer.example"
PASSWORD = "violet harbour 93 teapot"
OTHER_PASSWORD = "granite owl 17 ladder"
BERLIN = postal_address_pb2.PostalAddress(
    recipient="Ada Byron",
    address_lines=["Rosenstraße 12"],
    postal_code="10178",
    locality="Berlin",
    region_code="DE",
)


@dataclass
class Person:
    """Somebody who calls: a guest, until it has the token of an account. A guest keeps its cart's token."""

    channel: grpc.aio.Channel = field(repr=False)
    access_token: str = field(default="", repr=False)
    cart_token: str = field(default="", repr=False)
    # What its browser asks for, as a header says it.
    language: str = ""
    # Of its account.
    id: UserId | None = None
    email: str = ""
    # Ids of what is on the shelves, by SKU.
    variants: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def metadata(self) -> Metadata:
        """What its calls carry."""
        bearer = (("authorization", f"Bearer {self.access_token}"),) if self.access_token else ()
        cart = (("x-cart-token", self.cart_token),) if self.cart_token else ()
        return (*bearer, *cart, ("accept-language", self.language)) if self.language else (*bearer, *cart)

    def call(self, request: Message, **headers: str) -> grpc.aio.UnaryUnaryCall[Any, Any]:
        """Call the RPC that takes such a request; underscores in the names of headers are hyphens."""
        more = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return call(self.channel, request, (*self.metadata, *more))

    def through(self, channel: grpc.aio.Channel) -> "Person":
        """Return the same person as a caller of another process of the shop."""
        return replace(self, channel=channel)

    # Buying.

    async def add(self, goods: str | Product | Variant, quantity: int = 1, **fields: Any) -> cart_pb2.Cart:
        """Put something into the cart: what has the SKU, or the first variant of the product."""
        variant_id = self.variants[goods] if isinstance(goods, str) else goods.variant.name
        cart: cart_pb2.Cart = await self.call(carts.AddItemRequest(variant_id=variant_id, quantity=quantity, **fields))
        self.cart_token = cart.token or self.cart_token
        return cart

    def cart(self) -> Awaitable[cart_pb2.Cart]:
        """Look into the cart."""
        return self.call(carts.GetCartRequest())

    def update(self, item_id: str, quantity: int) -> Awaitable[cart_pb2.Cart]:
        """Want another number of something."""
        return self.call(carts.UpdateItemRequest(item_id=item_id, quantity=quantity))

    def remove(self, item_id: str) -> Awaitable[cart_pb2.Cart]:
        """Take something out of the cart."""
        return self.call(carts.RemoveItemRequest(item_id=item_id))

    def merge(self, cart_token: str) -> Awaitable[cart_pb2.Cart]:
        """Take a guest's cart over."""
        return self.call(carts.MergeCartRequest(cart_token=cart_token))

    def set_email(self, email: str = EMAIL) -> Awaitable[cart_pb2.Cart]:
        """Say where news of the order go."""
        return self.call(carts.SetEmailRequest(email=email))

    def set_addresses(self, billing: Mapping[str, Any] | None = None, **changes: Any) -> Awaitable[cart_pb2.Cart]:
        """Say where the parcel goes, and the invoice; both are in Berlin but for the changes."""
        return self.call(
            carts.SetAddressesRequest(
                shipping_address=address(**changes), billing_address=None if billing is None else address(**billing)
            )
        )

    async def list_shipping_methods(self) -> Sequence[cart_pb2.ShippingMethod]:
        """Ask how it can be sent."""
        answer: carts.ListShippingMethodsResponse = await self.call(carts.ListShippingMethodsRequest())
        return answer.shipping_methods

    def set_shipping_method(self, method_id: str) -> Awaitable[cart_pb2.Cart]:
        """Choose how it is sent."""
        return self.call(carts.SetShippingMethodRequest(shipping_method_id=method_id))

    async def check_out(self) -> cart_pb2.Cart:
        """Say everything that an order needs; return the cart."""
        await self.set_email()
        cart = await self.set_addresses()
        if "shipping_method" not in cart.missing:
            return cart
        return await self.set_shipping_method((await self.list_shipping_methods())[0].id)

    async def fill(self, *skus: str, provider: Provider = STRIPE) -> orders.PlaceOrderRequest:
        """Fill a cart with one of each and check out; return the request that places the order."""
        for sku in skus:
            await self.add(sku)
        return placing(await self.check_out(), provider)

    def place(self, request: orders.PlaceOrderRequest) -> Awaitable[orders.PlaceOrderResponse]:
        """Place the order."""
        return self.call(request)

    async def buy(self, *skus: str, provider: Provider = STRIPE) -> orders.PlaceOrderResponse:
        """Fill a cart with one of each, check out, and place the order."""
        return await self.place(await self.fill(*skus, provider=provider))

    def confirm(self, payment_id: str) -> Awaitable[payments_pb2.Payment]:
        """Come back from the provider's page."""
        return self.call(payments.ConfirmPaymentRequest(payment_id=payment_id))

    # Looking at what was bought.

    def payment(self, payment_id: str) -> Awaitable[payments_pb2.Payment]:
        """Look at a payment."""
        return self.call(payments.GetPaymentRequest(payment_id=payment_id))

    def order(self, order_id: str) -> Awaitable[orders_pb2.Order]:
        """Look at an order."""
        return self.call(orders.GetOrderRequest(order_id=order_id))

    def list_orders(self, **fields: Any) -> Awaitable[orders.ListOrdersResponse]:
        """Look at a page of the own orders."""
        return self.call(orders.ListOrdersRequest(**fields))

    async def timeline(self, order_id: str) -> Sequence[orders_pb2.TimelineEntry]:
        """Look at what happened to an order."""
        answer: orders.ListTimelineResponse = await self.call(orders.ListTimelineRequest(order_id=order_id))
        return answer.entries

    def invoice(self, order_id: str) -> Awaitable[HttpBody]:
        """Get the invoice."""
        return self.call(orders.GetInvoiceRequest(order_id=order_id))

    # Having an account.

    def register(self, email: str = EMAIL, password: str = PASSWORD) -> Awaitable[users.RegisterResponse]:
        """Ask for an account."""
        return self.call(users.RegisterRequest(email=email, password=password, display_name="Ada Byron"))

    def verify(self, code: str, password: str = PASSWORD) -> Awaitable[users.VerifyEmailResponse]:
        """Type in the code of the mail."""
        return self.call(users.VerifyEmailRequest(token=code, password=password))

    def log_in(
        self, email: str = EMAIL, password: str = PASSWORD, *, address: str = "203.0.113.7"
    ) -> Awaitable[users.LoginResponse]:
        """Log in from an address of the network."""
        return self.call(users.LoginRequest(email=email, password=password), x_forwarded_for=address)

    # Working for the shop.

    def pack(self, order_id: str, **lines: int) -> Awaitable[orders_pb2.Fulfillment]:
        """Pack a parcel: so many of each line, or everything that is left."""
        return self.call(
            orders.CreateFulfillmentRequest(
                order_id=order_id,
                lines=[orders_pb2.FulfillmentLine(line_id=line, quantity=quantity) for line, quantity in lines.items()],
            )
        )

    def ship(self, order_id: str, parcel_id: str) -> Awaitable[orders_pb2.Order]:
        """Send a parcel off."""
        return self.call(
            orders.ShipFulfillmentRequest(
                order_id=order_id, fulfillment_id=parcel_id, carrier="DHL", tracking_number="JJD0001"
            )
        )

    def adjust(self, sku: str, delta: int) -> Awaitable[inventory_pb2.Stock]:
        """Count more or fewer of something."""
        return self.call(
            inventory.AdjustStockRequest(variant_id=self.variants[sku], delta_count=delta, reason="counted")
        )

    def record(self, payment: payments_pb2.Payment) -> Awaitable[payments_pb2.Payment]:
        """Record that the money of a bank transfer came."""
        return self.call(
            payments.RecordManualPaymentRequest(payment_id=payment.id, amount=payment.amount, reference="statement 7")
        )


@dataclass(frozen=True)
class Entrance:
    """Where people come in: a server, and what signs their tokens."""

    channel: grpc.aio.Channel
    access_tokens: AccessTokens
    cart_tokens: CartTokens
    variants: Mapping[str, str] = field(default_factory=dict)

    def guest(self, cart_id: UUID | None = None) -> Person:
        """Let somebody in without an account, who has a cart or nothing at all."""
        token = self.cart_tokens.issue(CartId(cart_id)) if cart_id else ""
        return Person(self.channel, cart_token=token, variants=self.variants)

    def account(
        self,
        role: Role = Role.CUSTOMER,
        permissions: Collection[Permission] = NO_PERMISSIONS,
        *,
        user_id: UserId | None = None,
        email: str = "",
    ) -> Person:
        """Sign an account in; whether the database knows of it is the caller's affair."""
        user_id, session_id = user_id or UserId(new_id()), SessionId(new_id())
        token = self.access_tokens.issue(user_id, role, session_id, timedelta(minutes=15), permissions=permissions)
        return Person(self.channel, access_token=token, id=user_id, email=email, variants=self.variants)


def address(**changes: Any) -> postal_address_pb2.PostalAddress:
    """Return Ada's address in Berlin, but for the changes."""
    changed = postal_address_pb2.PostalAddress()
    changed.CopyFrom(BERLIN)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def placing(cart: cart_pb2.Cart, provider: Provider = STRIPE) -> orders.PlaceOrderRequest:
    """Make the request that places a cart, with a key of its own."""
    return orders.PlaceOrderRequest(
        expected_total=cart.totals.total, payment_provider=provider, request_id=str(uuid4())
    )
