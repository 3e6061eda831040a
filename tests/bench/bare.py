"""A gRPC server that does nothing but answer: the limit of what a server on grpc.aio can reach.

`python -m tests.bench.bare` runs one process of it. It answers every method with the same bytes; with `--sql` it runs
one prepared statement first, whose only value is the UUID that is the request.
"""

import argparse
import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import uvloop
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from psycopg import AsyncRawCursor
from psycopg_pool import AsyncConnectionPool

Handler = Callable[[bytes, Any], Awaitable[bytes]]
# As many as a worker of the shop has.
_MAX_CONNECTIONS = 10


class _Everything(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # Not subscriptable at run time.
    """Hands every method to one handler, bytes as they are."""

    def __init__(self, handler: Handler) -> None:
        self._method = grpc.unary_unary_rpc_method_handler(handler)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any]":
        return self._method


def fixed(answer: bytes) -> Handler:
    """Return a handler that only answers."""

    async def handle(request: bytes, context: object) -> bytes:
        return answer

    return handle


def after_statement(answer: bytes, pool: AsyncConnectionPool[Any], sql: str) -> Handler:
    """Return a handler that reads one row by its id before it answers."""

    async def handle(request: bytes, context: object) -> bytes:
        connection = await pool.getconn()
        try:
            cursor = await connection.execute(sql.encode(), (UUID(bytes=request),), prepare=True)
            await cursor.fetchone()
        finally:
            await pool.putconn(connection)
        return answer

    return handle


async def serve(address: str, handler: Handler) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    server.add_generic_rpc_handlers((_Everything(handler),))
    server.add_insecure_port(address)
    await server.start()
    await health.set("", health_pb2.HealthCheckResponse.SERVING)
    await stop.wait()
    await server.stop(0)


async def _main(arguments: argparse.Namespace) -> None:
    answer = arguments.answer.read_bytes()
    if arguments.sql is None:
        await serve(arguments.address, fixed(answer))
        return
    settings = {"autocommit": True, "prepare_threshold": 0, "cursor_factory": AsyncRawCursor}
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        arguments.database, kwargs=settings, min_size=2, max_size=_MAX_CONNECTIONS, open=False
    )
    async with pool:
        sql = arguments.sql.read_text()
        await serve(arguments.address, after_statement(answer, pool, sql))


def main() -> None:
    """Run one process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--answer", type=Path, required=True, help="a file with the bytes of every answer")
    parser.add_argument("--sql", type=Path, help="a file with the statement")
    parser.add_argument("--database")
    uvloop.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
