"""The worker of the edge's own tests: a real gRPC server that tells what reached it, in a process of its own.

Run as `python -m tests.rest.edge_upstream DESCRIPTORS ADDRESS NAME`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_status import rpc_status

PROTO = Path(__file__).with_name("edge_echo.proto")
SERVICE = "kontor.edgetest.v1.EchoService"


def compile_descriptors(target: Path) -> Path:
    """Compile the test's proto, with all that it imports, to a descriptor set."""
    from google.api import annotations_pb2
    from grpc_tools import protoc

    googleapis = Path(annotations_pb2.__file__).parents[2]
    well_known = Path(protoc.__file__).parent / "_proto"
    includes = [f"-I{folder}" for folder in (PROTO.parent, googleapis, well_known)]
    # The transcoder looks the last two up to turn the details of an error into JSON.
    inputs = [str(PROTO), "google/rpc/error_details.proto", "google/rpc/status.proto"]
    outcome = protoc.main(["protoc", *includes, "--include_imports", f"--descriptor_set_out={target}", *inputs])
    assert outcome == 0
    return target


def message_classes(descriptors: Path) -> dict[str, Any]:
    """Return the message classes of a descriptor set by full name."""
    files = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes())
    return dict(message_factory.GetMessages(files.file, pool=descriptor_pool.DescriptorPool()))


class Echo:
    """Answers with what arrived; `order` in the request makes it fail, wait, die or talk much."""

    def __init__(self, name: str, messages: dict[str, Any]) -> None:
        self.name = name
        self.response = messages["kontor.edgetest.v1.EchoResponse"]
        self.body = messages["google.api.HttpBody"]

    async def echo(self, request: Any, context: Any) -> Any:
        """Answer Read and Write."""
        verb, _, argument = request.order.partition(":")
        if verb == "token":
            await context.send_initial_metadata((("x-cart-token", "guest-1"),))
        if verb == "fail":
            await context.abort_with_status(_status(int(argument)))
        if verb == "slow":
            await asyncio.sleep(float(argument))
        if verb == "die" and self.name == argument:
            os._exit(1)
        metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        text = "all work and no play " * 1000 if verb == "long" else ""
        return self.response(name=request.name, worker=self.name, metadata=metadata, text=text)

    async def webhook(self, request: Any, context: Any) -> Any:
        """Answer with the same bytes; the signature comes back as the content type."""
        signature = dict(context.invocation_metadata()).get("stripe-signature", "none")
        return self.body(content_type=f"application/octet-stream; signature={signature}", data=request.data)


def _status(code: int) -> Any:
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason="OUT_OF_STOCK", domain="kontor", metadata={"left": "2"}))
    return rpc_status.to_status(status_pb2.Status(code=code, message="Only 2 are left.", details=[detail]))


async def serve(descriptors: Path, address: str, name: str) -> None:
    """Serve until SIGTERM; SIGUSR1 makes the worker say that it is not serving."""
    messages = message_classes(descriptors)
    echo = Echo(name, messages)
    request, body = messages["kontor.edgetest.v1.EchoRequest"], messages["google.api.HttpBody"]
    handlers = {
        method: grpc.unary_unary_rpc_method_handler(call, kind.FromString, lambda message: message.SerializeToString())
        for method, call, kind in [
            ("Read", echo.echo, request),
            ("Write", echo.echo, request),
            ("Webhook", echo.webhook, body),
        ]
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    servicer = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(address)
    await server.start()
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    not_serving = health_pb2.HealthCheckResponse.NOT_SERVING
    loop.add_signal_handler(signal.SIGUSR1, lambda: loop.create_task(servicer.set("", not_serving)))
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    await ended.wait()
    await server.stop(1)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
