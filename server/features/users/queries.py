"""The SQL of accounts, sessions and codes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

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
from server.features.users.tables import EmailToken, LoginThrottle, RefreshToken, Registration, Session, User
from server.kernel.ids import SessionId, UserId


@dataclass(frozen=True, slots=True)
class UserRow:
    """An account without its secrets."""

    id: UserId
    email: str
    display_name: str
    role: str
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

    registration_id: UUID
    password_hash: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """The session that a refresh token belongs to."""

    id: SessionId
    user_id: UserId
    role: str


_now = bindparam("now", type_=DateTime(timezone=True))
_user_columns = (
    User.id,
    User.email,
    User.display_name,
    User.role,
    User.active,
    User.email_verified_time,
    User.created_time,
)
# Until somebody proves that the address is theirs, anybody may register it: else the first comer could keep its owner
# out. The account shows what the latest registration said; whose code is used decides.
_replaceable = and_(User.email_verified_time.is_(None), User.active)


def _unless_verified(name: str) -> ColumnElement[str]:
    return case((User.email_verified_time.is_(None), getattr(Registration, name)), else_=getattr(User, name))


FIND_USER = Query(select(*_user_columns).where(User.id == bindparam("user_id")), UserRow)
FIND_CREDENTIALS = Query(
    select(*_user_columns, User.password_hash).where(User.email == bindparam("email")), CredentialsRow
)

_new_user = insert(User).values(
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
            name: case((_replaceable, getattr(_new_user.excluded, name)), else_=getattr(User, name))
            for name in ("password_hash", "display_name", "updated_time")
        },
    ).returning(User.id),
    UserId,
)
INSERT_ADMIN = ScalarCommand(
    insert(User)
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
    .returning(User.id),
    UserId,
)
# Another login or a password change may have come first; its hash stays.
REPLACE_HASH = Command(
    update(User)
    .values(password_hash=bindparam("new_hash"))
    .where(User.id == bindparam("user_id"), User.password_hash == bindparam("old_hash"))
)

# Written, or not, by one statement, whether the address is known or not.
INSERT_REGISTRATION = ScalarCommand(
    insert(Registration)
    .from_select(
        ["id", "user_id", "password_hash", "display_name", "created_time"],
        select(
            bindparam("id", type_=Uuid),
            User.id,
            bindparam("password_hash", type_=Text),
            bindparam("display_name", type_=Text),
            _now,
        ).where(User.id == bindparam("user_id"), _replaceable),
    )
    .returning(Registration.id),
    UUID,
)
FIND_LATEST_REGISTRATION = ScalarQuery(
    select(Registration.id)
    .join(User, User.id == Registration.user_id)
    .where(User.email == bindparam("email"), _replaceable)
    .order_by(Registration.created_time.desc(), Registration.id.desc())
    .limit(1),
    UUID,
)
GET_UNVERIFIED_EMAIL = ScalarQuery(
    select(User.email)
    .join(Registration, Registration.user_id == User.id)
    .where(Registration.id == bindparam("registration_id"), _replaceable),
    str,
)

INSERT_EMAIL_TOKEN = Command(
    insert(EmailToken).values(
        token_hash=bindparam("token_hash"),
        registration_id=bindparam("registration_id"),
        purpose="VERIFY_EMAIL",
        created_time=_now,
        expires_time=bindparam("expires_time"),
    )
)
_good_code = and_(
    User.id == Registration.user_id,
    User.active,
    Registration.id == EmailToken.registration_id,
    EmailToken.token_hash == bindparam("token_hash", type_=LargeBinary),
    EmailToken.purpose == "VERIFY_EMAIL",
    EmailToken.used_time.is_(None),
    EmailToken.expires_time > _now,
)
FIND_CODE = Query(
    select(Registration.id, Registration.password_hash).select_from(User, Registration, EmailToken).where(_good_code),
    CodeRow,
)
# The account's row is locked first, as registration does, and the code is spent by the statement after this one. Of an
# account that is verified already nothing changes.
VERIFY_USER = Command(
    update(User)
    .values(
        email_verified_time=func.coalesce(User.email_verified_time, _now),
        password_hash=_unless_verified("password_hash"),
        display_name=_unless_verified("display_name"),
        updated_time=_now,
    )
    .where(_good_code)
    .returning(*_user_columns),
    UserRow,
)
SPEND_EMAIL_TOKEN = Command(
    update(EmailToken)
    .values(used_time=_now)
    .where(EmailToken.token_hash == bindparam("spent_hash", type_=LargeBinary), EmailToken.used_time.is_(None))
)
# Whoever else registered the address loses: their codes go with it.
DELETE_OTHER_REGISTRATIONS = Command(
    delete(Registration).where(
        Registration.user_id == bindparam("user_id"), Registration.id != bindparam("registration_id")
    )
)

# Makes no session when the account was closed or its password changed since it was checked.
_opened = (
    insert(Session)
    .from_select(
        ["id", "user_id", "user_agent", "remote_address", "created_time", "last_used_time", "expires_time"],
        select(
            bindparam("id", type_=Uuid),
            User.id,
            bindparam("user_agent", type_=Text),
            bindparam("remote_address", type_=Text),
            _now,
            _now,
            bindparam("expires_time", type_=DateTime(timezone=True)),
        ).where(
            User.id == bindparam("user_id"), User.active, User.password_hash == bindparam("password_hash", type_=Text)
        ),
    )
    .returning(Session.id)
    .cte("opened")
)
_first_token = insert(RefreshToken).from_select(
    ["token_hash", "session_id", "created_time"],
    select(bindparam("token_hash", type_=LargeBinary), _opened.c.id, _now),
)
_forgiven = delete(LoginThrottle).where(
    LoginThrottle.subject_hash == bindparam("subject_hash"), exists().where(_opened.c.id.is_not(None))
)
# With its first token, and without the failures before it: one statement for what every login does.
OPEN_SESSION = ScalarCommand(
    select(_opened.c.id).add_cte(_first_token.cte("first_token"), _forgiven.cte("forgiven")), SessionId
)
INSERT_REFRESH_TOKEN = Command(
    insert(RefreshToken).values(
        token_hash=bindparam("token_hash"), session_id=bindparam("session_id"), created_time=_now
    )
)
# Locks the token: of two calls with the same one, the second finds it used.
USE_REFRESH_TOKEN = Command(
    update(RefreshToken)
    .values(used_time=_now)
    .where(
        RefreshToken.token_hash == bindparam("token_hash", type_=LargeBinary),
        RefreshToken.used_time.is_(None),
        Session.id == RefreshToken.session_id,
        Session.revoked_time.is_(None),
        Session.expires_time > _now,
        User.id == Session.user_id,
        User.active,
    )
    .returning(Session.id, Session.user_id, User.role),
    SessionRow,
)
TOUCH_SESSION = Command(
    update(Session)
    .values(last_used_time=_now, expires_time=bindparam("new_expires_time", type_=DateTime(timezone=True)))
    .where(Session.id == bindparam("session_id"))
)


def _revoke(condition: ColumnElement[bool]) -> ScalarCommand[str]:
    """Revoke sessions and tell every process, when and only when that commits."""
    revoked = (
        update(Session)
        .values(revoked_time=_now)
        .where(condition, Session.revoked_time.is_(None))
        .returning(Session.id)
        .cte("revoked")
    )
    return ScalarCommand(select(func.pg_notify("session_revoked", cast(revoked.c.id, Text))), str)


_own = Session.user_id == bindparam("user_id")
REVOKE_SESSION = _revoke(and_(_own, Session.id == bindparam("session_id")))
REVOKE_ALL_SESSIONS = _revoke(_own)
REVOKE_SESSION_OF_USED_TOKEN = _revoke(
    and_(
        Session.id == RefreshToken.session_id,
        RefreshToken.token_hash == bindparam("token_hash", type_=LargeBinary),
        RefreshToken.used_time.is_not(None),
    )
)
LIST_REVOKED = ScalarQuery(select(Session.id).where(Session.revoked_time >= bindparam("since")), SessionId)

_next_count = case(
    (LoginThrottle.updated_time <= _now - bindparam("window", type_=Interval), 1),
    else_=LoginThrottle.failure_count + 1,
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
    insert(LoginThrottle)
    .values(subject_hash=bindparam("subject_hash"), failure_count=1, blocked_until_time=_now, updated_time=_now)
    .on_conflict_do_update(
        index_elements=["subject_hash"],
        set_={
            "failure_count": _next_count,
            "blocked_until_time": case((_next_count >= _free, _now + _wait), else_=_now),
            "updated_time": _now,
        },
        where=LoginThrottle.blocked_until_time <= _now,
    )
    .returning(LoginThrottle.failure_count),
    int,
)
BLOCKED_UNTIL: ScalarQuery[datetime | None] = ScalarQuery(
    select(func.max(LoginThrottle.blocked_until_time)).where(
        LoginThrottle.subject_hash == any_(bindparam("subject_hashes", type_=ARRAY(LargeBinary))),
        LoginThrottle.blocked_until_time > _now,
    )
)
CLEAR_THROTTLE = Command(delete(LoginThrottle).where(LoginThrottle.subject_hash == bindparam("subject_hash")))

_before = bindparam("before", type_=DateTime(timezone=True))
_over = or_(Session.expires_time <= _before, Session.revoked_time <= _before)
# In this order: a session has a token for every quarter of an hour, too many to go along with many sessions at once.
CLEAN_UP = (
    BatchDelete(RefreshToken, RefreshToken.session_id.in_(select(Session.id).where(_over))),
    BatchDelete(Session, _over),
    BatchDelete(EmailToken, EmailToken.expires_time <= _before),
    # Nobody can verify them any more, and nothing else could be done with them.
    BatchDelete(User, and_(_replaceable, User.updated_time <= _before)),
    BatchDelete(Registration, Registration.created_time <= _before),
    BatchDelete(
        LoginThrottle, and_(LoginThrottle.updated_time <= _before, LoginThrottle.blocked_until_time <= _before)
    ),
)
