"""Who makes a call."""

from dataclasses import dataclass
from enum import StrEnum

from server.kernel.ids import CartId, SessionId, UserId


class Role(StrEnum):
    """What an account is."""

    CUSTOMER = "CUSTOMER"
    VENDOR = "VENDOR"
    ADMIN = "ADMIN"


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller as its verified credentials show it.

    `cart_id` comes from a guest's cart token; a signed-in caller may carry one too, until its carts are merged.
    """

    user_id: UserId | None
    role: Role | None
    session_id: SessionId | None
    cart_id: CartId | None

    @property
    def signed_in(self) -> bool:
        """Whether an account is known."""
        return self.user_id is not None

    @property
    def admin(self) -> bool:
        """Whether the caller is an administrator."""
        return self.role is Role.ADMIN

    def require_user(self) -> UserId:
        """Return the user of a call whose policy lets only signed-in callers in."""
        if self.user_id is None:
            raise RuntimeError("the policy of this method lets callers in who are not signed in")
        return self.user_id


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who wants to see something: the owner of what is asked for, or somebody who may see what belongs to others.

    What a viewer does not see does not exist for it. Background work asks as nobody and needs none.
    """

    user_id: UserId | None
    cart_id: CartId | None
    sees_all: bool


ANONYMOUS = Actor(user_id=None, role=None, session_id=None, cart_id=None)
