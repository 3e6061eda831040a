"""Who gets through the chain to which method."""

import grpc
import pytest
from google.protobuf import descriptor_pool
from kontor.options.v1 import policy_pb2

from server.kernel.actor import ANONYMOUS, Role
from server.kernel.ids import CartId, new_id
from server.rpc.chain import Chain, Service, ServicerIncomplete
from server.rpc.policy import PolicyMissing
from tests.rpc.chain.conftest import Echo
from tests.rpc.chain.contract import DESCRIPTOR, EchoServicer, describe
from tests.world.refusals import refusal

OPEN = ("Public", "Guest", "Signed", "Once", "Read")
PASSES = {
    "nobody": OPEN,
    "guest": OPEN,
    "CUSTOMER": (*OPEN, "User"),
    "VENDOR": (*OPEN, "User", "Vendor"),
    "ADMIN": (*OPEN, "User", "Vendor", "Admin"),
}


@pytest.mark.parametrize("caller", PASSES)
@pytest.mark.parametrize("method", [*OPEN, "User", "Vendor", "Admin"])
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
    pool = descriptor_pool.DescriptorPool()
    for dependency in (policy_pb2.DESCRIPTOR, *DESCRIPTOR.file.dependencies):
        _add(pool, dependency)
    file = describe("kontor/hole/v1/hole.proto", "kontor.hole.v1", {"Public": policy_pb2.Policy()})
    pool.AddSerializedFile(file.SerializeToString())
    hole = pool.FindServiceByName("kontor.hole.v1.EchoService")

    with pytest.raises(PolicyMissing, match=r"kontor\.hole\.v1\.EchoService\.Public"):
        chain_without_parts().compose(Service(hole, EchoServicer()))


def test_does_not_start_with_a_servicer_that_lacks_a_method():
    with pytest.raises(ServicerIncomplete, match="object has no method Public"):
        chain_without_parts().compose(Service(DESCRIPTOR, object()))


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
