"""Who may call what: the policy stands in the contract, and a method without one keeps the server from starting."""

from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from kontor.options.v1 import policy_pb2

from server.kernel.actor import Actor, Permission, Role
from server.kernel.errors import PermissionDenied, Unauthenticated
from server.rpc.rates import RateClass


class PolicyMissing(Exception):
    """A method has no policy."""


class PolicyBroken(Exception):
    """A method has a policy that makes no sense."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of one method."""

    access: policy_pb2.Access.ValueType
    permission: Permission | None
    rate_class: RateClass
    takes_key: bool
    key_required: bool
    fresh_replay: bool
    cacheable: bool
    read_only: bool


def read_policy(method: MethodDescriptor) -> Policy:
    """Read the policy of a method. Raises PolicyMissing or PolicyBroken."""
    options = method.GetOptions()
    policy = options.Extensions[policy_pb2.policy]
    if policy.access == policy_pb2.ACCESS_UNSPECIFIED:
        raise PolicyMissing(f"{method.full_name} has no (kontor.options.v1.policy) with an access")
    return Policy(
        access=policy.access,
        permission=_permission(method, policy),
        rate_class=_rate_class(policy),
        takes_key=policy.idempotency != policy_pb2.IDEMPOTENCY_UNSPECIFIED,
        key_required=policy.idempotency == policy_pb2.IDEMPOTENCY_REQUIRED,
        fresh_replay=policy.fresh_replay,
        cacheable=policy.cacheable,
        read_only=options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS,
    )


# A guest method answers everybody: a guest has no credential before its first cart exists, so the handler decides what
# a caller without one sees. A signed method is called by a provider, and its handler verifies the signature.
_OPEN = frozenset({policy_pb2.ACCESS_PUBLIC, policy_pb2.ACCESS_GUEST, policy_pb2.ACCESS_SIGNED})
# Who gets in by what they are. Staff get in by the policy's permission, which administrators need not have.
_ROLES = {
    policy_pb2.ACCESS_USER: frozenset(Role),
    policy_pb2.ACCESS_VENDOR: frozenset({Role.VENDOR, Role.ADMIN}),
    policy_pb2.ACCESS_STAFF: frozenset({Role.ADMIN}),
}
# Where a permission has to stand, since it lets in, and where nobody could use one.
_BY_PERMISSION = frozenset({policy_pb2.ACCESS_VENDOR, policy_pb2.ACCESS_STAFF})
_WITHOUT_PERMISSION = frozenset({policy_pb2.ACCESS_PUBLIC, policy_pb2.ACCESS_SIGNED})


def permitted_roles(policy: Policy) -> frozenset[Role] | None:
    """Return the roles that may call without a permission, or None when everybody may."""
    return None if policy.access in _OPEN else _ROLES[policy.access]


def authorise(actor: Actor, roles: frozenset[Role], permission: Permission | None) -> None:
    """Let an actor pass that has one of the roles, or the permission. Raises Unauthenticated or PermissionDenied."""
    if actor.role in roles or permission in actor.permissions:
        return
    if not actor.signed_in:
        raise Unauthenticated("Sign in first and send the access token as `authorization: Bearer ...`")
    if permission is None:
        raise PermissionDenied("This account may not call this method")
    raise PermissionDenied(
        f"This account may not call this method: it takes the permission {permission}",
        metadata={"permission": permission},
    )


def _permission(method: MethodDescriptor, policy: policy_pb2.Policy) -> Permission | None:
    """Return what staff need for a method. Raises PolicyBroken."""
    name = method.full_name
    if policy.access == policy_pb2.ACCESS_ADMIN:
        raise PolicyBroken(f"{name} has ACCESS_ADMIN, in whose place stands ACCESS_STAFF with a permission")
    if policy.access in _BY_PERMISSION and not policy.permission:
        raise PolicyBroken(f"{name} lets staff in by a permission, and its policy has none")
    if policy.access in _WITHOUT_PERMISSION and policy.permission:
        raise PolicyBroken(f"{name} has a permission, and nobody could use it")
    if not policy.permission:
        return None
    return Permission[policy_pb2.Permission.Name(policy.permission).removeprefix("PERMISSION_")]


def _rate_class(policy: policy_pb2.Policy) -> RateClass:
    if not policy.rate_class:
        return RateClass.DEFAULT
    return RateClass[policy_pb2.RateClass.Name(policy.rate_class).removeprefix("RATE_CLASS_")]
