"""Calls as JSON through Envoy: method, path, query and body as the contract binds them, and whatever comes back."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx
from google.api import annotations_pb2
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message

from tests.contract.journey.carriers import REQUEST_ID, CannotBeSaid, Headers, Outcome
from tests.contract.journey.over_grpc import body_of
from tests.contract.journey.pdf_text import pdf_lines
from tests.contract.journey.veil import Json
from tests.world.rpcs import Rpc

_ID_HEADER: Final = "x-request-id"
# What differs from call to call, or belongs to the connection. Whether an answer varies by its encoding depends on its
# length, and that on how many digits Stripe's ids have.
_NOT_TOLD: Final = frozenset({"date", "server", "content-length", "connection", "transfer-encoding", "vary"})
# What every answer says; only what is otherwise is told.
_USUAL: Final = {
    "cache-control": "no-store",
    "content-type": "application/json",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    _ID_HEADER: REQUEST_ID,
}


class RestCarrier:
    """Calls of a web developer's program."""

    thorough = False

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def call(self, rpc: Rpc, request: Message, headers: Headers) -> Outcome:
        """Call an RPC at its path."""
        method, path, names, body_field = _binding(rpc)
        fields = MessageToDict(request)
        places = {name: fields.pop(_json_name(rpc, name), "") for name in names}
        if "" in places.values():
            raise CannotBeSaid
        path = path.format(**{name: quote(str(place), safe="") for name, place in places.items()})
        if body_field == "*":
            return await self.send(method, path, headers, json=fields, answers=rpc)
        if body_field:
            return await self.send(method, path, headers, raw=getattr(request, body_field), answers=rpc)
        return await self.send(method, path, headers, query=fields, answers=rpc)

    async def send(
        self,
        method: str,
        path: str,
        headers: Headers,
        *,
        query: Mapping[str, Any] | None = None,
        json: Json = None,
        raw: HttpBody | None = None,
        answers: Rpc | None = None,
    ) -> Outcome:
        """Send a request."""
        sent: dict[str, Json] = {method: path}
        if query:
            sent["query"] = dict(query)
        if json is not None:
            sent["body"] = json
        kind = {}
        if raw is not None:
            sent["body"] = body_of(raw)
            kind = {"content-type": "application/json"}
        response = await self._client.request(
            method,
            path,
            params=_flat(query or {}),
            json=json,
            content=raw.data if raw is not None else None,
            headers={**headers, **kind, "accept-encoding": "identity"},
        )
        return _outcome(sent, response, answers)


def _outcome(sent: Json, response: httpx.Response, rpc: Rpc | None) -> Outcome:
    pdf = response.headers.get("content-type") == "application/pdf"
    body: Json = pdf_lines(response.content) if pdf else _body(response)
    came = {"status": response.status_code, **_headers(response), "pdf" if pdf else "body": body}
    given = response.headers.get(_ID_HEADER, "")
    # An id of the shop's own making, and not the caller's.
    if re.fullmatch(r"[0-9a-f-]{36}|[0-9a-f]{32}", given):
        came = _replaced(came, given)
    came["headers"] = {name: text for name, text in came["headers"].items() if _USUAL.get(name) != text}
    if not came["headers"]:
        del came["headers"]
    if response.is_error:
        details = body.get("details", []) if isinstance(body, dict) else []
        metadata = {key: text for detail in details for key, text in detail.get("metadata", {}).items()}
        return Outcome(sent, came, None, metadata)
    if rpc is None:
        return Outcome(sent, came, body)
    if pdf:
        return Outcome(sent, came, HttpBody(content_type="application/pdf", data=response.content))
    return Outcome(sent, came, ParseDict(body, rpc.answer_class()))


def _body(response: httpx.Response) -> Json:
    try:
        return _in_order(response.json())
    except ValueError:
        return response.text


def _in_order(value: Json) -> Json:
    if isinstance(value, list):
        return [_in_order(part) for part in value]
    if not isinstance(value, dict):
        return value
    # A map has no order; the fields of messages have.
    return {
        key: dict(sorted(part.items())) if key == "metadata" and isinstance(part, dict) else _in_order(part)
        for key, part in value.items()
    }


def _headers(response: httpx.Response) -> dict[str, Json]:
    told = {name: text for name, text in sorted(response.headers.items()) if name not in _NOT_TOLD}
    missing = {name: None for name in _USUAL if name not in told}
    return {"headers": told | missing}


def _replaced(value: Json, given: str) -> Json:
    if isinstance(value, dict):
        return {key: _replaced(part, given) for key, part in value.items()}
    if isinstance(value, list):
        return [_replaced(part, given) for part in value]
    return REQUEST_ID if value == given else value


def _binding(rpc: Rpc) -> tuple[str, str, list[str], str]:
    options: Any = rpc.descriptor.GetOptions()
    rule = options.Extensions[annotations_pb2.http]
    method = rule.WhichOneof("pattern")
    path = getattr(rule, method)
    return method.upper(), path, re.findall(r"\{(\w+)\}", path), rule.body


def _json_name(rpc: Rpc, field: str) -> str:
    return str(rpc.request.fields_by_name[field].json_name)


def _flat(query: Mapping[str, Any]) -> dict[str, Any]:
    # As JavaScript writes them.
    return {key: str(value).lower() if isinstance(value, bool) else value for key, value in query.items()}
