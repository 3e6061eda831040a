"""What is no proper call at all, and the headers that any call may carry."""

from typing import Any

from tests.contract.journey.buying import check_out, new_guest
from tests.contract.journey.carriers import RPCS, Headers
from tests.contract.journey.over_grpc import GrpcCarrier
from tests.contract.journey.over_rest import RestCarrier
from tests.contract.journey.walk import Walk

LONG_KEY = "a" * 129


async def wire(walk: Walk) -> None:
    """Calls as no client of ours makes them."""
    await walk.look_around()
    walk.scene("requests that are none")
    await _send(walk, "/kontor.catalog.v1.CatalogService/BuyProduct", b"")
    await _send(walk, "/kontor.nothing.v1.NoService/Nothing", b"")
    await _send(walk, RPCS["GetProduct"].path, b"\xff\xff")
    nobody = walk.person("nobody")
    await nobody.tries("GetProduct", product_id="a\0b")
    guest = await new_guest(walk, "MUG")
    await guest.tries("SetEmail", email="a\0b@customer.example")
    walk.scene("the caller's own request id, and one that is not fit for a log")
    for request_id in ("checkout.42_a-B", "short", 'a"b c d e f g'):
        person = nobody.with_headers(f"nobody with {request_id}", x_request_id=request_id)
        await person.does("ListCategories", parent_id="kitchen")
        await person.tries("GetProduct", product_id="nothing")
    await _key_header(walk)


async def web(walk: Walk) -> None:
    """What only a web developer meets."""
    await walk.look_around()
    walk.scene("paths and methods that are not there")
    for method, path in (
        ("GET", "/v1/nothing"),
        ("DELETE", "/v1/products"),
        ("GET", "/"),
        ("POST", "/v1/orders/x/nothing"),
        ("GET", "/healthz"),
    ):
        await _request(walk, method, path)
    walk.scene("requests that are none")
    guest = await new_guest(walk, "MUG")
    mug = {"variantId": walk.variants["MUG"], "quantity": 1}
    await _request(walk, "GET", "/v1/products", query={"colour": "red"})
    await _request(walk, "GET", "/v1/products", query={"pageSize": "many"})
    await _request(walk, "GET", "/v1/products", query={"orderBy": "NEWEST", "page_size": 1, "inStock": "true"})
    await _request(walk, "GET", "/v1/products", query={"orderBy": "SOMEHOW"})
    for body in ([1], "text", {**mug, "quantity": "many"}, {**mug, "colour": "red"}, {"variant_id": 7}):
        await _request(walk, "POST", "/v1/cart/items", guest.headers, json=body)
    await _request(walk, "POST", "/v1/cart/items", guest.headers, json={**mug, "quantity": "1"})
    await _request(walk, "POST", "/v1/cart/items", guest.headers, json={"variant_id": mug["variantId"], "quantity": 1})
    walk.scene("the caller's own request id")
    headers = {"x-request-id": "checkout.42_a-B"}
    await _request(walk, "GET", "/v1/products/nothing", headers)
    await _request(walk, "GET", "/v1/cart", headers)
    walk.scene("paths that mean the same as others")
    await _request(walk, "GET", "/v1/categories/knitwear/products", query={"pageSize": 1})
    ada = await walk.customer("ada")
    await _request(walk, "GET", "/v1/auth/me", ada.headers)
    await _key_header(walk)
    wanted = await check_out(guest)
    total = {"currencyCode": "EUR", "amountMinor": wanted["expected_total"].amount_minor}
    placing = {"expectedTotal": total, "paymentProvider": "MANUAL", "requestId": "other-path"}
    await _request(walk, "POST", "/v1/cart/checkout", guest.headers, json=placing)


async def _key_header(walk: Walk) -> None:
    walk.scene("the key as a header")
    guest = await new_guest(walk, "TEE")
    wanted = {**await check_out(guest), "payment_provider": "MANUAL"}
    keyed = guest.with_headers("guest with a key", idempotency_key="header-1")
    placed = await keyed.does("PlaceOrder", **wanted)
    await keyed.does("PlaceOrder", **wanted)
    await guest.does("PlaceOrder", **wanted, request_id="header-1")
    await keyed.tries("PlaceOrder", **{**wanted, "payment_provider": "STRIPE"})
    await guest.with_headers("guest with a long key", idempotency_key=LONG_KEY).tries("PlaceOrder", **wanted)
    await keyed.does("GetOrder", order_id=placed.order.id)


async def _send(walk: Walk, path: str, raw: bytes) -> None:
    assert isinstance(walk.carrier, GrpcCarrier)
    outcome = await walk.carrier.send(path, raw, {}, shown={"bytes": raw.hex()}, answers=None)
    walk.notes.append({"who": "nobody", "call": path, "sent": outcome.sent, **outcome.came})


async def _request(walk: Walk, method: str, path: str, headers: Headers | None = None, **more: Any) -> None:
    assert isinstance(walk.carrier, RestCarrier)
    outcome = await walk.carrier.send(method, path, headers or {}, **more)
    walk.notes.append({"who": "a web developer", "call": "", "sent": outcome.sent, **outcome.came})
