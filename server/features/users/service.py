"""Accounts: the door for other features, and the use cases of registering."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from server.db.jobs import defer
from server.db.session import Database
from server.features.events.service import record
from server.features.users import queries, rules
from server.features.users.errors import EmailTokenInvalid, PasswordTooCommon
from server.features.users.events import UserAdminCreated, UserEmailVerified, UserRegistered, UserRegistrationRepeated
from server.features.users.passwords.rules import common_passwords, too_common
from server.features.users.passwords.service import PasswordHasher
from server.features.users.queries import CodeRow, UserRow
from server.features.users.tasks import ResendVerification
from server.features.users.throttling.service import take_attempt
from server.kernel.clock import Clock
from server.kernel.errors import FieldViolation, invalid_field
from server.kernel.ids import RegistrationId, UserId, new_id

# Longer than any access token lives: until then, processes that start still learn of a revoked session.
_KEPT_AFTER_THE_END: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Verification:
    """An address and the code that proves who owns it."""

    email: str
    # Empty: the shop's.
    language: str
    code: str


class AccountService:
    """Registers accounts and verifies their addresses."""

    def __init__(self, db: Database, *, clock: Clock, hasher: PasswordHasher) -> None:
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
        said = {"password_hash": await self._hasher.hash(password), "display_name": display_name.strip()}
        now = self._clock.now()
        async with self._db.write() as tx:
            user_id = await queries.REGISTER_USER.one(tx, id=new_id(), email=email, language=language, now=now, **said)
            registered = await queries.INSERT_REGISTRATION.first(tx, id=new_id(), user_id=user_id, now=now, **said)
            if registered is None:
                await record(tx, UserRegistrationRepeated(user_id=user_id))
            else:
                await record(tx, UserRegistered(user_id=user_id, registration_id=registered))
        return email

    async def verify_email(self, code: str, password: str) -> UserRow:
        """Verify the address that a code was mailed to, for who registered it with this password.

        Raises EmailTokenInvalid, TooManyAttempts.
        """
        hashed = rules.code_hash(code)
        found = await self._check_code(hashed, password)
        now = self._clock.now()
        async with self._db.write() as tx:
            user = await queries.VERIFY_USER.first(tx, token_hash=hashed, now=now)
            spent = await queries.SPEND_EMAIL_TOKEN.run(tx, spent_hash=hashed, now=now) if user else 0
            if user is None or not spent:
                raise _code_invalid()
            await queries.DELETE_OTHER_REGISTRATIONS.run(tx, user_id=user.id, registration_id=found.registration_id)
            if user.email_verified_time == now:
                await record(tx, UserEmailVerified(user_id=user.id))
        return user

    async def resend_verification(self, email: str, *, remote_address: str) -> None:
        """Have another code mailed, when the address has an account that waits for it. Raises TooManyAttempts.

        The code stands for the latest registration of the address.
        """
        email = rules.normalize_email(email)
        await self._take_mail(email, remote_address)
        async with self._db.write() as tx:
            latest = await queries.FIND_LATEST_REGISTRATION.first(tx, email=email)
            # Without an account the job does nothing: the call takes the same time.
            await defer(tx, ResendVerification(registration_id=latest))

    async def make_verification(self, registration_id: RegistrationId) -> Verification | None:
        """Make a code for an address that is not verified yet; None when there is nothing to verify."""
        now = self._clock.now()
        code = rules.format_code(secrets.token_bytes(rules.CODE_BYTES))
        async with self._db.write() as tx:
            unverified = await queries.GET_UNVERIFIED.first(tx, registration_id=registration_id)
            if unverified is None:
                return None
            await queries.INSERT_EMAIL_TOKEN.run(
                tx,
                token_hash=rules.code_hash(code),
                registration_id=registration_id,
                now=now,
                expires_time=now + rules.VERIFICATION_TTL,
            )
        return Verification(unverified.email, unverified.language, code)

    async def find_active(self, user_id: UserId) -> UserRow | None:
        """Return an account that is open."""
        async with self._db.read() as tx:
            user = await queries.FIND_USER.first(tx, user_id=user_id)
        return user if user is not None and user.active else None

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
            user_id = await queries.INSERT_ADMIN.first(
                tx, id=new_id(), email=email, password_hash=password_hash, now=self._clock.now()
            )
            if user_id is not None:
                await record(tx, UserAdminCreated(user_id=user_id))
        return user_id is not None

    async def clean_up(self) -> None:
        """Delete what has been over for a while: sessions, codes, throttles, and accounts that nobody ever verified."""
        before = self._clock.now() - _KEPT_AFTER_THE_END
        for over in queries.CLEAN_UP:
            await over.run(self._db, before=before)

    async def _take_mail(self, email: str, remote_address: str) -> None:
        """Count a mail that somebody has sent to an address by naming it. Raises TooManyAttempts."""
        now = self._clock.now()
        if remote_address:
            subject = rules.throttle_subject("registrations", remote_address)
            await take_attempt(self._db, rules.REGISTRATION_THROTTLE, subject, now=now)
        await take_attempt(self._db, rules.MAIL_THROTTLE, rules.throttle_subject("mail", email), now=now)

    async def _check_code(self, hashed: bytes, password: str) -> CodeRow:
        """Return what a code stands for, when the password is the one of its registration.

        Raises EmailTokenInvalid, TooManyAttempts.
        """
        now = self._clock.now()
        async with self._db.read() as tx:
            found = await queries.FIND_CODE.first(tx, token_hash=hashed, now=now)
        if found is None:
            # Codes cannot be guessed, so there is nothing to slow down.
            raise _code_invalid()
        await take_attempt(self._db, rules.CODE_THROTTLE, rules.throttle_subject("code", hashed.hex()), now=now)
        if not await self._hasher.verify(found.password_hash, password):
            raise _code_invalid()
        return found


def _code_invalid() -> EmailTokenInvalid:
    return EmailTokenInvalid(
        "This code is wrong, used or too old, or the password is not the one that was registered; ask for a new code"
    )


def _check_password(password: str, *, email: str, display_name: str) -> None:
    if len(password) < rules.MIN_PASSWORD_LENGTH:
        raise invalid_field("password", f"must have at least {rules.MIN_PASSWORD_LENGTH} characters")
    name, _, domain = email.partition("@")
    own_words = [email, name, domain, domain.partition(".")[0], *display_name.split()]
    if too_common(password, common_passwords(), own_words=own_words):
        raise PasswordTooCommon(
            "This password is too easy to guess; take a longer one, such as four words that do not belong together",
            fields=[FieldViolation("password", "is too easy to guess")],
        )
