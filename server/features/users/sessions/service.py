"""Sessions: login, refresh, logout."""

import asyncio
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Protocol
from weakref import WeakValueDictionary

import structlog

from server.db.session import Database
from server.db.statement import together
from server.features.users import queries, rules
from server.features.users.errors import EmailNotVerified, InvalidCredentials, RefreshTokenInvalid
from server.features.users.passwords.service import PasswordHasher
from server.features.users.queries import CredentialsRow, UserRow
from server.features.users.rules import Device, Tokens
from server.features.users.throttling.service import count_attempt, too_many_attempts
from server.kernel.actor import Role
from server.kernel.clock import Clock
from server.kernel.ids import SessionId, UserId, new_id

_log = structlog.get_logger(__name__)


class TokenIssuer(Protocol):
    """Signs access tokens."""

    def issue(
        self, user_id: UserId, role: Role, session_id: SessionId, ttl: timedelta, *, permissions: Collection[str]
    ) -> str:
        """Make a token for a session."""
        ...


class SessionService:
    """Opens, continues and ends sessions."""

    def __init__(
        self,
        db: Database,
        *,
        clock: Clock,
        hasher: PasswordHasher,
        issuer: TokenIssuer,
        access_ttl: timedelta,
        refresh_ttl: timedelta,
    ) -> None:
        self._db = db
        self._clock = clock
        self._hasher = hasher
        self._issuer = issuer
        self._access_ttl = access_ttl
        self._refresh_ttl = refresh_ttl
        self._turns: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def login(self, *, email: str, password: str, device: Device) -> tuple[Tokens, UserRow]:
        """Open a session. Raises InvalidCredentials, EmailNotVerified, TooManyAttempts."""
        email = rules.normalize_email(email)
        account = rules.throttle_subject("account", email)
        # Guesses at one account are looked at one after the other, so that a burst of them does not pass the throttle
        # before the first is counted.
        turn = self._turns.setdefault(account, asyncio.Lock())
        async with turn:
            credentials = await self._check(email, password, account=account, device=device)
        if credentials.email_verified_time is None:
            await self._clear(account)
            raise EmailNotVerified("Verify the e-mail address first, with the code that was mailed to it")
        tokens = await self._open(credentials, password, account=account, device=device)
        return tokens, credentials

    async def refresh(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token for new tokens; a used one ends its session. Raises RefreshTokenInvalid."""
        now = self._clock.now()
        hashed = rules.token_hash(refresh_token)
        fresh = secrets.token_urlsafe(32)
        async with self._db.write() as tx:
            session = await queries.USE_REFRESH_TOKEN.first(tx, token_hash=hashed, now=now)
            if session is None:
                # Both the owner and a thief have it, and nobody can tell who is who.
                ended = await queries.REVOKE_SESSION_OF_USED_TOKEN.all(tx, token_hash=hashed, now=now)
            else:
                ended = []
                await queries.INSERT_REFRESH_TOKEN.run(
                    tx, token_hash=rules.token_hash(fresh), session_id=session.id, now=now
                )
                await queries.TOUCH_SESSION.run(
                    tx, session_id=session.id, now=now, new_expires_time=now + self._refresh_ttl
                )
        if session is None:
            if ended:
                _log.warning("session.refresh_token_reused")
            raise RefreshTokenInvalid("This refresh token is wrong, used or too old; log in again")
        access_token = self._issuer.issue(
            session.user_id, Role(session.role), session.id, self._access_ttl, permissions=session.permissions
        )
        return Tokens(access_token, self._access_ttl, fresh)

    async def logout(self, user_id: UserId, session_id: SessionId, *, all_sessions: bool) -> None:
        """End a session, or all of the account."""
        now = self._clock.now()
        async with self._db.write_single() as tx:
            if all_sessions:
                await queries.REVOKE_ALL_SESSIONS.all(tx, user_id=user_id, now=now)
            else:
                await queries.REVOKE_SESSION.all(tx, user_id=user_id, session_id=session_id, now=now)

    async def list_revoked(self) -> Iterable[SessionId]:
        """Return the sessions that ended while access tokens of theirs may still be good."""
        async with self._db.read() as tx:
            return await queries.LIST_REVOKED.all(tx, since=self._clock.now() - self._access_ttl)

    async def _check(self, email: str, password: str, *, account: bytes, device: Device) -> CredentialsRow:
        """Return the account when the password is right; else count the failure and raise InvalidCredentials."""
        now = self._clock.now()
        address = rules.throttle_subject("address", device.remote_address)
        async with self._db.read() as tx:
            [blocked_until], found = await together(
                tx,
                queries.BLOCKED_UNTIL.bind(subject_hashes=[account, address], now=now),
                queries.FIND_CREDENTIALS.bind(email=email),
            )
        if blocked_until is not None:
            raise too_many_attempts(blocked_until, now=now)
        credentials = found[0] if found else None
        matches = await self._hasher.verify(credentials.password_hash if credentials else None, password)
        if credentials is None or not matches or not credentials.active:
            await self._count_failure(account, address, now=now)
            raise _invalid_credentials()
        return credentials

    async def _count_failure(self, account: bytes, address: bytes, *, now: datetime) -> None:
        # Each commits by itself: two logins from one address at two accounts never wait for each other's rows.
        async with self._db.write_single() as tx:
            await count_attempt(tx, rules.ACCOUNT_THROTTLE, account, now=now)
            await count_attempt(tx, rules.ADDRESS_THROTTLE, address, now=now)

    async def _clear(self, account: bytes) -> None:
        # Only the account's: else one good account would let its owner guess at all others from the same address.
        async with self._db.write_single() as tx:
            await queries.CLEAR_THROTTLE.run(tx, subject_hash=account)

    async def _open(self, user: CredentialsRow, password: str, *, account: bytes, device: Device) -> Tokens:
        rehash = await self._hasher.hash(password) if self._hasher.needs_rehash(user.password_hash) else None
        now = self._clock.now()
        refresh_token = secrets.token_urlsafe(32)
        async with self._db.write_single() if rehash is None else self._db.write() as tx:
            session_id = await queries.OPEN_SESSION.first(
                tx,
                id=new_id(),
                user_id=user.id,
                password_hash=user.password_hash,
                user_agent=device.user_agent[:500],
                remote_address=device.remote_address,
                token_hash=rules.token_hash(refresh_token),
                subject_hash=account,
                now=now,
                expires_time=now + self._refresh_ttl,
            )
            if session_id is None:
                raise _invalid_credentials()
            if rehash is not None:
                await queries.REPLACE_HASH.run(tx, user_id=user.id, new_hash=rehash, old_hash=user.password_hash)
        access_token = self._issuer.issue(
            user.id, Role(user.role), session_id, self._access_ttl, permissions=user.permissions
        )
        return Tokens(access_token, self._access_ttl, refresh_token)


def _invalid_credentials() -> InvalidCredentials:
    return InvalidCredentials("The e-mail address and the password do not belong together")
