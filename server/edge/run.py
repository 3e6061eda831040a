"""Run Envoy: as a child of the one-command run, or by itself in a container (`kontor edge`)."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from server.edge.config import BadEdge, Edge, envoy_command, render
from server.run.supervisor import Program, end, spawn

_DRAIN_SECONDS: Final = 15.0
_ADMIN_SECONDS: Final = 2.0


def edge_from_environment(environment: Mapping[str, str], *, admin: str) -> Edge:
    """Return the edge of a container. Raises BadEdge for a value that makes no sense."""

    def number(variable: str, default: int) -> int:
        text = environment.get(variable) or str(default)
        if not text.isdigit():
            raise BadEdge(f"{variable} is {text!r}: it has to be a number.")
        return int(text)

    def parts(variable: str, default: str = "") -> list[str]:
        return [part.strip() for part in (environment.get(variable) or default).split(",") if part.strip()]

    return Edge(
        workers=parts("KONTOR_EDGE_WORKERS", "server:50051"),
        http_port=number("KONTOR_HTTP_PORT", 8080),
        grpc_port=number("KONTOR_GRPC_PORT", 50051),
        admin=admin,
        public_url=environment.get("KONTOR_PUBLIC_URL", ""),
        cors_origins=parts("KONTOR_CORS_ORIGINS"),
        trusted_hops=number("KONTOR_TRUSTED_HOPS", 0),
    )


def envoy_program(edge: Edge, folder: Path, *, concurrency: int, log: Path | None, linger_seconds: float) -> Program:
    """Write the configuration into the folder and return how to run Envoy with it. Raises BadEdge."""
    config = folder / "envoy.yaml"
    config.write_text(render(edge), encoding="utf-8")

    async def before_stop() -> None:
        await drain(edge.admin, linger_seconds=linger_seconds)

    return Program(
        name="Envoy",
        command=tuple(envoy_command(config, concurrency=concurrency)),
        log=log,
        grace_seconds=5,
        before_stop=before_stop,
    )


async def run_edge(edge: Edge, folder: Path, *, concurrency: int, linger_seconds: float) -> int:
    """Run Envoy until SIGTERM, then drain it; return the exit code."""
    program = envoy_program(edge, folder, concurrency=concurrency, log=None, linger_seconds=linger_seconds)
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    process = await spawn(program)
    ended = asyncio.create_task(process.wait())
    stopping = asyncio.create_task(asked.wait())
    await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await end(program, process)
    return 0 if asked.is_set() else await ended or 1


async def drain(admin: str, *, linger_seconds: float) -> None:
    """Say that this Envoy is leaving, keep answering for a moment, take no new calls, let those in flight finish."""
    with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
        if linger_seconds:
            # Whoever balances over several of us sees 503 at /healthz and goes elsewhere.
            await _admin(admin, "POST", "/healthcheck/fail")
            await asyncio.sleep(linger_seconds)
        await _admin(admin, "POST", "/drain_listeners?skip_exit")
        deadline = time.monotonic() + _DRAIN_SECONDS
        while time.monotonic() < deadline and await _active_calls(admin):
            await asyncio.sleep(0.05)


async def _active_calls(admin: str) -> int:
    answer = await _admin(admin, "GET", "/stats?filter=^http\\.(http|grpc)\\.downstream_rq_active$")
    return sum(int(number) for number in re.findall(r"downstream_rq_active: (\d+)", answer))


async def _admin(admin: str, method: str, path: str) -> str:
    async with asyncio.timeout(_ADMIN_SECONDS):
        if admin.startswith("unix:"):
            reader, writer = await asyncio.open_unix_connection(admin.removeprefix("unix:"))
        else:
            host, _, port = admin.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(f"{method} {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n".encode())
            return (await reader.read()).decode(errors="replace")
        finally:
            writer.close()
