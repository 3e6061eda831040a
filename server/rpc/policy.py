"""Who may call what: the policy stands in the contract, and a method without one keeps the server from starting."""

from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from kontor.options.v1 import policy_pb2

from server.kernel.actor import Actor, Role
from server.kernel.errors import PermissionDenied, Unauthenticated


class PolicyMissing(Exception):
    """A method has no policy."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of one method."""

    access: policy_pb2.Access.ValueType
    takes_key: bool
    key_required: bool
    fresh_replay: bool
    cacheable: bool
    read_only: bool


def read_policy(method: MethodDescriptor) -> Policy:
    """Read the policy of a method. Raises PolicyMissing."""
    options = method.GetOptions()
    policy = options.Extensions[policy_pb2.policy]
    if policy.access == policy_pb2.ACCESS_UNSPECIFIED:
        raise PolicyMissing(f"{method.full_name} has no (kontor.options.v1.policy) with an access")
    return Policy(
        access=policy.access,
        takes_key=policy.idempotency != policy_pb2.IDEMPOTENCY_UNSPECIFIED,
        key_required=policy.idempotency == policy_pb2.IDEMPOTENCY_REQUIRED,
        fresh_replay=policy.fresh_replay,
        cacheable=policy.cacheable,
        read_only=options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS,
    )


# A guest method answers everybody: a guest has no credential before its first cart exists, so the handler decides what
# a caller without one sees. A signed method is called by a provider, and its handler verifies the signature.
_OPEN = frozenset({policy_pb2.ACCESS_PUBLIC, policy_pb2.ACCESS_GUEST, policy_pb2.ACCESS_SIGNED})
_ROLES = {
    policy_pb2.ACCESS_USER: frozenset(Role),
    policy_pb2.ACCESS_VENDOR: frozenset({Role.VENDOR, Role.ADMIN}),
    policy_pb2.ACCESS_ADMIN: frozenset({Role.ADMIN}),
}


def permitted_roles(access: policy_pb2.Access.ValueType) -> frozenset[Role] | None:
    """Return the roles that may call, or None when everybody may."""
    return None if access in _OPEN else _ROLES[access]


def authorise(actor: Actor, roles: frozenset[Role]) -> None:
    """Let an actor of one of the roles pass. Raises Unauthenticated or PermissionDenied."""
    if actor.role in roles:
        return
    if not actor.signed_in:
        raise Unauthenticated("Sign in first and send the access token as `authorization: Bearer ...`")
    raise PermissionDenied("This account may not call this method")
