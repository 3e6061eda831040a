"""The running shop as the tests see it."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import grpc
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.message import Message
from kontor.orders.v1 import orders_pb2, orders_service_pb2
from kontor.payments.v1 import payments_service_pb2
from kontor.users.v1 import users_service_pb2

from server.app import App
from server.db.session import Database
from server.features.catalog.importing.service import import_products
from server.features.inventory.service import create_stock
from server.features.pricing.service import ensure_defaults
from server.features.users.tables import Users
from server.kernel.actor import NO_PERMISSIONS, Permission, Role
from server.kernel.ids import UserId, new_id
from tests.world import goods, looking
from tests.world.clock import ManualClock
from tests.world.files import make_row, parse
from tests.world.goods import Product, Variant
from tests.world.looking import insert_row
from tests.world.mailbox import Mailbox, code_in
from tests.world.people import EMAIL, PASSWORD, Entrance, Person
from tests.world.stripe import StripeStandIn
from tests.world.work import Work


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[grpc.aio.Channel]:
    """Serve a shop on a free port, and open a channel to it."""
    server = app.server("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel
    await server.stop(0)


@dataclass
class Shop:
    """A shop, wired as in production; only its clock, its mail server and its Stripe are ours."""

    app: App
    channel: grpc.aio.Channel
    clock: ManualClock
    mailbox: Mailbox
    stripe: StripeStandIn
    work: Work
    # Ids of what is on the shelves, by SKU.
    variants: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        core = self.app.core
        self.entrance = Entrance(self.channel, core.access_tokens, core.cart_tokens, self.variants)
        self._earlier_intents = len(self.stripe.intents)

    @property
    def db(self) -> Database:
        """Its database."""
        return self.app.core.db

    # Goods.

    async def open(self) -> None:
        """Sell `shirt` (20.00), `mug` (8.50), `poster` (12.00, one left) and the digital `pattern`, taxed and sent."""
        async with self.db.write() as tx:
            await ensure_defaults(tx)
        await self.shelve("Shirt")
        await self.shelve("Mug", price=850)
        await self.shelve("Poster", price=1200, stock=1)
        await self.shelve("Pattern", price=500, stock=None, requires_shipping=False)

    async def shelve(self, title: str = "Linen Shirt", **plan: Any) -> Product:
        """Put a product on the shelves: see `goods.shelve`."""
        product = await goods.shelve(self.db, title, **plan)
        self.variants.update({variant.sku: variant.name for variant in product.variants})
        return product

    async def import_goods(self, **cells: str) -> None:
        """Bring one row of a file in, as shops do: every process hears of what it makes or changes."""
        report = await import_products(self.db, parse(make_row(**cells)), keep_stock=create_stock, clock=self.clock)
        assert not report.errors
        for variant_id, sku in await self.run("SELECT id, sku FROM variants WHERE sku <> ''"):
            self.variants[sku] = Variant(variant_id, sku).name

    # People.

    def guest(self, cart_id: UUID | None = None) -> Person:
        """Somebody without an account, with that cart or nothing at all."""
        return self.entrance.guest(cart_id)

    async def customer(self) -> Person:
        """Somebody with an account, signed in."""
        return await self.sign_in(Role.CUSTOMER)

    async def vendor(self) -> Person:
        """Somebody who sells here, signed in."""
        return await self.sign_in(Role.VENDOR)

    async def admin(self) -> Person:
        """An administrator, signed in."""
        return await self.sign_in(Role.ADMIN)

    async def staff(self, *permissions: Permission) -> Person:
        """Somebody who works here and may do that much, signed in."""
        return await self.sign_in(Role.STAFF, permissions)

    async def sign_in(self, role: Role, permissions: Collection[Permission] = NO_PERMISSIONS) -> Person:
        """Make a verified account without a password that anybody knows, and sign it in."""
        user_id, now = UserId(new_id()), self.clock.now()
        email = f"{user_id}@customer.example"
        async with self.db.write() as tx:
            await insert_row(
                tx,
                Users,
                id=user_id,
                email=email,
                password_hash="none",
                display_name="Ada Byron",
                role=role.value,
                permissions=[permission.value for permission in permissions],
                email_verified_time=now,
                created_time=now,
                updated_time=now,
            )
        return self.entrance.account(role, permissions, user_id=user_id, email=email)

    async def join(self, email: str = EMAIL, password: str = PASSWORD) -> UserId:
        """Let somebody make an account the way people do: by registering, and with the code of the mail."""
        guest = self.guest()
        await guest.register(email, password)
        await guest.verify(await self.mailed_code(), password)
        [(user_id,)] = await self.run("SELECT id FROM users WHERE email = %s", email)
        return UserId(user_id)

    async def mailed_code(self) -> str:
        """Return the code in the latest mail."""
        await self.work()
        return code_in(self.mailbox.mails[-1])

    def holder(self, tokens: users_service_pb2.Tokens) -> Person:
        """Whoever holds the tokens of a login."""
        guest = self.guest()
        guest.access_token = tokens.access_token
        return guest

    def call(self, request: Message, **headers: str) -> grpc.aio.UnaryUnaryCall[Any, Any]:
        """Call as somebody of whom nobody knows anything."""
        return self.guest().call(request, **headers)

    # Money.

    @property
    def made_intents(self) -> int:
        """How many intents this shop made at Stripe."""
        return len(self.stripe.intents) - self._earlier_intents

    async def pay(self, placed: orders_service_pb2.PlaceOrderResponse) -> None:
        """Let the buyer pay, and let the shop hear of it."""
        self.stripe.pay(placed.payment.provider_reference)
        await self.announce(placed.payment.provider_reference)
        await self.work()

    async def sell(self, buyer: Person, *skus: str) -> orders_pb2.Order:
        """Let somebody buy one of each and pay; return the order."""
        placed = await buyer.buy(*skus)
        await self.pay(placed)
        return await buyer.order(placed.order.id)

    async def announce(self, reference: str, event_id: str | None = None) -> None:
        """Let Stripe announce that an intent is paid."""
        body = self.stripe.announcement(reference, event_id or f"evt_{uuid4().hex}")
        request = payments_service_pb2.HandleStripeEventRequest(event=HttpBody(data=body))
        await self.call(request, stripe_signature=self.stripe.sign(body))

    # What is behind its back.

    async def run(self, sql: str, *params: Any) -> list[Any]:
        """Look into the database, or change it."""
        return await looking.run(self.db, sql, *params)

    async def count(self, table: str) -> int:
        """Count the rows of a table."""
        return await looking.count(self.db, table)

    async def stock(self, sku: str) -> tuple[int, int]:
        """Return how many units of something are on hand and reserved."""
        [(on_hand, reserved)] = await self.run(
            "SELECT on_hand, reserved FROM stock_items s JOIN variants v ON v.id = s.variant_id WHERE v.sku = %s", sku
        )
        return int(on_hand), int(reserved)

    async def check_ledger(self) -> None:
        """Assert that every counter of stock is what its ledger sums to, and what the reservations say."""
        await looking.check_ledger(self.db)

    async def fingerprint(self) -> dict[str, tuple[int, int]]:
        """Return the number of rows of each table and a sum over what is in them."""
        return await looking.fingerprint(self.db)
