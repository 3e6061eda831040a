"""Sessions, and what opens and continues them."""

from dataclasses import dataclass
from datetime import timedelta

from server.features.users.values import User
from server.kernel.actor import Role
from server.kernel.ids import SessionId, UserId


@dataclass(frozen=True, slots=True)
class Device:
    """Where a login comes from, as far as that can be known."""

    remote_address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client carries of its session."""

    access_token: str
    expires_in: timedelta
    refresh_token: str


@dataclass(frozen=True, slots=True)
class UserCredentials(User):
    """An account, open or closed, with the hash that a login is checked against."""

    active: bool
    permissions: list[str]
    password_hash: str


@dataclass(frozen=True, slots=True)
class Session:
    """The session that a refresh token belongs to, and what its account may do."""

    id: SessionId
    user_id: UserId
    role: Role
    permissions: list[str]
