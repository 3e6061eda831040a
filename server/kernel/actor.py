"""Who makes a call."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from server.kernel.ids import CartId, SessionId, UserId


class Role(StrEnum):
    """What an account is."""

    CUSTOMER = "CUSTOMER"
    VENDOR = "VENDOR"
    STAFF = "STAFF"
    ADMIN = "ADMIN"


class Permission(StrEnum):
    """What a member of staff may do; `protos/kontor/options/v1/policy.proto` says what each of them is for."""

    ORDERS_READ = "orders.read"
    ORDERS_WRITE = "orders.write"
    ORDERS_FULFILL = "orders.fulfill"
    ORDERS_REFUND = "orders.refund"
    PAYMENTS_READ = "payments.read"
    PAYMENTS_RECORD = "payments.record"
    CATALOG_WRITE = "catalog.write"
    INVENTORY_READ = "inventory.read"
    INVENTORY_WRITE = "inventory.write"
    PRICING_WRITE = "pricing.write"
    CUSTOMERS_READ = "customers.read"
    CUSTOMERS_WRITE = "customers.write"
    REPORTS_READ = "reports.read"
    SETTINGS_WRITE = "settings.write"
    EVENTS_READ = "events.read"


NO_PERMISSIONS: frozenset[Permission] = frozenset()
_PERMISSIONS = {permission.value: permission for permission in Permission}


def known_permissions(words: Iterable[str]) -> frozenset[Permission]:
    """Return the permissions of these names. One that this program does not know, newer or given up, opens nothing."""
    return frozenset(_PERMISSIONS[word] for word in words if word in _PERMISSIONS)


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller as its verified credentials show it.

    `cart_id` comes from a guest's cart token; a signed-in caller may carry one too, until its carts are merged.
    """

    user_id: UserId | None
    role: Role | None
    session_id: SessionId | None
    cart_id: CartId | None
    # Of a member of staff. An administrator needs none.
    permissions: frozenset[Permission] = NO_PERMISSIONS

    @property
    def signed_in(self) -> bool:
        """Whether an account is known."""
        return self.user_id is not None

    @property
    def admin(self) -> bool:
        """Whether the caller is an administrator."""
        return self.role is Role.ADMIN

    @property
    def works_here(self) -> bool:
        """Whether the caller works in the shop."""
        return self.admin or self.role is Role.STAFF

    def may(self, permission: Permission) -> bool:
        """Whether the caller may do what the permission is for."""
        return permission in self.permissions or self.admin

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
