"""gRPC and gRPC-Web through the real Envoy."""

from __future__ import annotations

import base64
import re
import struct
from typing import Any

import grpc
import httpx
import pytest

from tests.rest.echoing import SHOP, call, metadata_of
from tests.rest.edge_process import RunningEdge
from tests.rest.edge_upstream import SERVICE


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
