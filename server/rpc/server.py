"""The gRPC server of one process: the chain's handlers, health, reflection, and an orderly end."""

import asyncio
import signal
from collections.abc import Sequence
from typing import Any, Final, cast

import grpc
import structlog
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import Default, DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from server.kernel.errors import AppError, Code
from server.rpc import telemetry
from server.rpc.chain import CREDENTIALS, Chain, Endpoint, Service
from server.rpc.errors import describe

_log = structlog.get_logger(__name__)

# Calls in flight have this long to finish after SIGTERM.
GRACE_SECONDS: Final = 20.0
_END_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_OPTIONS: Final = (
    # Webhooks and pictures come in, invoices go out.
    ("grpc.max_receive_message_length", 8 * 1024 * 1024),
    ("grpc.max_send_message_length", 16 * 1024 * 1024),
    ("grpc.max_metadata_size", 16 * 1024),
    # A peer that vanished is noticed; a client that asks every ten seconds for a sign of life is not sent away.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 5),
    # Two processes on one port share no load over HTTP/2; better to fail at the start than to hide behind each other.
    ("grpc.so_reuseport", 0),
)


class AddressTaken(Exception):
    """The address cannot be bound."""


class Unimplemented(AppError):
    """The contract has no such method."""

    code = Code.UNIMPLEMENTED
    reason = "UNIMPLEMENTED"


class Server:
    """Serves services on one address."""

    def __init__(self, chain: Chain, services: Sequence[Service], address: str) -> None:
        """Compose everything. Raises PolicyMissing, PolicyBroken or ServicerIncomplete."""
        endpoints: dict[str, Endpoint] = {}
        for service in services:
            endpoints.update(chain.compose(service))
        self.address = address
        self.port = 0
        self._names = [service.descriptor.full_name for service in services]
        self._health = HealthServicer()
        self._server = grpc.aio.server(options=_OPTIONS)
        self._server.add_generic_rpc_handlers((_Handlers(endpoints),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            [*self._names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME],
            self._server,
            pool=cast(DescriptorPool, _SymbolPool()),
        )
        # Last: it answers for whatever nobody before it knows.
        self._server.add_generic_rpc_handlers((_Unknown(),))

    async def start(self) -> None:
        """Bind and serve. Raises AddressTaken."""
        try:
            self.port = self._server.add_insecure_port(self.address)
        except RuntimeError as error:
            raise AddressTaken(f"cannot listen on {self.address}: is it in use already?") from error
        await self._server.start()
        for name in self._names:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Say NOT_SERVING, take no more calls, let those in flight finish."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)

    async def run_until_terminated(self) -> None:
        """Serve until SIGTERM or SIGINT, then stop."""
        terminated = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in _END_SIGNALS:
            loop.add_signal_handler(number, terminated.set)
        try:
            await self.start()
            _log.info("serving", address=self.address)
            await terminated.wait()
            _log.info("draining", address=self.address)
            await self.stop()
        finally:
            for number in _END_SIGNALS:
                loop.remove_signal_handler(number)


class _SymbolPool:
    """Finds the file of a method too: `grpcurl describe` asks for methods, and protobuf's own pool knows none."""

    def __init__(self) -> None:
        self._pool = Default()

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802  # Reflection calls it so.
        """Return the file of a symbol, or of the service whose method it is. Raises KeyError."""
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            service, _, method = symbol.rpartition(".")
            return self._pool.FindServiceByName(service).methods_by_name[method].containing_service.file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # Not subscriptable at run time.
    """Finds the handler of a path; bytes pass as they are."""

    def __init__(self, endpoints: dict[str, Endpoint]) -> None:
        # Without serializers gRPC hands the bytes on.
        method = grpc.unary_unary_rpc_method_handler
        self._handlers = {path: method(endpoint.handle) for path, endpoint in endpoints.items()}
        self._anonymous = {path: method(endpoint.handle_anonymous) for path, endpoint in endpoints.items()}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any] | None":
        # Here gRPC has the headers at hand. For a handler that asks it makes them anew, which takes as long as all else
        # that an answer from the cache needs.
        for name, _ in handler_call_details.invocation_metadata:
            if name in CREDENTIALS:
                return self._handlers.get(handler_call_details.method)
        return self._anonymous.get(handler_call_details.method)


class _Unknown(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # Not subscriptable at run time.
    """Refuses every path, in the form of all other errors."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any] | None":
        method = handler_call_details.method

        async def refuse(requests: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
            headers = dict(context.invocation_metadata() or ())
            error = Unimplemented(f"There is no method {method}", metadata={"method": method})
            refusal = describe(error, telemetry.request_id(headers.get("x-request-id")))
            await context.abort(refusal.code, refusal.message, refusal.trailers)

        return grpc.stream_stream_rpc_method_handler(refuse)
