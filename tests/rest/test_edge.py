"""The edge, through the real Envoy: what web developers see, and what reaches a worker."""

from __future__ import annotations

import base64
import json
import re
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from tests.rest.edge_process import RunningEdge, local_edge, running_echo, short_folder, wait_until
from tests.rest.edge_upstream import SERVICE, compile_descriptors, message_classes

SHOP = "https://shop.example"
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@pytest.fixture(scope="module")
def descriptors() -> Iterator[Path]:
    with short_folder() as folder:
        yield compile_descriptors(folder / "echo.binpb")


@pytest.fixture(scope="module")
def echo(descriptors: Path) -> Iterator[RunningEdge]:
    edge = replace(local_edge(), cors_origins=[SHOP], rest_timeout_seconds=1.5)
    with short_folder() as folder, running_echo(edge, descriptors, ["one", "two"], folder) as running:
        wait_until(lambda: healthy(running), "both workers answer")
        yield running


@pytest.fixture
def rest(echo: RunningEdge) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=echo.url, timeout=30) as client:
        yield client


@pytest.fixture
def messages(descriptors: Path) -> dict[str, Any]:
    return message_classes(descriptors)


def healthy(running: RunningEdge) -> bool:
    """Both workers were seen to answer."""
    try:
        answers = [httpx.get(f"{running.url}/v1/echo/x") for _ in range(8)]
    except httpx.TransportError:
        return False
    return {answer.json().get("worker") for answer in answers} == set(running.workers)


def call(target: str, messages: dict[str, Any], method: str = "Read", **fields: Any) -> tuple[Any, Any]:
    """Call the echo service over gRPC; return the answer and the call."""
    request = messages["kontor.edgetest.v1.EchoRequest"](**fields)
    with grpc.insecure_channel(target) as channel:
        stub = channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=messages["kontor.edgetest.v1.EchoResponse"].FromString,
        )
        return stub.with_call(request, metadata=(("x-request-id", "grpc-call-1"),), timeout=20)


def metadata_of(pairs: Any) -> dict[str, Any]:
    return dict(pairs)


def details(answer: httpx.Response) -> dict[str, Any]:
    """Return the details of an error by type."""
    assert answer.headers["content-type"] == "application/json"
    return {detail["@type"].rpartition(".")[2]: detail for detail in answer.json()["details"]}


# REST


def test_answers_json_with_every_field(rest: httpx.Client) -> None:
    answer = rest.get("/v1/echo/tee", params={"count": 2})

    body = answer.json()
    assert answer.status_code == 200
    assert body.pop("metadata")["user-agent"].startswith("python-httpx")
    assert body.pop("worker") in {"one", "two"}
    # Unset `optional` fields stay absent, all others are there.
    assert body == {
        "name": "tee",
        "amountMinor": "0",
        "inStock": False,
        "tags": [],
        "status": "STATUS_UNSPECIFIED",
        "text": "",
    }


def test_names_the_reason_of_a_servers_error(rest: httpx.Client) -> None:
    answer = rest.get("/v1/echo/x", params={"order": "fail:9"})

    assert answer.status_code == 400
    assert answer.json() == {
        "code": 9,
        "message": "Only 2 are left.",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "OUT_OF_STOCK",
                "domain": "kontor",
                "metadata": {"left": "2"},
            }
        ],
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "reason"),
    [
        ("GET", "/v1/nothing", None, 404, 5, "NOT_FOUND"),
        ("DELETE", "/v1/echo/x", None, 404, 5, "NOT_FOUND"),
        ("GET", "/v1/echo/x?colour=red", None, 400, 3, "INVALID_ARGUMENT"),
        ("POST", "/v1/echo", b'{"name": ', 400, 3, "INVALID_ARGUMENT"),
        ("POST", "/v1/echo", b'{"count": "many"}', 400, 3, "INVALID_ARGUMENT"),
        ("POST", "/v1/echo", b'{"name": "' + b"x" * 1_100_000 + b'"}', 413, 3, "INVALID_ARGUMENT"),
        ("GET", "/v1/echo/a%2Fb/c", None, 404, 5, "NOT_FOUND"),
    ],
)
def test_refuses_in_json(
    rest: httpx.Client, method: str, path: str, body: bytes | None, status: int, code: int, reason: str
) -> None:
    answer = rest.request(method, path, content=body)

    found = details(answer)
    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert answer.json()["message"]
    assert (found["ErrorInfo"]["reason"], found["ErrorInfo"]["domain"]) == (reason, "kontor")
    assert found["RequestInfo"]["requestId"] == answer.headers["x-request-id"]
    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_says_which_query_parameter_is_unknown(rest: httpx.Client) -> None:
    answer = rest.get("/v1/echo/x?colour=red")

    assert 'Could not find field "colour"' in answer.json()["message"]


def test_refuses_headers_that_are_too_large(rest: httpx.Client) -> None:
    answer = rest.get("/v1/echo/x", headers={"authorization": "x" * 20_000})

    assert answer.status_code == 431
    assert details(answer)["ErrorInfo"]["reason"] == "INVALID_ARGUMENT"


def test_refuses_what_is_no_http(echo: RunningEdge) -> None:
    with socket.create_connection(("127.0.0.1", echo.edge.http_port)) as connection:
        connection.sendall(b"HELLO\r\n\r\n")
        connection.settimeout(5)
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == 3


def test_ends_a_read_that_takes_too_long(rest: httpx.Client) -> None:
    answer = rest.get("/v1/echo/x", params={"order": "slow:5"})

    assert (answer.status_code, answer.json()["code"]) == (504, 4)
    assert details(answer)["ErrorInfo"]["reason"] == "DEADLINE_EXCEEDED"


def test_leaks_nothing_of_grpc_or_envoy(rest: httpx.Client) -> None:
    answers = [
        rest.get("/v1/echo/x"),
        rest.get("/v1/echo/x", params={"order": "fail:5"}),
        rest.get("/v1/nothing"),
        rest.get("/healthz"),
    ]

    for answer in answers:
        assert not [name for name in answer.headers if name.startswith(("grpc-", "x-envoy-")) or name == "server"]
        assert "strict-transport-security" not in answer.headers


def test_keeps_a_sane_request_id_only(rest: httpx.Client) -> None:
    kept = rest.get("/v1/echo/x", headers={"x-request-id": "checkout.42_a-B"})
    replaced = [
        rest.get("/v1/echo/x", headers={b"x-request-id": sent})
        for sent in [b"", b'a"b', b"a b", b"x" * 65, b"a,b", "ü".encode()]
    ]

    assert kept.headers["x-request-id"] == kept.json()["metadata"]["x-request-id"] == "checkout.42_a-B"
    for answer in replaced:
        made = answer.headers["x-request-id"]
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made)
        assert answer.json()["metadata"]["x-request-id"] == made


def test_passes_the_headers_that_count(rest: httpx.Client) -> None:
    sent = {"authorization": "Bearer abc", "idempotency-key": "k-1", "x-cart-token": "t-1", "stripe-signature": "t=1"}

    answer = rest.post("/v1/echo", json={"name": "n", "order": "token"}, headers=sent)

    metadata = answer.json()["metadata"]
    assert {name: metadata[name] for name in sent} == sent
    assert answer.headers["x-cart-token"] == "guest-1"


def test_believes_no_header_that_only_the_edge_may_send(rest: httpx.Client) -> None:
    forged = {
        "x-kontor-client-address": "6.6.6.6",
        "x-kontor-role": "admin",
        "x-forwarded-for": "6.6.6.6",
        "x-envoy-internal": "true",
        "x-envoy-retry-on": "5xx",
        "x-envoy-upstream-rq-timeout-ms": "1",
        "x-envoy-original-path": "/healthz",
        "grpc-timeout": "1n",
        "grpc-encoding": "gzip",
        "trace-bin": "%%%",
    }

    answer = rest.get("/v1/echo/x", headers=forged)

    metadata = answer.json()["metadata"]
    assert answer.status_code == 200
    assert metadata["x-kontor-client-address"] == "127.0.0.1"
    assert metadata["x-envoy-original-path"] == "/v1/echo/x"
    assert not {"x-kontor-role", "x-envoy-internal", "x-envoy-retry-on", "grpc-encoding", "trace-bin"} & set(metadata)


@pytest.mark.parametrize(("accepted", "used"), [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("identity", None)])
def test_compresses_long_answers(rest: httpx.Client, accepted: str, used: str | None) -> None:
    with rest.stream("GET", "/v1/echo/x", params={"order": "long"}, headers={"accept-encoding": accepted}) as answer:
        size = sum(len(chunk) for chunk in answer.iter_raw())

    assert answer.headers.get("content-encoding") == used
    assert (size < 2_000) == (used is not None)


def test_leaves_short_answers_alone(rest: httpx.Client) -> None:
    answer = rest.get("/v1/echo/x", headers={"accept-encoding": "gzip, br"})

    assert "content-encoding" not in answer.headers


def test_passes_webhooks_byte_by_byte(rest: httpx.Client) -> None:
    raw = bytes(range(256)) * 40

    answer = rest.post(
        "/v1/webhooks/echo", content=raw, headers={"stripe-signature": "t=1,v1=ab", "content-type": "application/json"}
    )

    assert answer.content == raw
    assert answer.headers["content-type"] == "application/octet-stream; signature=t=1,v1=ab"


def test_logs_neither_queries_nor_tokens(echo: RunningEdge, rest: httpx.Client) -> None:
    headers = {"x-request-id": "logged-call-1", "authorization": "Bearer secret-token"}

    rest.get("/v1/echo/x", params={"order": "token", "name": "secret-name"}, headers=headers)

    wait_until(lambda: "logged-call-1" in Path(echo.edge.access_log).read_text(), "the call is in the access log")
    line = next(entry for entry in echo.access_log() if entry["request_id"] == "logged-call-1")
    assert (line["method"], line["path"], line["status"], line["route"]) == ("GET", "/v1/echo/x", 200, "read")
    assert "secret" not in Path(echo.edge.access_log).read_text()


# CORS


def test_allows_a_listed_origin(rest: httpx.Client) -> None:
    asked = {"origin": SHOP, "access-control-request-method": "POST", "access-control-request-headers": "x-cart-token"}

    preflight = rest.options("/v1/echo", headers=asked)
    answer = rest.get("/v1/echo/x", headers={"origin": SHOP})
    refusal = rest.get("/v1/nothing", headers={"origin": SHOP})

    assert preflight.status_code == 200
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    assert {"authorization", "idempotency-key", "x-cart-token"} <= set(
        preflight.headers["access-control-allow-headers"].split(", ")
    )
    for response in (preflight, answer, refusal):
        assert response.headers["access-control-allow-origin"] == SHOP
        assert "access-control-allow-credentials" not in response.headers
    assert "origin" in answer.headers["vary"]
    assert "x-request-id" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://shop.example.evil.example"])
def test_allows_no_other_origin(rest: httpx.Client, origin: str) -> None:
    preflight = rest.options("/v1/echo", headers={"origin": origin, "access-control-request-method": "POST"})
    answer = rest.get("/v1/echo/x", headers={"origin": origin})

    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-origin" not in answer.headers


# gRPC and gRPC-Web


@pytest.mark.parametrize("listener", ["http_target", "grpc_target"])
def test_speaks_grpc_on_both_ports(echo: RunningEdge, messages: dict[str, Any], listener: str) -> None:
    answer, made = call(getattr(echo, listener), messages, name="native")

    assert answer.name == "native"
    assert answer.metadata["x-kontor-client-address"] == "127.0.0.1"
    assert metadata_of(made.initial_metadata())["x-request-id"] == answer.metadata["x-request-id"] == "grpc-call-1"


@pytest.mark.parametrize("listener", ["http_target", "grpc_target"])
def test_keeps_the_status_of_a_grpc_call(echo: RunningEdge, messages: dict[str, Any], listener: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        call(getattr(echo, listener), messages, order="fail:9")

    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.value.details() == "Only 2 are left."
    assert b"OUT_OF_STOCK" in metadata_of(refused.value.trailing_metadata())["grpc-status-details-bin"]


def test_leaves_the_deadline_to_the_grpc_caller(echo: RunningEdge, messages: dict[str, Any]) -> None:
    answer, _ = call(echo.grpc_target, messages, order="slow:2", name="patient")

    assert answer.name == "patient"


def test_balances_one_connection_over_the_workers(echo: RunningEdge, messages: dict[str, Any]) -> None:
    method = f"/{SERVICE}/Read"
    response = messages["kontor.edgetest.v1.EchoResponse"]

    with grpc.insecure_channel(echo.grpc_target) as channel:
        read = channel.unary_unary(method, request_serializer=bytes, response_deserializer=response.FromString)
        workers = [read(b"").worker for _ in range(40)]

    assert min(workers.count("one"), workers.count("two")) >= 8


@pytest.mark.parametrize(
    ("media_type", "text"), [("application/grpc-web+proto", False), ("application/grpc-web-text", True)]
)
def test_speaks_grpc_web(rest: httpx.Client, messages: dict[str, Any], media_type: str, text: bool) -> None:
    message = messages["kontor.edgetest.v1.EchoRequest"](name="web").SerializeToString()
    frame = b"\0" + struct.pack(">I", len(message)) + message
    headers = {"content-type": media_type, "accept": media_type, "x-grpc-web": "1", "origin": SHOP}

    answer = rest.post(f"/{SERVICE}/Read", content=base64.b64encode(frame) if text else frame, headers=headers)

    content = b"".join(base64.b64decode(part) for part in _padded(answer.text)) if text else answer.content
    length = struct.unpack(">I", content[1:5])[0]
    echoed = messages["kontor.edgetest.v1.EchoResponse"].FromString(content[5 : 5 + length])
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert echoed.name == "web"
    assert content[5 + length] == 0x80
    assert b"grpc-status:0" in content[10 + length :]


def _padded(text: str) -> list[str]:
    """Split base64 texts that were joined, each with its own padding."""
    return re.findall(r"[^=]+=*", text)


# Workers that die, drain and return


@pytest.fixture
def fragile(descriptors: Path) -> Iterator[RunningEdge]:
    edge = replace(local_edge(), public_url=SHOP)
    with short_folder() as folder, running_echo(edge, descriptors, ["one", "two"], folder) as running:
        wait_until(lambda: healthy(running), "both workers answer")
        yield running


def until_dead(fragile: RunningEdge, call: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """Call until a call reached the worker that dies of it; Envoy chooses at random."""
    answers = []
    for _ in range(200):
        answers.append(call())
        if fragile.workers["one"].poll() is not None:
            break
    return answers


def test_repeats_a_read_when_its_worker_dies(fragile: RunningEdge) -> None:
    answers = until_dead(fragile, lambda: httpx.get(f"{fragile.url}/v1/echo/x?order=die:one"))

    assert {(answer.status_code, answer.json()["worker"]) for answer in answers} == {(200, "two")}
    assert fragile.workers["one"].wait(5) == 1


def test_repeats_no_write_when_its_worker_dies(fragile: RunningEdge) -> None:
    answers = until_dead(fragile, lambda: httpx.post(f"{fragile.url}/v1/echo", json={"order": "die:one"}))

    failed = [answer for answer in answers if answer.status_code != 200]
    assert [(answer.status_code, answer.json()["code"]) for answer in failed] == [(503, 14)]
    assert failed[0].json()["message"] == "The shop is not reachable for now; try again."
    assert details(failed[0])["ErrorInfo"]["reason"] == "UNAVAILABLE"


def test_sends_nothing_to_a_worker_that_drains(fragile: RunningEdge) -> None:
    fragile.workers["one"].send_signal(signal.SIGUSR1)

    def only_two() -> bool:
        answers = [httpx.get(f"{fragile.url}/v1/echo/x") for _ in range(12)]
        return {answer.json()["worker"] for answer in answers} == {"two"}

    wait_until(only_two, "the draining worker gets no calls")


def test_is_not_ready_without_workers(fragile: RunningEdge, messages: dict[str, Any]) -> None:
    before = httpx.get(f"{fragile.url}/healthz")
    for worker in fragile.workers.values():
        worker.kill()

    wait_until(lambda: httpx.get(f"{fragile.url}/healthz").status_code == 503, "the edge is not ready")
    health, answer = httpx.get(f"{fragile.url}/healthz"), httpx.get(f"{fragile.url}/v1/echo/x")
    with pytest.raises(grpc.RpcError) as refused:
        call(fragile.grpc_target, messages)

    assert before.status_code == 200
    assert health.json()["code"] == answer.json()["code"] == 14
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert refused.value.details() == "The shop is not reachable for now; try again."


def test_asks_for_https_when_the_shop_has_it(fragile: RunningEdge) -> None:
    answer = httpx.get(f"{fragile.url}/v1/echo/x")

    assert answer.headers["strict-transport-security"] == "max-age=31536000"
