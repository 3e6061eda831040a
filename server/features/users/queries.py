"""The SQL of accounts, registrations and codes."""

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    DateTime,
    LargeBinary,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from server.db.batches import BatchDelete
from server.db.rows import columns_of
from server.db.session import Database, ReadTx, WriteTx
from server.db.statement import Command, Query, ScalarCommand, ScalarQuery
from server.db.words import number, word
from server.features.users.errors import UserNotFound
from server.features.users.tables import EmailTokens, Registrations, Users
from server.features.users.values import CodePurpose, Registration, UnverifiedAddress, User
from server.kernel.actor import Role
from server.kernel.ids import REGISTRATION, USER, RegistrationId, UserId

_now = bindparam("now", type_=DateTime(timezone=True))
# Until somebody proves that the address is theirs, anybody may register it: else the first comer could keep its owner
# out. The account shows what the latest registration said; whose code is used decides.
_replaceable = and_(Users.email_verified_time.is_(None), Users.active)


def _unless_verified(name: str) -> ColumnElement[str]:
    return case((Users.email_verified_time.is_(None), getattr(Registrations, name)), else_=getattr(Users, name))


_FIND_USER = Query(select(*columns_of(User, Users)).where(Users.id == bindparam("user_id"), Users.active), User)

_new_user = insert(Users).values(
    id=bindparam("id"),
    email=bindparam("email"),
    password_hash=bindparam("password_hash"),
    display_name=bindparam("display_name"),
    language=bindparam("language"),
    created_time=_now,
    updated_time=_now,
)
# One statement whether the address is known or not, and it takes the row's lock: a known address takes the same time.
_REGISTER_USER = ScalarCommand(
    _new_user.on_conflict_do_update(
        index_elements=["email"],
        set_={
            name: case((_replaceable, getattr(_new_user.excluded, name)), else_=getattr(Users, name))
            for name in ("password_hash", "display_name", "language", "updated_time")
        },
    ).returning(Users.id),
    UserId,
)
_INSERT_ADMIN = ScalarCommand(
    insert(Users)
    .values(
        id=bindparam("id"),
        email=bindparam("email"),
        password_hash=bindparam("password_hash"),
        role=word(Role.ADMIN),
        email_verified_time=_now,
        created_time=_now,
        updated_time=_now,
    )
    .on_conflict_do_nothing()
    .returning(Users.id),
    UserId,
)

# Written, or not, by one statement, whether the address is known or not.
_INSERT_REGISTRATION = ScalarCommand(
    insert(Registrations)
    .from_select(
        ["id", "user_id", "password_hash", "display_name", "language", "created_time"],
        select(
            bindparam("id", type_=Uuid),
            Users.id,
            bindparam("password_hash", type_=Text),
            bindparam("display_name", type_=Text),
            bindparam("language", type_=Text),
            _now,
        ).where(Users.id == bindparam("user_id"), _replaceable),
    )
    .returning(Registrations.id),
    RegistrationId,
)
_FIND_LATEST_REGISTRATION_ID = ScalarQuery(
    select(Registrations.id)
    .join(Users, Users.id == Registrations.user_id)
    .where(Users.email == bindparam("email"), _replaceable)
    .order_by(Registrations.created_time.desc(), Registrations.id.desc())
    .limit(number(1)),
    RegistrationId,
)
_FIND_UNVERIFIED = Query(
    select(Users.email, Registrations.language)
    .join(Registrations, Registrations.user_id == Users.id)
    .where(Registrations.id == bindparam("registration_id"), _replaceable),
    UnverifiedAddress,
)
# Whoever else registered the address loses: their codes go with it.
_DELETE_OTHER_REGISTRATIONS = Command(
    delete(Registrations).where(
        Registrations.user_id == bindparam("user_id"), Registrations.id != bindparam("registration_id")
    )
)

_INSERT_CODE = Command(
    insert(EmailTokens).values(
        token_hash=bindparam("code_hash"),
        registration_id=bindparam("registration_id"),
        purpose=word(CodePurpose.VERIFY_EMAIL),
        created_time=_now,
        expires_time=bindparam("expires_time"),
    )
)
_given_code = EmailTokens.token_hash == bindparam("code_hash", type_=LargeBinary)
_good_code = and_(
    Users.id == Registrations.user_id,
    Users.active,
    Registrations.id == EmailTokens.registration_id,
    _given_code,
    EmailTokens.purpose == word(CodePurpose.VERIFY_EMAIL),
    EmailTokens.used_time.is_(None),
    EmailTokens.expires_time > _now,
)
_FIND_REGISTRATION = Query(
    select(*columns_of(Registration, Registrations)).select_from(Users, Registrations, EmailTokens).where(_good_code),
    Registration,
)
# The account's row is locked first, as registration does, and the code is spent by the statement after this one. Of an
# account that is verified already nothing changes.
_VERIFY_USER = Command(
    update(Users)
    .values(
        email_verified_time=func.coalesce(Users.email_verified_time, _now),
        password_hash=_unless_verified("password_hash"),
        display_name=_unless_verified("display_name"),
        language=_unless_verified("language"),
        updated_time=_now,
    )
    .where(_good_code)
    .returning(*columns_of(User, Users)),
    User,
)
_SPEND_CODE = Command(update(EmailTokens).values(used_time=_now).where(_given_code, EmailTokens.used_time.is_(None)))

_before = bindparam("before", type_=DateTime(timezone=True))
_DELETE_OVER = (
    BatchDelete(EmailTokens, EmailTokens.expires_time <= _before),
    # Nobody can verify them any more, and nothing else could be done with them.
    BatchDelete(Users, and_(_replaceable, Users.updated_time <= _before)),
    BatchDelete(Registrations, Registrations.created_time <= _before),
)


async def find_user(tx: ReadTx, user_id: UserId) -> User | None:
    """Return an account that is open."""
    return await _FIND_USER.first(tx, user_id=user_id)


async def get_user(tx: ReadTx, user_id: UserId) -> User:
    """Return an account that is open. Raises UserNotFound."""
    user = await find_user(tx, user_id)
    if user is None:
        raise UserNotFound
    return user


async def register_user(
    tx: WriteTx, *, email: str, password_hash: str, display_name: str, language: str, now: datetime
) -> UserId:
    """Make an account, or change the one of the address while nobody has verified it; lock it either way."""
    return await _REGISTER_USER.one(
        tx,
        id=USER.new(),
        email=email,
        password_hash=password_hash,
        display_name=display_name,
        language=language,
        now=now,
    )


async def insert_admin(tx: WriteTx, *, email: str, password_hash: str, now: datetime) -> UserId | None:
    """Make a verified administrator; None when the address has an account."""
    return await _INSERT_ADMIN.first(tx, id=USER.new(), email=email, password_hash=password_hash, now=now)


async def insert_registration(
    tx: WriteTx, user_id: UserId, *, password_hash: str, display_name: str, language: str, now: datetime
) -> RegistrationId | None:
    """Note what somebody said who registered an account's address; None when the account is verified or closed."""
    return await _INSERT_REGISTRATION.first(
        tx,
        id=REGISTRATION.new(),
        user_id=user_id,
        password_hash=password_hash,
        display_name=display_name,
        language=language,
        now=now,
    )


async def find_latest_registration_id(tx: ReadTx, email: str) -> RegistrationId | None:
    """Return the latest registration of an address that nobody has verified."""
    return await _FIND_LATEST_REGISTRATION_ID.first(tx, email=email)


async def find_unverified(tx: ReadTx, registration_id: RegistrationId) -> UnverifiedAddress | None:
    """Return the address that was registered, unless it is verified."""
    return await _FIND_UNVERIFIED.first(tx, registration_id=registration_id)


async def delete_other_registrations(tx: WriteTx, user_id: UserId, *, kept_id: RegistrationId) -> None:
    """Forget every registration of an account but one."""
    await _DELETE_OTHER_REGISTRATIONS.run(tx, user_id=user_id, registration_id=kept_id)


async def insert_code(
    tx: WriteTx, code_hash: bytes, *, registration_id: RegistrationId, now: datetime, expires_time: datetime
) -> None:
    """Note a code that is mailed for a registration."""
    await _INSERT_CODE.run(tx, code_hash=code_hash, registration_id=registration_id, now=now, expires_time=expires_time)


async def find_registration(tx: ReadTx, code_hash: bytes, *, now: datetime) -> Registration | None:
    """Return the registration that a good code stands for."""
    return await _FIND_REGISTRATION.first(tx, code_hash=code_hash, now=now)


async def verify_user(tx: WriteTx, code_hash: bytes, *, now: datetime) -> User | None:
    """Give an account what the registration of a good code said, unless it is verified already; return it, locked."""
    return await _VERIFY_USER.first(tx, code_hash=code_hash, now=now)


async def spend_code(tx: WriteTx, code_hash: bytes, *, now: datetime) -> bool:
    """Mark a code as used; False when it was used before."""
    return await _SPEND_CODE.run(tx, code_hash=code_hash, now=now) > 0


async def delete_over(db: Database, *, before: datetime) -> None:
    """Delete codes, accounts that nobody verified, and registrations; each batch in a transaction of its own."""
    for over in _DELETE_OVER:
        await over.run(db, before=before)
