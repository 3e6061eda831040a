"""The SQL of sessions."""

from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    DateTime,
    LargeBinary,
    Text,
    Uuid,
    and_,
    bindparam,
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
from server.db.rows import columns_of
from server.db.session import Database, ReadTx, WriteTx
from server.db.statement import Bound, Command, Query, ScalarCommand, ScalarQuery
from server.db.words import word
from server.features.users.sessions.values import Device, Session, UserCredentials
from server.features.users.tables import LoginThrottles, RefreshTokens, Sessions, Users
from server.kernel.ids import SESSION, SessionId, UserId
from server.rpc.auth import REVOKED_CHANNEL

_USER_AGENT_LENGTH: Final = 500

_now = bindparam("now", type_=DateTime(timezone=True))
_given_token = RefreshTokens.token_hash == bindparam("token_hash", type_=LargeBinary)

_FIND_CREDENTIALS = Query(
    select(*columns_of(UserCredentials, Users)).where(Users.email == bindparam("email")), UserCredentials
)
# Another login or a password change may have come first; its hash stays.
_UPDATE_PASSWORD_HASH = Command(
    update(Users)
    .values(password_hash=bindparam("new_hash"))
    .where(Users.id == bindparam("user_id"), Users.password_hash == bindparam("old_hash"))
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
_INSERT_SESSION = ScalarCommand(
    select(_opened.c.id).add_cte(_first_token.cte("first_token"), _forgiven.cte("forgiven")), SessionId
)
_INSERT_REFRESH_TOKEN = Command(
    insert(RefreshTokens).values(
        token_hash=bindparam("token_hash"), session_id=bindparam("session_id"), created_time=_now
    )
)
# Locks the token: of two calls with the same one, the second finds it used.
_USE_REFRESH_TOKEN = Command(
    update(RefreshTokens)
    .values(used_time=_now)
    .where(
        _given_token,
        RefreshTokens.used_time.is_(None),
        Sessions.id == RefreshTokens.session_id,
        Sessions.revoked_time.is_(None),
        Sessions.expires_time > _now,
        Users.id == Sessions.user_id,
        Users.active,
    )
    .returning(*columns_of(Session, Sessions, role=Users.__table__.c.role, permissions=Users.__table__.c.permissions)),
    Session,
)
_EXTEND_SESSION = Command(
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
    return ScalarCommand(select(func.pg_notify(word(REVOKED_CHANNEL), cast(revoked.c.id, Text))), str)


_own = Sessions.user_id == bindparam("user_id")
_REVOKE_SESSION = _revoke(and_(_own, Sessions.id == bindparam("session_id")))
_REVOKE_ALL_SESSIONS = _revoke(_own)
_REVOKE_SESSION_OF_USED_TOKEN = _revoke(
    and_(Sessions.id == RefreshTokens.session_id, _given_token, RefreshTokens.used_time.is_not(None))
)
_LIST_REVOKED = ScalarQuery(select(Sessions.id).where(Sessions.revoked_time >= bindparam("since")), SessionId)

_before = bindparam("before", type_=DateTime(timezone=True))
_over = or_(Sessions.expires_time <= _before, Sessions.revoked_time <= _before)
# In this order: a session has a token for every quarter of an hour, too many to go along with many sessions at once.
_DELETE_OVER = (
    BatchDelete(RefreshTokens, RefreshTokens.session_id.in_(select(Sessions.id).where(_over))),
    BatchDelete(Sessions, _over),
)


def finding_credentials(email: str) -> Bound[UserCredentials | None]:
    """Return the statement that finds the account of an address, with its hash, to be run together with others."""
    return _FIND_CREDENTIALS.bind_first(email=email)


async def update_password_hash(tx: WriteTx, user_id: UserId, *, old_hash: str, new_hash: str) -> None:
    """Hash an account's password anew, unless it has another hash by now."""
    await _UPDATE_PASSWORD_HASH.run(tx, user_id=user_id, new_hash=new_hash, old_hash=old_hash)


async def insert_session(
    tx: WriteTx,
    user: UserCredentials,
    device: Device,
    *,
    token_hash: bytes,
    subject: bytes,
    now: datetime,
    expires_time: datetime,
) -> SessionId | None:
    """Open a session with its first refresh token, and forget the failures of the throttled subject.

    None when the account was closed or its password changed since it was read.
    """
    return await _INSERT_SESSION.first(
        tx,
        id=SESSION.new(),
        user_id=user.id,
        password_hash=user.password_hash,
        user_agent=device.user_agent[:_USER_AGENT_LENGTH],
        remote_address=device.remote_address,
        token_hash=token_hash,
        subject_hash=subject,
        now=now,
        expires_time=expires_time,
    )


async def insert_refresh_token(tx: WriteTx, session_id: SessionId, *, token_hash: bytes, now: datetime) -> None:
    """Give a session another refresh token."""
    await _INSERT_REFRESH_TOKEN.run(tx, token_hash=token_hash, session_id=session_id, now=now)


async def use_refresh_token(tx: WriteTx, token_hash: bytes, *, now: datetime) -> Session | None:
    """Mark a refresh token as used and return its session; None when the token or the session is no good any more."""
    return await _USE_REFRESH_TOKEN.first(tx, token_hash=token_hash, now=now)


async def extend_session(tx: WriteTx, session_id: SessionId, *, now: datetime, expires_time: datetime) -> None:
    """Note that a session was used, and move its end."""
    await _EXTEND_SESSION.run(tx, session_id=session_id, now=now, new_expires_time=expires_time)


async def revoke_session(tx: WriteTx, user_id: UserId, session_id: SessionId, *, now: datetime) -> None:
    """End a session of an account."""
    await _REVOKE_SESSION.all(tx, user_id=user_id, session_id=session_id, now=now)


async def revoke_all_sessions(tx: WriteTx, user_id: UserId, *, now: datetime) -> None:
    """End all sessions of an account."""
    await _REVOKE_ALL_SESSIONS.all(tx, user_id=user_id, now=now)


async def revoke_session_of_used_token(tx: WriteTx, token_hash: bytes, *, now: datetime) -> bool:
    """End the session of a refresh token that was used before; return whether there was one to end."""
    return bool(await _REVOKE_SESSION_OF_USED_TOKEN.all(tx, token_hash=token_hash, now=now))


async def list_revoked(tx: ReadTx, *, since: datetime) -> list[SessionId]:
    """Return the sessions that were ended early, since a time."""
    return await _LIST_REVOKED.all(tx, since=since)


async def delete_over(db: Database, *, before: datetime) -> None:
    """Delete sessions that are over, and their refresh tokens; each batch in a transaction of its own."""
    for over in _DELETE_OVER:
        await over.run(db, before=before)
