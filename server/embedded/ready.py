"""Ask the parts whether they answer."""

from __future__ import annotations

import asyncio
from typing import Final

_POLL_SECONDS: Final = 0.05
_PATIENCE_SECONDS: Final = 90.0


async def http_answers(host: str, port: int, path: str, *, status: int | None = 200) -> None:
    """Wait until a GET has the status; None: any. Raises TimeoutError."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not await _has_status(host, port, path, status):
            await asyncio.sleep(_POLL_SECONDS)


async def grpc_answers(target: str) -> None:
    """Wait until the gRPC server at the target says that it is serving. Raises TimeoutError."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    async with asyncio.timeout(_PATIENCE_SECONDS):
        # Without a proxy from the environment, and without the long pauses between attempts that are the default.
        options = [("grpc.enable_http_proxy", 0), ("grpc.max_reconnect_backoff_ms", 100)]
        async with grpc.aio.insecure_channel(target, options=options) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            while True:
                try:
                    answer = await stub.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=5)
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(_POLL_SECONDS)
                    continue
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
                await asyncio.sleep(_POLL_SECONDS)


async def _has_status(host: str, port: int, path: str, status: int | None) -> bool:
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\nconnection: close\r\n\r\n".encode())
        words = (await reader.readline()).split()
        return len(words) > 1 and (status is None or words[1] == str(status).encode())
    except OSError:
        return False
    finally:
        writer.close()
