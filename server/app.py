"""The composition root: the list of floors, and the only module that knows every feature."""

from typing import Self

import procrastinate

from server.db.handlers import register
from server.db.listen import Listener
from server.db.session import Database
from server.db.upkeep import upkeep_jobs
from server.features.cart.feature import CartFeature
from server.features.catalog.feature import CatalogFeature
from server.features.core import Core, Feature
from server.features.events.dispatch_service import Dispatcher
from server.features.inventory.feature import InventoryFeature
from server.features.orders.feature import OrdersFeature, settlement_of
from server.features.orders.mails.feature import OrderMailsFeature
from server.features.payments.feature import PaymentsFeature
from server.features.users.feature import UsersFeature
from server.kernel.clock import Clock, SystemClock
from server.mail.gateway import Mailer, SmtpMailer
from server.metrics.meters import Metrics
from server.rpc.auth import AccessTokens, Authenticator, CartTokens, Revocations
from server.rpc.cache import ResponseCache
from server.rpc.chain import Chain
from server.rpc.rates import MemoryRates
from server.rpc.server import Server
from server.settings import Settings


class App:
    """Everything that one process needs, opened."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.users = UsersFeature(core)
        self.catalog = CatalogFeature(core)
        self.inventory = InventoryFeature(core)
        self.cart = CartFeature(core)
        self.payments = PaymentsFeature(core, settlement=settlement_of(core))
        self.orders = OrdersFeature(core, carts=self.cart.carts, payments=self.payments.payments)
        # From the lowest floor to the highest.
        self.features: tuple[Feature, ...] = (
            self.users,
            self.catalog,
            self.inventory,
            self.cart,
            self.payments,
            self.orders,
            OrderMailsFeature(core),
        )
        authenticator = Authenticator(core.access_tokens, core.cart_tokens)
        factor = core.settings.rate_limit_factor
        rates = MemoryRates(factor) if factor else None
        self._chain = Chain(
            db=core.db,
            authenticator=authenticator,
            clock=core.clock,
            cache=core.cache,
            shop_language=core.settings.default_language,
            rates=rates,
            calls=core.metrics.calls,
        )
        for part in (core.db, core.cache, rates, *self.features):
            if part is not None:
                core.metrics.show(*part.figures())

    async def start(self) -> None:
        """Begin what goes on while the process runs."""
        for feature in self.features:
            await feature.start()
        await self.core.listener.start()

    def server(self, address: str) -> Server:
        """Make a server for every service; raises when the contract has a hole."""
        services = [service for feature in self.features for service in feature.services()]
        return Server(self._chain, services, address)

    def register_jobs(self, app: procrastinate.App) -> None:
        """Give a worker everything that there is to do."""
        for feature in self.features:
            register(app, feature.jobs(), self.core.metrics.jobs)
        register(app, upkeep_jobs(app, db=self.core.db, clock=self.core.clock), self.core.metrics.jobs)

    def dispatcher(self) -> Dispatcher:
        """Return what turns events into jobs."""
        subscriptions = [one for feature in self.features for one in feature.jobs().subscriptions]
        return Dispatcher(self.core.db, subscriptions)

    async def close(self) -> None:
        """Close what is open."""
        await self.core.listener.stop()
        for feature in reversed(self.features):
            await feature.close()
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
        metrics=Metrics(),
        cache=ResponseCache(settings.response_cache_bytes) if settings.response_cache_bytes else None,
    )
