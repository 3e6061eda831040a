"""The SQL of accounts, sessions and codes."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    LargeBinary,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from server.db.batches import BatchDelete
from server.db.statement import Command, Query, ScalarCommand, ScalarQuery
from server.features.users.tables import EmailTokens, LoginThrottles, RefreshTokens, Registrations, Sessions, Users
from server.kernel.ids import RegistrationId, SessionId, UserId


@dataclass(frozen=True, slots=True)
class UserRow:
    """An account without its secrets."""

    id: UserId
    email: str
    display_name: str
    role: str
    permissions: list[str]
    active: bool
    email_verified_time: datetime | None
    created_time: datetime


@dataclass(frozen=True, slots=True)
class CredentialsRow(UserRow):
    """An account with the hash that a login is checked against."""

    password_hash: str


@dataclass(frozen=True, slots=True)
class CodeRow:
    """What a good code stands for."""

    registration_id: RegistrationId
    password_hash: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """The session that a refresh token belongs to."""

    id: SessionId
    user_id: UserId
    role: str
    permissions: list[str]


_now = bindparam("now", type_=DateTime(timezone=True))
_user_columns = (
    Users.id,
    Users.email,
    Users.display_name,
    Users.role,
    Users.permissions,
    Users.active,
    Users.email_verified_time,
    Users.created_time,
)
# Until somebody proves that the address is theirs, anybody may register it: else the first comer could keep its owner
# out. The account shows what the latest registration said; whose code is used decides.
_replaceable = and_(Users.email_verified_time.is_(None), Users.active)


def _unless_verified(name: str) -> ColumnElement[str]:
    return case((Users.email_verified_time.is_(None), getattr(Registrations, name)), else_=getattr(Users, name))


FIND_USER = Query(select(*_user_columns).where(Users.id == bindparam("user_id")), UserRow)
FIND_CREDENTIALS = Query(
    select(*_user_columns, Users.password_hash).where(Users.email == bindparam("email")), CredentialsRow
)

_new_user = insert(Users).values(
    id=bindparam("id"),
    email=bindparam("email"),
    password_hash=bindparam("password_hash"),
    display_name=bindparam("display_name"),
    created_time=_now,
    updated_time=_now,
)
# One statement whether the address is known or not, and it takes the row's lock: a known address takes the same time.
REGISTER_USER = ScalarCommand(
    _new_user.on_conflict_do_update(
        index_elements=["email"],
        set_={
            name: case((_replaceable, getattr(_new_user.excluded, name)), else_=getattr(Users, name))
            for name in ("password_hash", "display_name", "updated_time")
        },
    ).returning(Users.id),
    UserId,
)
INSERT_ADMIN = ScalarCommand(
    insert(Users)
    .values(
        id=bindparam("id"),
        email=bindparam("email"),
        password_hash=bindparam("password_hash"),
        role="ADMIN",
        email_verified_time=_now,
        created_time=_now,
        updated_time=_now,
    )
    .on_conflict_do_nothing()
    .returning(Users.id),
    UserId,
)
# Another login or a password change may have come first; its hash stays.
REPLACE_HASH = Command(
    update(Users)
    .values(password_hash=bindparam("new_hash"))
    .where(Users.id == bindparam("user_id"), Users.password_hash == bindparam("old_hash"))
)

# Written, or not, by one statement, whether the address is known or not.
INSERT_REGISTRATION = ScalarCommand(
    insert(Registrations)
    .from_select(
        ["id", "user_id", "password_hash", "display_name", "created_time"],
        select(
            bindparam("id", type_=Uuid),
            Users.id,
            bindparam("password_hash", type_=Text),
            bindparam("display_name", type_=Text),
            _now,
        ).where(Users.id == bindparam("user_id"), _replaceable),
    )
    .returning(Registrations.id),
    RegistrationId,
)
FIND_LATEST_REGISTRATION = ScalarQuery(
    select(Registrations.id)
    .join(Users, Users.id == Registrations.user_id)
    .where(Users.email == bindparam("email"), _replaceable)
    .order_by(Registrations.created_time.desc(), Registrations.id.desc())
    .limit(1),
    RegistrationId,
)
GET_UNVERIFIED_EMAIL = ScalarQuery(
    select(Users.email)
    .join(Registrations, Registrations.user_id == Users.id)
    .where(Registrations.id == bindparam("registration_id"), _replaceable),
    str,
)

INSERT_EMAIL_TOKEN = Command(
    insert(EmailTokens).values(
        token_hash=bindparam("token_hash"),
        registration_id=bindparam("registration_id"),
        purpose="VERIFY_EMAIL",
        created_time=_now,
        expires_time=bindparam("expires_time"),
    )
)
_good_code = and_(
    Users.id == Registrations.user_id,
    Users.active,
    Registrations.id == EmailTokens.registration_id,
    EmailTokens.token_hash == bindparam("token_hash", type_=LargeBinary),
    EmailTokens.purpose == "VERIFY_EMAIL",
    EmailTokens.used_time.is_(None),
    EmailTokens.expires_time > _now,
)
FIND_CODE = Query(
    select(Registrations.id, Registrations.password_hash)
    .select_from(Users, Registrations, EmailTokens)
    .where(_good_code),
    CodeRow,
)
# The account's row is locked first, as registration does, and the code is spent by the statement after this one. Of an
# account that is verified already nothing changes.
VERIFY_USER = Command(
    update(Users)
    .values(
        email_verified_time=func.coalesce(Users.email_verified_time, _now),
        password_hash=_unless_verified("password_hash"),
        display_name=_unless_verified("display_name"),
        updated_time=_now,
    )
    .where(_good_code)
    .returning(*_user_columns),
    UserRow,
)
SPEND_EMAIL_TOKEN = Command(
    update(EmailTokens)
    .values(used_time=_now)
    .where(EmailTokens.token_hash == bindparam("spent_hash", type_=LargeBinary), EmailTokens.used_time.is_(None))
)
# Whoever else registered the address loses: their codes go with it.
DELETE_OTHER_REGISTRATIONS = Command(
    delete(Registrations).where(
        Registrations.user_id == bindparam("user_id"), Registrations.id != bindparam("registration_id")
    )
)

# Makes no session when the account was closed or its password changed since it was checked.
_opened = (
    insert(Sessions)
    .from_select(
        ["id", "user_id", "user_agent", "remote_address", "created_time", "last_used_time", "expires_time"],
        select(
            bindparam("id", type_=Uuid),
            Users.id,
            bindparam("user_agent", type_=Text),
            bindparam("remote_address", type_=Text),
            _now,
            _now,
            bindparam("expires_time", type_=DateTime(timezone=True)),
        ).where(
            Users.id == bindparam("user_id"),
            Users.active,
            Users.password_hash == bindparam("password_hash", type_=Text),
        ),
    )
    .returning(Sessions.id)
    .cte("opened")
)
_first_token = insert(RefreshTokens).from_select(
    ["token_hash", "session_id", "created_time"],
    select(bindparam("token_hash", type_=LargeBinary), _opened.c.id, _now),
)
_forgiven = delete(LoginThrottles).where(
    LoginThrottles.subject_hash == bindparam("subject_hash"), exists().where(_opened.c.id.is_not(None))
)
# With its first token, and without the failures before it: one statement for what every login does.
OPEN_SESSION = ScalarCommand(
    select(_opened.c.id).add_cte(_first_token.cte("first_token"), _forgiven.cte("forgiven")), SessionId
)
INSERT_REFRESH_TOKEN = Command(
    insert(RefreshTokens).values(
        token_hash=bindparam("token_hash"), session_id=bindparam("session_id"), created_time=_now
    )
)
# Locks the token: of two calls with the same one, the second finds it used.
USE_REFRESH_TOKEN = Command(
    update(RefreshTokens)
    .values(used_time=_now)
    .where(
        RefreshTokens.token_hash == bindparam("token_hash", type_=LargeBinary),
        RefreshTokens.used_time.is_(None),
        Sessions.id == RefreshTokens.session_id,
        Sessions.revoked_time.is_(None),
        Sessions.expires_time > _now,
        Users.id == Sessions.user_id,
        Users.active,
    )
    .returning(Sessions.id, Sessions.user_id, Users.role, Users.permissions),
    SessionRow,
)
TOUCH_SESSION = Command(
    update(Sessions)
    .values(last_used_time=_now, expires_time=bindparam("new_expires_time", type_=DateTime(timezone=True)))
    .where(Sessions.id == bindparam("session_id"))
)


def _revoke(condition: ColumnElement[bool]) -> ScalarCommand[str]:
    """Revoke sessions and tell every process, when and only when that commits."""
    revoked = (
        update(Sessions)
        .values(revoked_time=_now)
        .where(condition, Sessions.revoked_time.is_(None))
        .returning(Sessions.id)
        .cte("revoked")
    )
    return ScalarCommand(select(func.pg_notify("session_revoked", cast(revoked.c.id, Text))), str)


_own = Sessions.user_id == bindparam("user_id")
REVOKE_SESSION = _revoke(and_(_own, Sessions.id == bindparam("session_id")))
REVOKE_ALL_SESSIONS = _revoke(_own)
REVOKE_SESSION_OF_USED_TOKEN = _revoke(
    and_(
        Sessions.id == RefreshTokens.session_id,
        RefreshTokens.token_hash == bindparam("token_hash", type_=LargeBinary),
        RefreshTokens.used_time.is_not(None),
    )
)
LIST_REVOKED = ScalarQuery(select(Sessions.id).where(Sessions.revoked_time >= bindparam("since")), SessionId)

_next_count = case(
    (LoginThrottles.updated_time <= _now - bindparam("window", type_=Interval), 1),
    else_=LoginThrottles.failure_count + 1,
)
_free = bindparam("free", type_=Integer)
_wait = func.least(
    bindparam("longest", type_=Interval),
    # The exponent stays where the product is still an interval.
    bindparam("first", type_=Interval).op("*", return_type=Interval())(
        func.power(2.0, func.least(_next_count - _free, 30))
    ),
)
# Counts and blocks in one statement, so that no two attempts read the same count. Returns nothing while blocked.
COUNT_ATTEMPT = ScalarCommand(
    insert(LoginThrottles)
    .values(subject_hash=bindparam("subject_hash"), failure_count=1, blocked_until_time=_now, updated_time=_now)
    .on_conflict_do_update(
        index_elements=["subject_hash"],
        set_={
            "failure_count": _next_count,
            "blocked_until_time": case((_next_count >= _free, _now + _wait), else_=_now),
            "updated_time": _now,
        },
        where=LoginThrottles.blocked_until_time <= _now,
    )
    .returning(LoginThrottles.failure_count),
    int,
)
BLOCKED_UNTIL: ScalarQuery[datetime | None] = ScalarQuery(
    select(func.max(LoginThrottles.blocked_until_time)).where(
        LoginThrottles.subject_hash == any_(bindparam("subject_hashes", type_=ARRAY(LargeBinary))),
        LoginThrottles.blocked_until_time > _now,
    )
)
CLEAR_THROTTLE = Command(delete(LoginThrottles).where(LoginThrottles.subject_hash == bindparam("subject_hash")))

_before = bindparam("before", type_=DateTime(timezone=True))
_over = or_(Sessions.expires_time <= _before, Sessions.revoked_time <= _before)
# In this order: a session has a token for every quarter of an hour, too many to go along with many sessions at once.
CLEAN_UP = (
    BatchDelete(RefreshTokens, RefreshTokens.session_id.in_(select(Sessions.id).where(_over))),
    BatchDelete(Sessions, _over),
    BatchDelete(EmailTokens, EmailTokens.expires_time <= _before),
    # Nobody can verify them any more, and nothing else could be done with them.
    BatchDelete(Users, and_(_replaceable, Users.updated_time <= _before)),
    BatchDelete(Registrations, Registrations.created_time <= _before),
    BatchDelete(
        LoginThrottles, and_(LoginThrottles.updated_time <= _before, LoginThrottles.blocked_until_time <= _before)
    ),
)
