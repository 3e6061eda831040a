"""What every feature may be built from, and what each brings into the program."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from server.db.handlers import Jobs
from server.db.listen import Listener
from server.db.session import Database
from server.kernel.clock import Clock
from server.mail.gateway import Mailer
from server.metrics.meters import Figure, Metrics
from server.rpc.auth import AccessTokens, CartTokens, Revocations
from server.rpc.cache import ResponseCache
from server.rpc.chain import Service
from server.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What there is before any feature."""

    settings: Settings
    clock: Clock
    db: Database
    listener: Listener
    access_tokens: AccessTokens
    cart_tokens: CartTokens
    revocations: Revocations
    mailer: Mailer
    metrics: Metrics
    # None: every read runs its statements.
    cache: ResponseCache | None


class Feature:
    """One feature: what it brings. A subclass makes its services and says the rest; most bring only some of it."""

    def services(self) -> Sequence[Service]:
        """Return its services of the contract with their servicers."""
        return ()

    def jobs(self) -> Jobs:
        """Return what it has a worker do."""
        return Jobs()

    def figures(self) -> Sequence[Figure]:
        """Return what it counts."""
        return ()

    async def start(self) -> None:
        """Begin what goes on while the process runs; the listener starts after all features."""

    async def close(self) -> None:
        """End what goes on, and let go of connections to others."""


def service_of(module: ModuleType, servicer: object) -> Service:
    """Bind a servicer to the service of a generated module."""
    (descriptor,) = module.DESCRIPTOR.services_by_name.values()
    return Service(descriptor, servicer)
