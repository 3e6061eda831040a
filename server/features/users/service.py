"""Accounts: the door for other features, and the use cases of registering."""

import secrets
from datetime import timedelta
from typing import Final

from server.db.jobs import defer
from server.db.session import Database
from server.features.events import service as events
from server.features.users import queries, rules
from server.features.users.errors import PasswordTooCommon, VerificationCodeInvalid
from server.features.users.events import UserAdminCreated, UserEmailVerified, UserRegistered, UserRegistrationRepeated
from server.features.users.passwords.rules import common_passwords, too_common
from server.features.users.passwords.service import PasswordHasher
from server.features.users.sessions import queries as session_queries
from server.features.users.tasks import ResendVerification
from server.features.users.throttling import queries as throttle_queries
from server.features.users.throttling.rules import (
    CODE_THROTTLE,
    MAIL_THROTTLE,
    REGISTRATION_THROTTLE,
    throttle_subject,
)
from server.features.users.throttling.service import take_attempt
from server.features.users.values import Registration, User, Verification
from server.kernel.clock import Clock
from server.kernel.errors import invalid_field
from server.kernel.ids import RegistrationId

# Longer than any access token lives: until then, processes that start still learn of a revoked session.
_KEPT_AFTER_THE_END: Final = timedelta(days=7)


class AccountService:
    """Registers accounts and verifies their addresses."""

    def __init__(self, *, db: Database, clock: Clock, hasher: PasswordHasher) -> None:
        self._db = db
        self._clock = clock
        self._hasher = hasher

    async def register(
        self, *, email: str, password: str, display_name: str, language: str, remote_address: str
    ) -> str:
        """Make an account, or tell the owner of a known address by mail; return the address as it is stored.

        A known address costs the same work and gives the same answer. `language` is that of the account's mails;
        empty: the shop's. Raises PasswordTooCommon, TooManyAttempts.
        """
        email = rules.normalize_email(email)
        _check_password(password, email=email, display_name=display_name)
        await self._take_mail(email, remote_address)
        password_hash = await self._hasher.hash(password)
        name = display_name.strip()
        now = self._clock.now()
        async with self._db.write() as tx:
            user_id = await queries.register_user(
                tx, email=email, password_hash=password_hash, display_name=name, language=language, now=now
            )
            registration_id = await queries.insert_registration(
                tx, user_id, password_hash=password_hash, display_name=name, language=language, now=now
            )
            if registration_id is None:
                await events.record(tx, UserRegistrationRepeated(user_id=user_id))
            else:
                await events.record(tx, UserRegistered(user_id=user_id, registration_id=registration_id))
        return email

    async def verify_email(self, code: str, password: str) -> User:
        """Verify the address that a code was mailed to, for who registered it with this password.

        Raises VerificationCodeInvalid, TooManyAttempts.
        """
        hashed = rules.code_hash(code)
        registration = await self._check_code(hashed, password)
        now = self._clock.now()
        async with self._db.write() as tx:
            user = await queries.verify_user(tx, hashed, now=now)
            if user is None or not await queries.spend_code(tx, hashed, now=now):
                raise VerificationCodeInvalid
            await queries.delete_other_registrations(tx, user.id, kept_id=registration.id)
            if user.email_verified_time == now:
                await events.record(tx, UserEmailVerified(user_id=user.id))
        return user

    async def resend_verification(self, email: str, *, remote_address: str) -> None:
        """Have another code mailed, when the address has an account that waits for it. Raises TooManyAttempts.

        The code stands for the latest registration of the address.
        """
        email = rules.normalize_email(email)
        await self._take_mail(email, remote_address)
        async with self._db.write() as tx:
            latest = await queries.find_latest_registration_id(tx, email)
            # Without an account the job does nothing: the call takes the same time.
            await defer(tx, ResendVerification(registration_id=latest))

    async def make_verification(self, registration_id: RegistrationId) -> Verification | None:
        """Make a code for an address that is not verified yet; None when there is nothing to verify."""
        now = self._clock.now()
        code = rules.format_code(secrets.token_bytes(rules.CODE_BYTES))
        async with self._db.write() as tx:
            unverified = await queries.find_unverified(tx, registration_id)
            if unverified is None:
                return None
            await queries.insert_code(
                tx,
                rules.code_hash(code),
                registration_id=registration_id,
                now=now,
                expires_time=now + rules.VERIFICATION_TTL,
            )
        return Verification(unverified.email, unverified.language, code)

    async def ensure_admin(self, email: str, password: str) -> bool:
        """Make a verified administrator unless the address has an account; return whether one was made.

        Never touches an account that is there. Raises InvalidArgument, PasswordTooCommon.
        """
        email = rules.normalize_email(email)
        name, at, domain = email.partition("@")
        if not (name and at and domain and email.isascii()):
            raise invalid_field("email", "must be an e-mail address")
        _check_password(password, email=email, display_name="")
        password_hash = await self._hasher.hash(password)
        async with self._db.write() as tx:
            user_id = await queries.insert_admin(tx, email=email, password_hash=password_hash, now=self._clock.now())
            if user_id is not None:
                await events.record(tx, UserAdminCreated(user_id=user_id))
        return user_id is not None

    async def clean_up(self) -> None:
        """Delete what has been over for a while: sessions, codes, throttles, and accounts that nobody ever verified."""
        before = self._clock.now() - _KEPT_AFTER_THE_END
        await session_queries.delete_over(self._db, before=before)
        await queries.delete_over(self._db, before=before)
        await throttle_queries.delete_over(self._db, before=before)

    async def _take_mail(self, email: str, remote_address: str) -> None:
        """Count a mail that somebody has sent to an address by naming it. Raises TooManyAttempts."""
        now = self._clock.now()
        if remote_address:
            subject = throttle_subject("registrations", remote_address)
            await take_attempt(self._db, REGISTRATION_THROTTLE, subject, now=now)
        await take_attempt(self._db, MAIL_THROTTLE, throttle_subject("mail", email), now=now)

    async def _check_code(self, hashed: bytes, password: str) -> Registration:
        """Return the registration that a code stands for, when the password is its own.

        Raises VerificationCodeInvalid, TooManyAttempts.
        """
        now = self._clock.now()
        async with self._db.read() as tx:
            registration = await queries.find_registration(tx, hashed, now=now)
        if registration is None:
            # Codes cannot be guessed, so there is nothing to slow down.
            raise VerificationCodeInvalid
        await take_attempt(self._db, CODE_THROTTLE, throttle_subject("code", hashed.hex()), now=now)
        if not await self._hasher.verify(registration.password_hash, password):
            raise VerificationCodeInvalid
        return registration


def _check_password(password: str, *, email: str, display_name: str) -> None:
    if len(password) < rules.MIN_PASSWORD_LENGTH:
        raise invalid_field("password", f"must have at least {rules.MIN_PASSWORD_LENGTH} characters")
    name, _, domain = email.partition("@")
    own_words = [email, name, domain, domain.partition(".")[0], *display_name.split()]
    if too_common(password, common_passwords(), own_words=own_words):
        raise PasswordTooCommon
