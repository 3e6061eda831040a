"""The shop's one port speaks JSON, gRPC-Web and gRPC; errors have one form; grpcurl finds its way."""

import asyncio
import base64
import json
import struct
import sys
from pathlib import Path
from uuid import uuid4

import grpc
import httpx
import pytest
from kontor.cart.v1 import cart_service_pb2, cart_service_pb2_grpc
from kontor.catalog.v1 import catalog_pb2, catalog_service_pb2, catalog_service_pb2_grpc

from tests.rest.edge_process import RunningEdge
from tests.rest.purchase import check_out, fill_as_guest
from tests.rest.web import Web, refusal
from tests.world.refusals import refusal as grpc_refusal
from tests.world.shop import Shop

GRPCURL = Path(sys.executable).with_name("grpcurl")


# JSON


async def test_takes_both_spellings_and_gives_one(web: Web, shop: Shop) -> None:
    camel = await web.post("/v1/cart/items", {"variantId": shop.variants["mug"], "quantity": 1})
    snake = await web.post("/v1/cart/items", {"variant_id": shop.variants["mug"], "quantity": 1})
    by_query = await web.get("/v1/products?page_size=1"), await web.get("/v1/products?pageSize=1")

    assert "variantId" in camel["items"][0]
    assert "variant_id" not in camel["items"][0]
    assert camel["items"][0]["variantId"] == snake["items"][0]["variantId"]
    assert by_query[0] == by_query[1]


async def test_every_refusal_is_json_with_the_request_id(web: Web, shop: Shop) -> None:
    mine = f"test-{uuid4()}"
    answers = {
        "an unknown path": await web.send("GET", "/v1/nothing", x_request_id=mine),
        "an unknown method": await web.send("DELETE", "/v1/products/shirt", x_request_id=mine),
        "an unknown parameter": await web.send("GET", "/v1/products?colour=red", x_request_id=mine),
        "an unknown field": await web.send("POST", "/v1/cart/items", {"colour": "red"}, x_request_id=mine),
        "a broken rule": await web.send("POST", "/v1/cart/items", {"variantId": "x"}, x_request_id=mine),
        "no account": await web.send("GET", "/v1/users/me", x_request_id=mine),
        "a forged token": await web.signed_in("x.y.z").send("GET", "/v1/users/me", x_request_id=mine),
        "a missing thing": await web.send("GET", "/v1/products/nothing", x_request_id=mine),
    }

    refusals = {what: refusal(response) for what, response in answers.items()}

    assert {what: (one.status, one.reason) for what, one in refusals.items()} == {
        "an unknown path": (404, "NOT_FOUND"),
        "an unknown method": (404, "NOT_FOUND"),
        "an unknown parameter": (400, "INVALID_ARGUMENT"),
        "an unknown field": (400, "INVALID_ARGUMENT"),
        "a broken rule": (400, "INVALID_ARGUMENT"),
        "no account": (401, "UNAUTHENTICATED"),
        "a forged token": (401, "TOKEN_INVALID"),
        "a missing thing": (404, "NOT_FOUND"),
    }
    assert refusals["a broken rule"].fields == ["quantity"]
    assert {one.request_id for one in refusals.values()} == {mine}


async def test_a_request_id_that_is_not_given_is_made(web: Web) -> None:
    ids = {refusal(await web.send("GET", "/v1/users/me")).request_id for _ in range(3)}

    assert len(ids) == 3
    assert all(len(one) >= 32 for one in ids)


async def test_tells_web_callers_nothing_of_grpc(web: Web) -> None:
    for response in (await web.send("GET", "/v1/products"), await web.send("GET", "/v1/users/me")):
        assert [name for name in response.headers if name.startswith(("grpc-", "x-envoy-"))] == []


# gRPC and gRPC-Web


async def test_speaks_grpc_on_the_same_port(web: Web, front: RunningEdge, shop: Shop) -> None:
    guest = await fill_as_guest(web, shop.variants["shirt"])
    await check_out(guest)

    for target in (front.http_target, front.grpc_target):
        async with grpc.aio.insecure_channel(target) as channel:
            carts = cart_service_pb2_grpc.CartServiceStub(channel)
            metadata = tuple(guest.headers.items())
            cart = await carts.GetCart(cart_service_pb2.GetCartRequest(), metadata=metadata)
            change = cart_service_pb2.UpdateItemRequest(item_id=cart.items[0].id, quantity=99)
            refused = await grpc_refusal(carts.UpdateItem(change, metadata=metadata))

        assert [item.sku for item in cart.items] == ["shirt"]
        # Errors keep their details on the way.
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK")
        assert refused.metadata == {shop.variants["shirt"]: "10"}


async def test_spreads_the_calls_of_one_connection_over_the_workers(front: RunningEdge, web: Web) -> None:
    before = await calls_by_worker(front)

    async with grpc.aio.insecure_channel(front.grpc_target) as channel:
        catalog = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        for _ in range(30):
            await catalog.GetProduct(catalog_service_pb2.GetProductRequest(product_id="mug"))

    taken = {worker: count - before[worker] for worker, count in (await calls_by_worker(front)).items()}
    assert len(taken) == 2
    assert min(taken.values()) > 0
    assert sum(taken.values()) >= 30


async def calls_by_worker(front: RunningEdge) -> dict[str, int]:
    """Ask Envoy how many calls each worker got."""
    transport = httpx.AsyncHTTPTransport(uds=str(front.folder / "admin.sock"))
    async with httpx.AsyncClient(transport=transport, base_url="http://admin") as admin:
        clusters = (await admin.get("/clusters?format=json")).json()["cluster_statuses"]
    [workers] = [cluster for cluster in clusters if cluster["name"] == "workers"]
    return {
        host["address"]["pipe"]["path"]: int(stat.get("value", 0))
        for host in workers["host_statuses"]
        for stat in host["stats"]
        if stat["name"] == "rq_total"
    }


@pytest.mark.parametrize("kind", ["application/grpc-web+proto", "application/grpc-web-text"])
async def test_speaks_grpc_web(web: Web, kind: str) -> None:
    message = catalog_service_pb2.GetProductRequest(product_id="shirt").SerializeToString()
    framed = struct.pack(">BI", 0, len(message)) + message
    text = kind.endswith("text")

    response = await web.client.post(
        "/kontor.catalog.v1.CatalogService/GetProduct",
        content=base64.b64encode(framed) if text else framed,
        headers={"content-type": kind, "accept": kind, "x-grpc-web": "1"},
    )

    assert response.status_code == 200
    data = _decode_text(response.content) if text else response.content
    flag, length = struct.unpack(">BI", data[:5])
    assert flag == 0
    assert catalog_pb2.Product.FromString(data[5 : 5 + length]).slug == "shirt"
    # The trailers follow as a frame of their own.
    assert data[5 + length] == 0x80
    assert b"grpc-status:0" in data


def _decode_text(content: bytes) -> bytes:
    """Decode base64 that may have been padded in the middle, where one part ended."""
    return b"".join(base64.b64decode(content[at : at + 4]) for at in range(0, len(content), 4))


# grpcurl


async def grpcurl(front: RunningEdge, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        str(GRPCURL),
        "-plaintext",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_grpcurl_lists_and_describes(front: RunningEdge, web: Web) -> None:
    services = (await grpcurl(front, front.grpc_target, "list")).split()
    methods = await grpcurl(front, front.grpc_target, "list", "kontor.orders.v1.OrderService")
    service = await grpcurl(front, front.grpc_target, "describe", "kontor.orders.v1.OrderService")
    method = await grpcurl(front, front.grpc_target, "describe", "kontor.orders.v1.OrderService.PlaceOrder")
    message = await grpcurl(front, front.grpc_target, "describe", ".kontor.orders.v1.PlaceOrderRequest")

    assert set(services) >= {
        "grpc.health.v1.Health",
        "kontor.cart.v1.CartService",
        "kontor.catalog.v1.CatalogService",
        "kontor.inventory.v1.InventoryService",
        "kontor.orders.v1.OrderService",
        "kontor.payments.v1.PaymentService",
        "kontor.users.v1.UserService",
    }
    assert "kontor.orders.v1.OrderService.PlaceOrder" in methods.split()
    assert "rpc PlaceOrder ( .kontor.orders.v1.PlaceOrderRequest )" in service
    assert "rpc PlaceOrder ( .kontor.orders.v1.PlaceOrderRequest )" in method
    assert ".kontor.type.v1.Money expected_total = 1" in message


async def test_grpcurl_calls(front: RunningEdge, web: Web) -> None:
    request = json.dumps({"productId": "shirt"})

    output = await grpcurl(front, "-d", request, front.grpc_target, "kontor.catalog.v1.CatalogService/GetProduct")

    assert json.loads(output)["slug"] == "shirt"


async def test_health_is_told_of_each_service(front: RunningEdge, web: Web) -> None:
    services = (await grpcurl(front, front.grpc_target, "list")).split()

    for service in ["", *(name for name in services if name.startswith("kontor."))]:
        request = json.dumps({"service": service})
        output = await grpcurl(front, "-d", request, front.grpc_target, "grpc.health.v1.Health/Check")
        assert json.loads(output) == {"status": "SERVING"}, service


async def test_ready_as_long_as_a_worker_is(web: Web) -> None:
    assert (await web.send("GET", "/healthz")).status_code == 200
