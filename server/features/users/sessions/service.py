"""Sessions: login, refresh, logout."""

import asyncio
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Protocol
from weakref import WeakValueDictionary

import structlog

from server.db.session import Database
from server.db.statement import together
from server.features.users import rules
from server.features.users.errors import EmailNotVerified, InvalidCredentials, RefreshTokenInvalid, TooManyAttempts
from server.features.users.passwords.service import PasswordHasher
from server.features.users.sessions import queries
from server.features.users.sessions.values import Device, Tokens, UserCredentials
from server.features.users.throttling import queries as throttle_queries
from server.features.users.throttling.rules import ACCOUNT_THROTTLE, ADDRESS_THROTTLE, throttle_subject
from server.features.users.values import User
from server.kernel.actor import Role
from server.kernel.clock import Clock
from server.kernel.ids import SessionId, UserId

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
        *,
        db: Database,
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

    async def login(self, *, email: str, password: str, device: Device) -> tuple[Tokens, User]:
        """Open a session. Raises InvalidCredentials, EmailNotVerified, TooManyAttempts."""
        email = rules.normalize_email(email)
        account = throttle_subject("account", email)
        # Guesses at one account are looked at one after the other, so that a burst of them does not pass the throttle
        # before the first is counted.
        turn = self._turns.setdefault(account, asyncio.Lock())
        async with turn:
            credentials = await self._check(email, password, account=account, device=device)
        if credentials.email_verified_time is None:
            await self._clear(account)
            raise EmailNotVerified
        tokens = await self._open(credentials, password, account=account, device=device)
        return tokens, credentials

    async def refresh(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token for new tokens; a used one ends its session. Raises RefreshTokenInvalid."""
        now = self._clock.now()
        hashed = rules.token_hash(refresh_token)
        fresh = secrets.token_urlsafe(32)
        async with self._db.write() as tx:
            session = await queries.use_refresh_token(tx, hashed, now=now)
            if session is None:
                # Both the owner and a thief have it, and nobody can tell who is who.
                ended = await queries.revoke_session_of_used_token(tx, hashed, now=now)
            else:
                ended = False
                await queries.insert_refresh_token(tx, session.id, token_hash=rules.token_hash(fresh), now=now)
                await queries.extend_session(tx, session.id, now=now, expires_time=now + self._refresh_ttl)
        if session is None:
            if ended:
                _log.warning("session.refresh_token_reused")
            raise RefreshTokenInvalid
        access_token = self._issuer.issue(
            session.user_id, session.role, session.id, self._access_ttl, permissions=session.permissions
        )
        return Tokens(access_token, self._access_ttl, fresh)

    async def logout(self, user_id: UserId, session_id: SessionId, *, all_sessions: bool) -> None:
        """End a session, or all of the account."""
        now = self._clock.now()
        async with self._db.write_single() as tx:
            if all_sessions:
                await queries.revoke_all_sessions(tx, user_id, now=now)
            else:
                await queries.revoke_session(tx, user_id, session_id, now=now)

    async def list_revoked(self) -> list[SessionId]:
        """Return the sessions that ended while access tokens of theirs may still be good."""
        async with self._db.read() as tx:
            return await queries.list_revoked(tx, since=self._clock.now() - self._access_ttl)

    async def _check(self, email: str, password: str, *, account: bytes, device: Device) -> UserCredentials:
        """Return the account when the password is right; else count the failure.

        Raises InvalidCredentials, TooManyAttempts.
        """
        now = self._clock.now()
        address = throttle_subject("address", device.remote_address)
        async with self._db.read() as tx:
            blocked_until, credentials = await together(
                tx,
                throttle_queries.finding_blocked_until([account, address], now=now),
                queries.finding_credentials(email),
            )
        if blocked_until is not None:
            raise TooManyAttempts(retry_after=blocked_until - now)
        matches = await self._hasher.verify(credentials.password_hash if credentials else None, password)
        if credentials is None or not matches or not credentials.active:
            await self._count_failure(account, address, now=now)
            raise InvalidCredentials
        return credentials

    async def _count_failure(self, account: bytes, address: bytes, *, now: datetime) -> None:
        # Each commits by itself: two logins from one address at two accounts never wait for each other's rows.
        async with self._db.write_single() as tx:
            await throttle_queries.count_attempt(tx, ACCOUNT_THROTTLE, account, now=now)
            await throttle_queries.count_attempt(tx, ADDRESS_THROTTLE, address, now=now)

    async def _clear(self, account: bytes) -> None:
        # Only the account's: else one good account would let its owner guess at all others from the same address.
        async with self._db.write_single() as tx:
            await throttle_queries.delete_throttle(tx, account)

    async def _open(self, user: UserCredentials, password: str, *, account: bytes, device: Device) -> Tokens:
        rehash = await self._hasher.hash(password) if self._hasher.needs_rehash(user.password_hash) else None
        now = self._clock.now()
        refresh_token = secrets.token_urlsafe(32)
        async with self._db.write_single() if rehash is None else self._db.write() as tx:
            session_id = await queries.insert_session(
                tx,
                user,
                device,
                token_hash=rules.token_hash(refresh_token),
                subject=account,
                now=now,
                expires_time=now + self._refresh_ttl,
            )
            if session_id is None:
                raise InvalidCredentials
            if rehash is not None:
                await queries.update_password_hash(tx, user.id, old_hash=user.password_hash, new_hash=rehash)
        access_token = self._issuer.issue(
            user.id, user.role, session_id, self._access_ttl, permissions=user.permissions
        )
        return Tokens(access_token, self._access_ttl, refresh_token)
