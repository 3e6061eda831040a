"""Calls over gRPC: every field of the answer, every detail of the error, and the shop's own headers and trailers."""

import json
from collections.abc import Sequence
from typing import Any, Final

import grpc
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from tests.contract.journey.carriers import REQUEST_ID, Headers, Outcome
from tests.contract.journey.pdf_text import pdf_lines
from tests.contract.journey.veil import Json
from tests.world.rpcs import Rpc

_DETAILS: Final = "grpc-status-details-bin"
_ID_TRAILER: Final = "x-request-id"
# What gRPC says by itself.
_OF_GRPC: Final = ("grpc-", "content-type", "user-agent", "date", "server", "accept-encoding")
_KINDS: Final = {
    kind.DESCRIPTOR.full_name: kind
    for kind in (
        error_details_pb2.ErrorInfo,
        error_details_pb2.BadRequest,
        error_details_pb2.RetryInfo,
        error_details_pb2.RequestInfo,
    )
}


class GrpcCarrier:
    """Calls on a channel."""

    thorough = True

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    async def call(self, rpc: Rpc, request: Message, headers: Headers) -> Outcome:
        """Call an RPC."""
        return await self.send(rpc.path, request.SerializeToString(), headers, shown=shown(request), answers=rpc)

    async def send(self, path: str, raw: bytes, headers: Headers, *, shown: Json, answers: Rpc | None) -> Outcome:
        """Send bytes to a path."""
        read = answers.answer_class.FromString if answers else HttpBody.FromString
        method = self._channel.unary_unary(path, request_serializer=bytes, response_deserializer=read)
        call = method(raw, metadata=tuple(headers.items()))
        try:
            answer: Any = await call
        except grpc.aio.AioRpcError as error:
            return _refusal(shown, error)
        head, tail = _own(await call.initial_metadata()), _own(await call.trailing_metadata())
        # There is no error that could name it.
        if len(tail.get(_ID_TRAILER, "")) == 32:
            tail[_ID_TRAILER] = REQUEST_ID
        return Outcome(shown, _came({"answer": _answer(answer)}, head, tail), answer)


def shown(message: Message) -> Json:
    """Write the fields that are set; in proto3 those that are not stand at their defaults, and nobody can tell."""
    written = MessageToDict(message, preserving_proto_field_name=True)
    event = getattr(message, "event", None)
    if isinstance(event, HttpBody):
        written["event"] = body_of(event)
    return written


def body_of(body: HttpBody) -> Json:
    """Write a raw body: JSON as it is, anything else as text."""
    try:
        return json.loads(body.data)
    except ValueError:
        return body.data.decode()


def _answer(answer: Message) -> Json:
    if isinstance(answer, HttpBody):
        return {"content_type": answer.content_type, "pdf": pdf_lines(answer.data)}
    return shown(answer)


def _came(came: dict[str, Json], head: dict[str, str], tail: dict[str, str]) -> Json:
    if head:
        came["headers"] = head
    # As usual it is worth no line.
    if tail != {_ID_TRAILER: REQUEST_ID}:
        came["trailers"] = tail
    return came


def _refusal(sent: Json, error: grpc.aio.AioRpcError) -> Outcome:
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]  # Pairs.
    status = status_pb2.Status.FromString(trailers.get(_DETAILS, b""))
    refused: dict[str, Json] = {"code": error.code().name, "message": error.details()}
    if (status.code, status.message) != (error.code().value[0], error.details()):
        refused["status"] = {"code": status.code, "message": status.message}
    details = [_detail(detail.type_url, detail.value) for detail in status.details]
    metadata: dict[str, str] = {}
    tail = _own(error.trailing_metadata())
    for detail in details:
        metadata |= detail.get("metadata", {})
        if detail.get("request_id") and detail["request_id"] == tail.get(_ID_TRAILER) and len(tail[_ID_TRAILER]) == 32:
            detail["request_id"] = tail[_ID_TRAILER] = REQUEST_ID
    refused["details"] = details
    return Outcome(sent, _came({"refused": refused}, _own(error.initial_metadata()), tail), None, metadata)


def _detail(type_url: str, value: bytes) -> dict[str, Any]:
    name = type_url.rpartition("/")[2]
    if name not in _KINDS:
        return {"type": type_url, "value": value.hex()}
    detail = MessageToDict(_KINDS[name].FromString(value), preserving_proto_field_name=True)
    if "metadata" in detail:
        # A map has no order.
        detail["metadata"] = dict(sorted(detail["metadata"].items()))
    return {"type": name.rpartition(".")[2], **detail}


def _own(metadata: Any) -> dict[str, str]:
    pairs: Sequence[tuple[str, str | bytes]] = tuple(metadata or ())
    return {
        key: value if isinstance(value, str) else value.hex()
        for key, value in sorted(pairs)
        if not key.startswith(_OF_GRPC)
    }
