"""The composition root: the only module that knows every feature."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from types import ModuleType
from typing import Self

import procrastinate
from kontor.cart.v1 import cart_service_pb2
from kontor.catalog.v1 import catalog_service_pb2
from kontor.inventory.v1 import inventory_service_pb2
from kontor.orders.v1 import orders_service_pb2
from kontor.payments.v1 import payments_service_pb2
from kontor.users.v1 import users_service_pb2

from server.db.listen import Listener
from server.db.session import Database
from server.db.upkeep import register_upkeep
from server.features.cart import jobs as cart_jobs
from server.features.cart.service import CartService, CartSettings
from server.features.cart.servicer import CartServicer
from server.features.catalog.freshness_rules import outdated_tags
from server.features.catalog.servicer import CatalogServicer
from server.features.events.dispatch_service import Dispatcher
from server.features.events.follow_service import Follower
from server.features.events.queries import News
from server.features.inventory.service import InventoryService
from server.features.inventory.servicer import InventoryServicer
from server.features.orders import jobs as order_jobs
from server.features.orders.expiry_service import OrderExpiry
from server.features.orders.fulfillment.service import FulfillmentService
from server.features.orders.invoicing.service import Seller
from server.features.orders.placing.service import PlaceOrderService
from server.features.orders.service import OrderService
from server.features.orders.servicer import OrderServicer
from server.features.orders.settlement_service import OrderSettlement
from server.features.payments import jobs as payment_jobs
from server.features.payments.providers.stripe.gateway import StripeGateway
from server.features.payments.providers.stripe.webhook_gateway import StripeWebhooks
from server.features.payments.reconciliation_service import Reconciliation
from server.features.payments.rules import Provider
from server.features.payments.service import PaymentService
from server.features.payments.servicer import PaymentServicer
from server.features.payments.webhook_service import Webhooks
from server.features.users import jobs as user_jobs
from server.features.users.passwords.service import PasswordHasher
from server.features.users.service import AccountService
from server.features.users.servicer import UserServicer
from server.features.users.sessions.service import SessionService
from server.kernel.clock import Clock, SystemClock
from server.mail.gateway import Mailer, SmtpMailer
from server.rpc.auth import REVOKED_CHANNEL, AccessTokens, Authenticator, CartTokens, Revocations
from server.rpc.cache import ResponseCache
from server.rpc.chain import Chain, Service
from server.rpc.server import Server
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Core:
    """What every feature may be built from."""

    settings: Settings
    clock: Clock
    db: Database
    listener: Listener
    access_tokens: AccessTokens
    cart_tokens: CartTokens
    revocations: Revocations
    mailer: Mailer


class Features:
    """The services of every feature, each made when it is first asked for."""

    def __init__(self, core: Core) -> None:
        self._core = core
        settings = core.settings
        self._seller = Seller(settings.shop_name, settings.shop_address, settings.shop_vat_id)

    @cached_property
    def hasher(self) -> PasswordHasher:
        """What hashes passwords."""
        return PasswordHasher(threads=self._core.settings.password_threads)

    @cached_property
    def accounts(self) -> AccountService:
        """Accounts."""
        return AccountService(self._core.db, clock=self._core.clock, hasher=self.hasher)

    @cached_property
    def sessions(self) -> SessionService:
        """Logins."""
        return SessionService(
            self._core.db,
            clock=self._core.clock,
            hasher=self.hasher,
            issuer=self._core.access_tokens,
            access_ttl=self._core.settings.access_token_ttl,
            refresh_ttl=self._core.settings.refresh_token_ttl,
        )

    @cached_property
    def carts(self) -> CartService:
        """Carts."""
        settings = self._core.settings
        return CartService(
            self._core.db, self._core.clock, CartSettings(settings.default_currency, settings.default_country)
        )

    @cached_property
    def _stripe(self) -> StripeGateway | None:
        settings = self._core.settings
        key = settings.stripe_api_key.get_secret_value()
        return StripeGateway(key, api_url=settings.stripe_api_base) if key else None

    @cached_property
    def payments(self) -> PaymentService:
        """Payments, which tell orders of money."""
        return PaymentService(
            self._core.db,
            gateways={Provider.STRIPE: self._stripe} if self._stripe else {},
            manual=self._core.settings.bank_transfer_days > 0,
            settlement=OrderSettlement(self._core.clock, self._seller),
            clock=self._core.clock,
        )

    @cached_property
    def stripe_webhooks(self) -> Webhooks | None:
        """What Stripe sends; None in a shop without Stripe."""
        if self._stripe is None:
            return None
        secret = self._core.settings.stripe_webhook_secret.get_secret_value()
        return Webhooks(
            self._core.db,
            provider=Provider.STRIPE,
            verifier=StripeWebhooks([part for part in secret.split(",") if part]),
            payments=self.payments,
            clock=self._core.clock,
        )

    @cached_property
    def expiry(self) -> OrderExpiry:
        """The sweeper of overdue orders."""
        return OrderExpiry(self._core.db, self._core.clock, self.payments)

    @cached_property
    def place_order(self) -> PlaceOrderService:
        """Checkout."""
        return PlaceOrderService(
            self._core.db,
            self._core.clock,
            carts=self.carts,
            payments=self.payments,
            seller=self._seller,
            hold_for=timedelta(minutes=self._core.settings.hold_minutes),
            transfer_for=timedelta(days=self._core.settings.bank_transfer_days),
        )

    @cached_property
    def fulfillments(self) -> FulfillmentService:
        """Parcels, and goods that need none."""
        return FulfillmentService(self._core.db, self._core.clock)

    def services(self) -> list[Service]:
        """Return every service of the contract with its servicer."""
        core = self._core
        orders = OrderServicer(self.place_order, OrderService(core.db), self.fulfillments)
        return [
            _service(users_service_pb2, UserServicer(core.db, self.accounts, self.sessions)),
            _service(catalog_service_pb2, CatalogServicer(core.db, core.settings.default_currency)),
            _service(inventory_service_pb2, InventoryServicer(core.db, InventoryService(core.db, core.clock))),
            _service(cart_service_pb2, CartServicer(self.carts, core.cart_tokens)),
            _service(orders_service_pb2, orders),
            _service(payments_service_pb2, PaymentServicer(core.db, self.payments, self.stripe_webhooks)),
        ]

    def register_jobs(self, app: procrastinate.App) -> None:
        """Give the worker every background task."""
        core, settings = self._core, self._core.settings
        user_jobs.register(
            app,
            accounts=self.accounts,
            mailer=core.mailer,
            shop_name=settings.shop_name,
            public_url=settings.public_url,
        )
        cart_jobs.register(app, carts=self.carts)
        payment_jobs.register(
            app, self.payments, Reconciliation(core.db, self.payments, core.clock), self.stripe_webhooks
        )
        order_jobs.register(
            app,
            db=core.db,
            mailer=core.mailer,
            expiry=self.expiry,
            fulfillments=self.fulfillments,
            shop_name=settings.shop_name,
        )
        register_upkeep(app, db=core.db, clock=core.clock)

    async def close(self) -> None:
        """Let go of connections to providers."""
        if self._stripe is not None:
            await self._stripe.close()

    def dispatcher(self) -> Dispatcher:
        """Return what turns events into jobs."""
        return Dispatcher(self._core.db, {**user_jobs.SUBSCRIPTIONS, **order_jobs.SUBSCRIPTIONS})


class App:
    """Everything that one process needs, opened."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.features = Features(core)
        authenticator = Authenticator(core.access_tokens, core.cart_tokens)
        max_bytes = core.settings.response_cache_bytes
        self.cache = ResponseCache(max_bytes) if max_bytes else None
        self._chain = Chain(db=core.db, authenticator=authenticator, clock=core.clock, cache=self.cache)
        self._follower = _follower(core.db, self.cache) if self.cache is not None else None

    async def start(self) -> None:
        """Listen for what other processes do."""
        core = self.core
        reload = core.revocations.reload(self.features.sessions.list_revoked)
        core.listener.on(REVOKED_CHANNEL, core.revocations.notified, on_reconnect=reload)
        await core.listener.start()
        if self._follower is not None:
            await self._follower.start()

    def server(self, address: str) -> Server:
        """Make a server for every service; raises when the contract has a hole."""
        return Server(self._chain, self.features.services(), address)

    async def close(self) -> None:
        """Close what is open."""
        if self._follower is not None:
            await self._follower.stop()
        await self.core.listener.stop()
        await self.features.close()
        await self.core.mailer.close()
        await self.core.db.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def build(settings: Settings, *, clock: Clock | None = None, mailer: Mailer | None = None) -> App:
    """Open the database and wire every feature."""
    core = await _open_core(settings, clock or SystemClock(), mailer)
    app = App(core)
    try:
        await app.start()
    except BaseException:
        await app.close()
        raise
    return app


async def _open_core(settings: Settings, clock: Clock, mailer: Mailer | None) -> Core:
    revocations = Revocations(clock, keep=settings.access_token_ttl)
    access_tokens = AccessTokens(
        [path.read_bytes() for path in settings.jwt_key_files], clock=clock, revocations=revocations
    )
    dsn = settings.database_url.get_secret_value()
    smtp = SmtpMailer(settings.smtp_url.get_secret_value(), sender=settings.mail_from, clock=clock)
    return Core(
        settings=settings,
        clock=clock,
        db=await Database.open(dsn, settings.database_pool_min_size, settings.database_pool_max_size),
        listener=Listener(dsn),
        access_tokens=access_tokens,
        cart_tokens=CartTokens([secret.get_secret_value().encode() for secret in settings.token_secrets]),
        revocations=revocations,
        mailer=mailer or smtp,
    )


def _follower(db: Database, cache: ResponseCache) -> Follower:
    def drop_outdated(news: Sequence[News]) -> None:
        outdated = [outdated_tags(event.type, event.aggregate_id, event.data) for event in news]
        cache.drop(set().union(*outdated))

    return Follower(db, on_events=drop_outdated, on_found=cache.trust, on_lost=cache.distrust)


def _service(module: ModuleType, servicer: object) -> Service:
    (descriptor,) = module.DESCRIPTOR.services_by_name.values()
    return Service(descriptor, servicer)
