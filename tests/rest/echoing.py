"""Calling the workers behind an edge that only echo."""

from __future__ import annotations

from typing import Any

import grpc
import httpx

from tests.rest.edge_process import RunningEdge
from tests.rest.edge_upstream import SERVICE

SHOP = "https://shop.example"


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
