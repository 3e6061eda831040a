"""What accounts bring."""

from collections.abc import Sequence

from kontor.users.v1 import users_service_pb2

from server.db.handlers import Handler, Jobs, Periodic, Subscription
from server.features.core import Core, Feature, service_of
from server.features.users.events import UserRegistered, UserRegistrationRepeated
from server.features.users.jobs import UserJobs
from server.features.users.passwords.service import PasswordHasher
from server.features.users.service import AccountService
from server.features.users.servicer import UserServicer
from server.features.users.sessions.service import SessionService
from server.features.users.tasks import ResendVerification
from server.rpc.chain import Service


class UsersFeature(Feature):
    """Accounts and their sessions."""

    def __init__(self, core: Core) -> None:
        self._core, settings = core, core.settings
        self.hasher = PasswordHasher(threads=settings.password_threads)
        self.accounts = AccountService(db=core.db, clock=core.clock, hasher=self.hasher)
        self.sessions = SessionService(
            db=core.db,
            clock=core.clock,
            hasher=self.hasher,
            issuer=core.access_tokens,
            access_ttl=settings.access_token_ttl,
            refresh_ttl=settings.refresh_token_ttl,
        )

    def services(self) -> Sequence[Service]:
        servicer = UserServicer(db=self._core.db, accounts=self.accounts, sessions=self.sessions)
        return [service_of(users_service_pb2, servicer)]

    def jobs(self) -> Jobs:
        settings = self._core.settings
        jobs = UserJobs(
            db=self._core.db,
            accounts=self.accounts,
            mailer=self._core.mailer,
            shop_name=settings.shop_name,
            shop_language=settings.default_language,
            public_url=settings.public_url,
        )
        return Jobs(
            handlers=[Handler(ResendVerification, jobs.resend_verification)],
            subscriptions=[
                Subscription(UserRegistered, "users.send_verification", jobs.send_verification),
                Subscription(UserRegistrationRepeated, "users.send_known_address", jobs.send_known_address),
            ],
            periodics=[Periodic("users.clean_up", "17 * * * *", self.accounts.clean_up)],
        )

    async def start(self) -> None:
        self._core.revocations.follow(self._core.listener, self.sessions.list_revoked)
