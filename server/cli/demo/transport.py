"""Two ways to call the same contract: JSON over HTTP through Envoy, and gRPC."""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import grpc
import httpx
import kontor
from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf import json_format, symbol_database
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call as a person reads it."""

    # `POST /v1/orders`, or the full name of the RPC.
    target: str
    # Headers, or metadata, that say who calls and make the call safe to repeat.
    headers: dict[str, str]
    request: dict[str, Any]
    # `200`, or the name of the gRPC status.
    status: str
    succeeded: bool
    # The JSON form of the answer, or of the error.
    answer: dict[str, Any]
    # The bytes of an answer that is a file; empty otherwise.
    file: bytes = b""


@dataclass(slots=True)
class Credentials:
    """What a caller shows; filled as the journey goes."""

    access_token: str = ""
    cart_token: str = ""

    def headers(self, key: str = "") -> dict[str, str]:
        """Return the headers, or the metadata, of a call; `key` makes it safe to repeat."""
        headers = {}
        if self.access_token:
            headers["authorization"] = f"Bearer {self.access_token}"
        if self.cart_token:
            headers["x-cart-token"] = self.cart_token
        if key:
            headers["idempotency-key"] = key
        return headers


class Transport(Protocol):
    """Calls an RPC by its name, with the JSON form of its request."""

    async def call(self, rpc: str, request: dict[str, Any], credentials: Credentials, *, key: str = "") -> Exchange:
        """Make the call; a refusal is an answer too."""
        ...


@dataclass(slots=True)
class RestTransport:
    """JSON over HTTP: verb, path and body follow from the `google.api.http` option of the contract."""

    base_url: str
    _client: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=_TIMEOUT_SECONDS))

    async def call(self, rpc: str, request: dict[str, Any], credentials: Credentials, *, key: str = "") -> Exchange:
        """Make the call over HTTP."""
        verb, path, body = _http_call(_methods()[rpc], request)
        response = await self._client.request(
            verb,
            self.base_url + path,
            headers=credentials.headers(key),
            json=body if verb != "GET" and body is not None else None,
        )
        binary = not response.headers.get("content-type", "").startswith("application/json")
        return Exchange(
            target=f"{verb} {path}",
            headers=credentials.headers(key),
            request=body or {},
            status=str(response.status_code),
            succeeded=response.is_success,
            answer={} if binary else response.json(),
            file=response.content if binary else b"",
        )


@dataclass(slots=True)
class GrpcTransport:
    """Native gRPC through Envoy's plaintext listener."""

    channel: grpc.aio.Channel

    async def call(self, rpc: str, request: dict[str, Any], credentials: Credentials, *, key: str = "") -> Exchange:
        """Make the call over gRPC."""
        method = _methods()[rpc]
        message = json_format.ParseDict(request, GetMessageClass(method.input_type)())
        path = f"/{method.containing_service.full_name}/{method.name}"
        answer_class = GetMessageClass(method.output_type)
        invoke = self.channel.unary_unary(
            path, request_serializer=_serialize, response_deserializer=answer_class.FromString
        )
        headers = credentials.headers(key)
        metadata = tuple(headers.items())
        try:
            answer = await invoke(message, metadata=metadata, timeout=_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            return Exchange(path[1:], headers, request, error.code().name, False, _error(error))
        if method.output_type.full_name == "google.api.HttpBody":
            return Exchange(path[1:], headers, request, "OK", True, {}, answer.data)
        return Exchange(path[1:], headers, request, "OK", True, _to_dict(answer))


@cache
def _methods() -> dict[str, MethodDescriptor]:
    """Return the RPCs of every contract that is installed, by name."""
    found = {}
    for folder in map(Path, kontor.__path__):
        for file in folder.rglob("*_service_pb2.py"):
            name = ".".join(("kontor", *file.relative_to(folder).with_suffix("").parts))
            for service in import_module(name).DESCRIPTOR.services_by_name.values():
                found.update({method.name: method for method in service.methods})
    return found


def _to_dict(message: Message) -> dict[str, Any]:
    # As Envoy writes it: empty fields are there too.
    return json_format.MessageToDict(message, always_print_fields_with_no_presence=True)


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def _http_call(method: MethodDescriptor, request: dict[str, Any]) -> tuple[str, str, dict[str, Any] | None]:
    """Return verb, path with query, and JSON body, as the contract says."""
    rule: HttpRule = method.GetOptions().Extensions[annotations_pb2.http]  # type: ignore[index]  # Its stubs are old.
    verb = rule.WhichOneof("pattern")
    rest = dict(request)

    def fill(match: re.Match[str]) -> str:
        return quote(str(rest.pop(_camel(match[1]))), safe="")

    path = re.sub(r"\{(\w+)\}", fill, getattr(rule, verb))
    if rule.body == "*":
        return verb.upper(), path, rest
    query = urlencode({name: str(value).lower() if isinstance(value, bool) else value for name, value in rest.items()})
    return verb.upper(), f"{path}?{query}" if query else path, None


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def _error(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    status: status_pb2.Status | None = rpc_status.from_call(error)  # type: ignore[arg-type]  # It reads trailing metadata only, as both have.
    if status is None:
        return {"code": error.code().value[0], "message": error.details()}
    # The details' types have to be known to be printed.
    symbol_database.Default().RegisterFileDescriptor(error_details_pb2.DESCRIPTOR)
    answer: dict[str, Any] = json.loads(json_format.MessageToJson(status))
    return answer
