"""Who gets through the chain to which method."""

import grpc
import pytest
from google.protobuf import descriptor_pool
from kontor.options.v1 import policy_pb2

from server.kernel.actor import ANONYMOUS, Permission, Role
from server.kernel.ids import CartId, new_id
from server.rpc.chain import Chain, Service
from server.rpc.policy import PolicyBroken, PolicyMissing
from server.rpc.work import ServicerIncomplete
from tests.rpc.chain.conftest import Echo
from tests.rpc.chain.contract import DESCRIPTOR, EchoServicer, describe
from tests.world.refusals import refusal

OPEN = ("Public", "Guest", "Watched", "Signed", "Once", "Read")
PASSES = {
    "nobody": OPEN,
    "guest": OPEN,
    "CUSTOMER": (*OPEN, "User"),
    "VENDOR": (*OPEN, "User", "Vendor"),
    "STAFF": (*OPEN, "User"),
    "ADMIN": (*OPEN, "User", "Vendor", "Staff"),
}
# What lets a member of staff in, where the policy names it.
NEEDED = {"Vendor": Permission.CATALOG_WRITE, "Staff": Permission.INVENTORY_WRITE}


@pytest.mark.parametrize("caller", PASSES)
@pytest.mark.parametrize("method", [*OPEN, "User", "Vendor", "Staff"])
async def test_lets_through_whom_the_policy_names(echo: Echo, caller: str, method: str):
    headers = {"nobody": (), "guest": echo.guest(CartId(new_id()))}.get(caller) or (
        echo.user(Role(caller)) if caller in list(Role) else ()
    )

    if method in PASSES[caller]:
        assert (await echo.call(method, headers=headers, text="hi")).text == "echo hi"
        return
    refused = await refusal(echo.call(method, headers=headers, text="hi"))

    code = grpc.StatusCode.PERMISSION_DENIED if caller in list(Role) else grpc.StatusCode.UNAUTHENTICATED
    assert (refused.code, refused.reason) == (code, code.name)
    assert echo.servicer.calls == []


@pytest.mark.parametrize("method", NEEDED)
async def test_lets_staff_in_by_the_permission_of_the_policy_and_by_no_other(echo: Echo, method: str):
    needed = NEEDED[method]
    clerk = echo.user(Role.STAFF, permissions=[needed])
    colleague = echo.user(Role.STAFF, permissions=set(Permission) - {needed})

    assert (await echo.call(method, headers=clerk, text="hi")).text == "echo hi"
    refused = await refusal(echo.call(method, headers=colleague))

    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert refused.metadata == {"permission": needed}
    assert needed in refused.message
    assert len(echo.servicer.calls) == 1


async def test_shows_what_belongs_to_others_to_who_has_the_permission_of_the_policy(echo: Echo):
    callers = {
        "anonymous": (),
        "customer": echo.user(),
        "vendor": echo.user(Role.VENDOR),
        "colleague": echo.user(Role.STAFF, permissions=set(Permission) - {Permission.ORDERS_READ}),
        "clerk": echo.user(Role.STAFF, permissions=[Permission.ORDERS_READ]),
        "admin": echo.user(Role.ADMIN),
    }
    for method in ("Watched", "Guest"):
        for headers in callers.values():
            await echo.call(method, headers=headers)

    watched, guest = echo.servicer.calls[:6], echo.servicer.calls[6:]
    assert [call.viewer.sees_all for call in watched] == [False, False, False, False, True, True]
    assert not any(call.viewer.sees_all for call in guest)
    assert [call.viewer.user_id for call in watched] == [call.actor.user_id for call in watched]


async def test_only_staff_has_permissions_whatever_was_issued(echo: Echo):
    await echo.call("User", headers=echo.user(Role.CUSTOMER, permissions=set(Permission)))

    assert not echo.servicer.calls[0].actor.may(Permission.ORDERS_READ)


async def test_hands_the_actor_to_the_servicer(echo: Echo):
    cart_id = CartId(new_id())

    await echo.call("Public", headers=(*echo.user(Role.VENDOR), *echo.guest(cart_id)))
    await echo.call("Public")

    both, nobody = (call.actor for call in echo.servicer.calls)
    assert (both.role, both.cart_id, both.signed_in, both.admin) == (Role.VENDOR, cart_id, True, False)
    assert nobody is ANONYMOUS


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ((("authorization", "Bearer nonsense"),), "TOKEN_INVALID"),
        ((("authorization", "Basic dTpw"),), "TOKEN_INVALID"),
        ((("authorization", ""),), "TOKEN_INVALID"),
        ((("x-cart-token", "nonsense"),), "CART_TOKEN_INVALID"),
    ],
)
async def test_refuses_credentials_that_do_not_hold_even_where_none_are_needed(echo: Echo, headers, reason):
    refused = await refusal(echo.call("Public", headers=headers))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, reason)


async def test_refuses_an_expired_token(echo: Echo):
    headers = echo.user()
    await echo.call("User", headers=headers)
    echo.clock.time = echo.clock.time.replace(hour=13)

    refused = await refusal(echo.call("User", headers=headers))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")


async def test_leaves_the_headers_of_a_provider_alone(echo: Echo):
    await echo.call("Signed", headers=(("authorization", "Basic dTpw"),))

    assert echo.servicer.calls[0].actor is ANONYMOUS
    assert echo.servicer.calls[0].header("authorization") == "Basic dTpw"


def test_does_not_start_with_a_method_without_policy():
    with pytest.raises(PolicyMissing, match=r"kontor\.hole\.v1\.EchoService\.Public"):
        chain_without_parts().compose(service_with(policy_pb2.Policy()))


@pytest.mark.parametrize(
    ("access", "permission", "why"),
    [
        ("STAFF", None, "has none"),
        ("VENDOR", None, "has none"),
        ("PUBLIC", "ORDERS_READ", "nobody could use it"),
        ("SIGNED", "ORDERS_READ", "nobody could use it"),
        ("ADMIN", None, "ACCESS_STAFF"),
        ("ADMIN", "ORDERS_READ", "ACCESS_STAFF"),
    ],
)
def test_does_not_start_with_a_policy_that_makes_no_sense(access, permission, why):
    policy = policy_pb2.Policy(
        access=policy_pb2.Access.Value(f"ACCESS_{access}"),
        permission=policy_pb2.Permission.Value(f"PERMISSION_{permission or 'UNSPECIFIED'}"),
    )

    with pytest.raises(PolicyBroken, match=rf"kontor\.hole\.v1\.EchoService\.Public.*{why}"):
        chain_without_parts().compose(service_with(policy))


def test_does_not_start_with_a_servicer_that_lacks_a_method():
    with pytest.raises(ServicerIncomplete, match="object has no method Public"):
        chain_without_parts().compose(Service(DESCRIPTOR, object()))


def service_with(policy: policy_pb2.Policy) -> Service:
    """Make a service whose one method has the policy."""
    pool = descriptor_pool.DescriptorPool()
    for dependency in (policy_pb2.DESCRIPTOR, *DESCRIPTOR.file.dependencies):
        _add(pool, dependency)
    file = describe("kontor/hole/v1/hole.proto", "kontor.hole.v1", {"Public": policy})
    pool.AddSerializedFile(file.SerializeToString())
    return Service(pool.FindServiceByName("kontor.hole.v1.EchoService"), EchoServicer())


def chain_without_parts() -> Chain:
    """Make a chain that never gets a call."""
    parts: dict[str, object] = dict.fromkeys(("db", "clock"))
    return Chain(authenticator=_NoAuthenticator(), **parts)  # type: ignore[arg-type]


class _NoAuthenticator:
    authenticate = None


def _add(pool: descriptor_pool.DescriptorPool, file) -> None:
    for dependency in file.dependencies:
        _add(pool, dependency)
    pool.AddSerializedFile(file.serialized_pb)
