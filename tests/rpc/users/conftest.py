"""The shop as far as accounts go."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from kontor.users.v1 import users_service_pb2 as api
from kontor.users.v1.users_service_pb2_grpc import UserServiceStub

from server.app import App
from server.db.session import Database
from server.features.users.passwords.service import PasswordHasher
from server.features.users.service import AccountService
from server.features.users.sessions.service import SessionService
from server.rpc.auth import AccessTokens
from tests.factories import execute
from tests.shop import Clients, Mailbox, ManualClock, Work

GOOD_PASSWORD = "violet harbour 93 teapot"
OTHER_PASSWORD = "granite owl 17 ladder"


@dataclass
class Shop:
    """What the tests of the accounts do all the time."""

    db: Database
    clock: ManualClock
    mailbox: Mailbox
    work: Work
    hasher: PasswordHasher
    accounts: AccountService
    sessions: SessionService
    tokens: AccessTokens
    rpc: UserServiceStub

    async def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Look into the database."""
        async with self.db.read() as tx:
            return await (await execute(tx, sql, params)).fetchall()

    async def register(self, email: str = "ada@example.com", password: str = GOOD_PASSWORD) -> None:
        await self.rpc.Register(api.RegisterRequest(email=email, password=password, display_name="Ada Byron"))

    async def mailed_code(self) -> str:
        """Return the code in the latest mail."""
        await self.work()
        return self.mailbox.mails[-1].text.split("?token=")[1].split()[0]

    async def make_user(self, email: str = "ada@example.com", password: str = GOOD_PASSWORD) -> UUID:
        """Make a verified account the way people do."""
        await self.register(email, password)
        await self.rpc.VerifyEmail(api.VerifyEmailRequest(token=await self.mailed_code(), password=password))
        [(user_id,)] = await self.rows("SELECT id FROM users WHERE email = %s", email)
        return UUID(str(user_id))

    async def login(
        self, email: str = "ada@example.com", password: str = GOOD_PASSWORD, *, address: str = "203.0.113.7"
    ) -> api.LoginResponse:
        request = api.LoginRequest(email=email, password=password)
        response: api.LoginResponse = await self.rpc.Login(request, metadata=(("x-forwarded-for", address),))
        return response


def bearer(tokens: api.Tokens) -> Sequence[tuple[str, str]]:
    """Return the header that signs a call."""
    return (("authorization", f"Bearer {tokens.access_token}"),)


@pytest.fixture
def shop(app: App, client: Clients, clock: ManualClock, mailbox: Mailbox, work: Work) -> Shop:
    """Return an empty shop."""
    return Shop(
        db=app.core.db,
        clock=clock,
        mailbox=mailbox,
        work=work,
        hasher=app.users.hasher,
        accounts=app.users.accounts,
        sessions=app.users.sessions,
        tokens=app.core.access_tokens,
        rpc=client.users,
    )
