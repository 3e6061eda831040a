"""Accounts: the door for other features, and the use cases of registering."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from server.db.jobs import defer
from server.db.session import Database, ReadTx
from server.events.service import NewEvent, record
from server.kernel.clock import Clock
from server.kernel.errors import FieldViolation, NotFound, invalid_field
from server.kernel.ids import UserId, new_id
from server.users import queries, rules
from server.users.errors import EmailTokenInvalid, PasswordTooCommon
from server.users.passwords import PasswordHasher
from server.users.queries import UserRow
from server.users.strength import common_passwords, too_common
from server.users.throttling import take_attempt

# Longer than any access token lives: until then, processes that start still learn of a revoked session.
_KEPT_AFTER_THE_END: Final = timedelta(days=7)


async def get_email(tx: ReadTx, user_id: UserId) -> str:
    """Return the address of an account. Raises NotFound."""
    email = await queries.GET_EMAIL.first(tx, user_id=user_id)
    if email is None:
        raise NotFound("There is no such account")
    return email


@dataclass(frozen=True, slots=True)
class Verification:
    """An address and the code that proves who owns it."""

    email: str
    display_name: str
    code: str


class AccountService:
    """Registers accounts and verifies their addresses."""

    def __init__(self, db: Database, *, clock: Clock, hasher: PasswordHasher) -> None:
        self._db = db
        self._clock = clock
        self._hasher = hasher

    async def register(self, *, email: str, password: str, display_name: str) -> str:
        """Make an account, or tell the owner of a known address by mail; return the address as it is stored.

        A known address costs the same work and gives the same answer. Raises PasswordTooCommon, TooManyAttempts.
        """
        email = rules.normalize_email(email)
        _check_password(password, email=email, display_name=display_name)
        now = self._clock.now()
        await take_attempt(self._db, rules.MAIL_THROTTLE, rules.throttle_subject("mail", email), now=now)
        password_hash = await self._hasher.hash(password)
        async with self._db.write() as tx:
            account = await queries.REGISTER_USER.one(
                tx, id=new_id(), email=email, password_hash=password_hash, display_name=display_name.strip(), now=now
            )
            # Codes of earlier registrations must not open the account to this one's password.
            await queries.DELETE_UNUSED_EMAIL_TOKENS.run(tx, user_id=account.id)
            event_type = "user.registered" if account.replaceable else "user.registration_repeated"
            await record(tx, NewEvent(event_type, account.id))
        return email

    async def verify_email(self, code: str) -> UserRow:
        """Verify the address that a code was mailed to. Raises EmailTokenInvalid."""
        now = self._clock.now()
        hashed = rules.code_hash(code)
        async with self._db.write() as tx:
            user = await queries.VERIFY_USER.first(tx, token_hash=hashed, now=now)
            spent = await queries.SPEND_EMAIL_TOKEN.run(tx, spent_hash=hashed, now=now) if user else 0
            if user is None or not spent:
                raise EmailTokenInvalid("This code is wrong, used or too old; ask for a new one")
            if user.email_verified_time == now:
                await record(tx, NewEvent("user.email_verified", user.id))
        return user

    async def resend_verification(self, email: str) -> None:
        """Have another code mailed, when the address has an account that waits for it. Raises TooManyAttempts."""
        email = rules.normalize_email(email)
        subject = rules.throttle_subject("mail", email)
        await take_attempt(self._db, rules.MAIL_THROTTLE, subject, now=self._clock.now())
        async with self._db.write() as tx:
            user_id = await queries.FIND_UNVERIFIED_ID.first(tx, email=email)
            # Without an account the job does nothing: the call takes the same time.
            await defer(tx, "users.resend_verification", user_id=str(user_id) if user_id else None)

    async def make_verification(self, user_id: UserId) -> Verification | None:
        """Make a code for an address that is not verified yet; None when there is nothing to verify."""
        now = self._clock.now()
        code = rules.format_code(secrets.token_bytes(rules.CODE_BYTES))
        async with self._db.write() as tx:
            user = await queries.FIND_USER.first(tx, user_id=user_id)
            if user is None or not user.active or user.email_verified_time is not None:
                return None
            await queries.INSERT_EMAIL_TOKEN.run(
                tx,
                token_hash=rules.code_hash(code),
                user_id=user_id,
                now=now,
                expires_time=now + rules.VERIFICATION_TTL,
            )
        return Verification(user.email, user.display_name, code)

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
                await record(tx, NewEvent("user.admin_created", user_id))
        return user_id is not None

    async def clean_up(self) -> None:
        """Delete sessions, codes and throttles that have been over for a while."""
        before = self._clock.now() - _KEPT_AFTER_THE_END
        for command in (queries.DELETE_SESSIONS, queries.DELETE_EMAIL_TOKENS, queries.DELETE_THROTTLES):
            async with self._db.write_single() as tx:
                await command.run(tx, before=before)


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
