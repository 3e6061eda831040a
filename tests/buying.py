"""What tests of purchases do all the time: a shop with goods in it, and people who buy them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from google.api.httpbody_pb2 import HttpBody
from kontor.cart.v1 import cart_pb2, cart_service_pb2
from kontor.catalog.v1 import catalog_pb2, catalog_service_pb2
from kontor.orders.v1 import orders_pb2, orders_service_pb2
from kontor.payments.v1 import payments_pb2, payments_service_pb2
from kontor.type.v1 import postal_address_pb2

from server.app import App
from server.features.catalog.importing.service import import_products
from server.features.catalog.importing.shopify import parse_products
from server.features.inventory import service as inventory
from server.features.pricing.service import ensure_defaults
from server.kernel.actor import NO_PERMISSIONS, Permission, Role
from server.kernel.ids import SessionId, UserId, new_id
from tests.factories import execute
from tests.fakes import StripeStandIn
from tests.shop import Clients, ManualClock, Work

Metadata = tuple[tuple[str, str], ...]

BERLIN = postal_address_pb2.PostalAddress(
    recipient="Ada Lovelace",
    address_lines=["Rosenstraße 12"],
    postal_code="10178",
    locality="Berlin",
    region_code="DE",
)
_HEADER = (
    "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Tracker,"
    "Variant Inventory Qty,Variant Inventory Policy,Variant Requires Shipping,Price / USD"
)


@dataclass(frozen=True)
class Goods:
    """One line of the test catalog; quantity None: not counted."""

    sku: str
    price: str = "20.00"
    quantity: int | None = 10
    requires_shipping: bool = True
    backorder: bool = False


@dataclass
class Buyer:
    """Somebody who buys: a guest until it has a token of an account."""

    shop: "Bazaar"
    metadata: Metadata = ()
    variants: list[str] = field(default_factory=list)

    async def add(self, sku: str, quantity: int = 1) -> cart_pb2.Cart:
        """Put something into the cart; a guest gets a token on the way."""
        request = cart_service_pb2.AddItemRequest(variant_id=self.shop.variants[sku], quantity=quantity)
        cart = await self.shop.client.cart.AddItem(request, metadata=self.metadata)
        if cart.token:
            self.metadata = (("x-cart-token", cart.token),)
        return cart

    async def check_out(self) -> cart_pb2.Cart:
        """Say everything that an order needs; return the cart."""
        carts = self.shop.client.cart
        email = cart_service_pb2.SetEmailRequest(email="ada@customer.example")
        await carts.SetEmail(email, metadata=self.metadata)
        addresses = cart_service_pb2.SetAddressesRequest(shipping_address=BERLIN)
        cart = await carts.SetAddresses(addresses, metadata=self.metadata)
        if "shipping_method" not in cart.missing:
            return cart
        offered = await carts.ListShippingMethods(cart_service_pb2.ListShippingMethodsRequest(), metadata=self.metadata)
        choice = cart_service_pb2.SetShippingMethodRequest(shipping_method_id=offered.shipping_methods[0].id)
        return await carts.SetShippingMethod(choice, metadata=self.metadata)

    async def fill(self, *skus: str) -> orders_service_pb2.PlaceOrderRequest:
        """Fill a cart with one of each and check out; return the request that places the order."""
        for sku in skus:
            await self.add(sku)
        return request_of(await self.check_out())

    async def place(self, request: orders_service_pb2.PlaceOrderRequest) -> orders_service_pb2.PlaceOrderResponse:
        """Place the order."""
        return await self.shop.client.orders.PlaceOrder(request, metadata=self.metadata)

    async def order(self, order_id: str) -> orders_pb2.Order:
        """Look at an order."""
        request = orders_service_pb2.GetOrderRequest(order_id=order_id)
        return await self.shop.client.orders.GetOrder(request, metadata=self.metadata)

    async def timeline(self, order_id: str) -> list[orders_pb2.TimelineEntry]:
        """Look at what happened to an order."""
        request = orders_service_pb2.ListTimelineRequest(order_id=order_id)
        answer = await self.shop.client.orders.ListTimeline(request, metadata=self.metadata)
        return list(answer.entries)


@dataclass
class Bazaar:
    """A shop with goods, taxes and shipping."""

    app: App
    client: Clients
    clock: ManualClock
    stripe: StripeStandIn
    work: Work
    # Variant ids by SKU.
    variants: dict[str, str] = field(default_factory=dict)
    # How many intents Stripe had before.
    earlier_intents: int = 0

    @property
    def made_intents(self) -> int:
        """How many intents this shop made at Stripe."""
        return len(self.stripe.intents) - self.earlier_intents

    async def stock_up(self, *goods: Goods) -> None:
        """Put goods on the shelves."""
        rows = [_HEADER, *(_row(one) for one in goods)]
        file = parse_products("\n".join(rows).encode(), default_currency="EUR")
        db = self.app.core.db
        report = await import_products(db, file, keep_stock=inventory.create_stock, clock=self.clock)
        assert not report.errors
        for one in goods:
            self.variants[one.sku] = (await self.product(one.sku)).variants[0].id

    async def product(self, slug: str) -> catalog_pb2.Product:
        """Look at a product."""
        return await self.client.catalog.GetProduct(catalog_service_pb2.GetProductRequest(product_id=slug))

    def guest(self) -> Buyer:
        """Somebody without an account."""
        return Buyer(self)

    async def user(self, role: Role = Role.CUSTOMER) -> Buyer:
        """Somebody with an account, signed in."""
        return Buyer(self, await self.sign_in(role))

    async def sign_in(
        self, role: Role = Role.CUSTOMER, permissions: Collection[Permission] = NO_PERMISSIONS
    ) -> Metadata:
        """Make an account and return what its calls carry."""
        user_id = new_id()
        await self.run(
            "INSERT INTO users (id, email, password_hash, role, permissions, created_time, updated_time)"
            " VALUES (%s, %s, 'none', %s, %s, now(), now())",
            user_id,
            f"{user_id}@customer.example",
            role.value,
            [permission.value for permission in permissions],
        )
        tokens, ttl = self.app.core.access_tokens, self.app.core.settings.access_token_ttl
        token = tokens.issue(UserId(user_id), role, SessionId(new_id()), ttl, permissions=permissions)
        return (("authorization", f"Bearer {token}"),)

    async def pay(self, placed: orders_service_pb2.PlaceOrderResponse) -> None:
        """Let the buyer pay, and let the shop hear of it."""
        self.stripe.pay(placed.payment.provider_reference)
        await self.announce(placed.payment.provider_reference)
        await self.work()

    async def announce(self, reference: str, event_id: str | None = None) -> None:
        """Let Stripe announce the state of an intent."""
        body = self.stripe.event(
            "payment_intent.succeeded", self.stripe.intents[reference], event_id or f"evt_{uuid4().hex}"
        )
        request = payments_service_pb2.HandleStripeEventRequest(event=HttpBody(data=body))
        signature = self.stripe.sign(body, "whsec_test")
        await self.client.payments.HandleStripeEvent(request, metadata=(("stripe-signature", signature),))

    async def run(self, sql: str, *params: Any) -> list[Any]:
        """Look into the database, or change it behind the shop's back."""
        async with self.app.core.db.read() as tx:
            cursor = await execute(tx, sql, params)
            return await cursor.fetchall() if cursor.description else []

    async def stock(self, sku: str) -> tuple[int, int]:
        """Return how many units of something are on hand and reserved."""
        [row] = await self.run(
            "SELECT on_hand, reserved FROM stock_items s JOIN variants v ON v.id = s.variant_id WHERE v.sku = %s", sku
        )
        return int(row[0]), int(row[1])

    async def check_ledger(self) -> None:
        """Assert that every counter is what its ledger sums to, and what the reservations say."""
        wrong: Sequence[Any] = await self.run(
            """
            SELECT s.id FROM stock_items s
            WHERE s.on_hand < 0 OR s.reserved < 0
            OR s.on_hand <> (SELECT coalesce(sum(on_hand_delta), 0) FROM stock_movements WHERE stock_id = s.id)
            OR s.reserved <> (SELECT coalesce(sum(reserved_delta), 0) FROM stock_movements WHERE stock_id = s.id)
            OR s.reserved <> (
                SELECT coalesce(sum(quantity), 0) FROM reservations
                WHERE stock_id = s.id AND status IN ('HELD', 'COMMITTED'))
            """
        )
        assert wrong == []


def request_of(
    cart: cart_pb2.Cart,
    provider: payments_pb2.Payment.Provider.ValueType = payments_pb2.Payment.STRIPE,
    key: UUID | None = None,
) -> orders_service_pb2.PlaceOrderRequest:
    """Make the request that places a cart."""
    return orders_service_pb2.PlaceOrderRequest(
        expected_total=cart.totals.total, payment_provider=provider, request_id=str(key or uuid4())
    )


def _row(one: Goods) -> str:
    tracker = "" if one.quantity is None else "kontor"
    quantity = "" if one.quantity is None else str(one.quantity)
    policy = "continue" if one.backorder else "deny"
    return (
        f"{one.sku},{one.sku.title()},Title,Default Title,{one.sku},{one.price},{tracker},{quantity},{policy},"
        f"{str(one.requires_shipping).lower()},25.00"
    )


async def open_bazaar(app: App, client: Clients, clock: ManualClock, stripe: StripeStandIn, work: Work) -> Bazaar:
    """Open a shop that sells `shirt` (20.00), `mug` (8.50), `poster` (12.00, one left) and the digital `pattern`."""
    bazaar = Bazaar(app, client, clock, stripe, work, earlier_intents=len(stripe.intents))
    async with app.core.db.write() as tx:
        await ensure_defaults(tx)
    await bazaar.stock_up(
        Goods("shirt"),
        Goods("mug", "8.50"),
        Goods("poster", "12.00", quantity=1),
        Goods("pattern", "5.00", quantity=None, requires_shipping=False),
    )
    return bazaar
