"""What accounts tell."""

from dataclasses import dataclass

from server.kernel.event import Event
from server.kernel.ids import RegistrationId, UserId


@dataclass(frozen=True, kw_only=True)
class UserEvent(Event):
    """Something that happened to an account."""

    aggregate = "user_id"

    user_id: UserId


@dataclass(frozen=True, kw_only=True)
class UserRegistered(UserEvent):
    """Somebody registered an address that nobody has verified yet."""

    name = "user.registered"

    registration_id: RegistrationId


@dataclass(frozen=True, kw_only=True)
class UserRegistrationRepeated(UserEvent):
    """Somebody registered the address of an account."""

    name = "user.registration_repeated"


@dataclass(frozen=True, kw_only=True)
class UserEmailVerified(UserEvent):
    """The address belongs to who registered it."""

    name = "user.email_verified"


@dataclass(frozen=True, kw_only=True)
class UserAdminCreated(UserEvent):
    """The shop has an administrator who was not made by another one."""

    name = "user.admin_created"
