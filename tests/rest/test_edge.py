"""The edge, through the real Envoy: what web developers see, and what reaches a worker."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import httpx
import pytest

from tests.rest.echoing import SHOP, details
from tests.rest.edge_process import RunningEdge
from tests.world.waiting import wait_until

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


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
