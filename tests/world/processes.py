"""Real processes: any program, and those of the shop, for tests that kill them."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.run.serve import child_environment
from server.settings import Settings
from tests.world.waiting import eventually


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def short_folder() -> Iterator[Path]:
    """Make a folder whose path is short enough for unix sockets."""
    with tempfile.TemporaryDirectory(prefix="kontor-") as folder:
        yield Path(folder)


@contextmanager
def process(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the end of the block."""
    with log.open("ab") as output, subprocess.Popen(command, stdout=output, stderr=output) as running:
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(5)
            except subprocess.TimeoutExpired:
                running.kill()


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment in which a process finds these settings."""
    values: Mapping[str, str] = {
        "database_url": settings.database_url.get_secret_value(),
        "jwt_key_files": ",".join(map(str, settings.jwt_key_files)),
        "token_secrets": ",".join(secret.get_secret_value() for secret in settings.token_secrets),
        "stripe_api_key": settings.stripe_api_key.get_secret_value(),
        "stripe_webhook_secret": settings.stripe_webhook_secret.get_secret_value(),
        "stripe_api_base": settings.stripe_api_base or "",
        "smtp_url": settings.smtp_url.get_secret_value(),
        "mail_from": settings.mail_from,
        "public_url": settings.public_url,
        "bank_transfer_days": str(settings.bank_transfer_days),
        "database_pool_min_size": "1",
        "database_pool_max_size": "4",
    }
    own = {f"KONTOR_{name.upper()}": value for name, value in values.items()}
    return child_environment(os.environ, own)


@asynccontextmanager
async def kontor(settings: Settings, log: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `kontor` with the arguments, and make an end of it after the block."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", *arguments, env=environment_of(settings), stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def kill(process: asyncio.subprocess.Process) -> None:
    """Kill a process as `kill -9` does, and wait until it is gone."""
    process.kill()
    await process.wait()


@asynccontextmanager
async def worker(
    settings: Settings, folder: Path, name: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, grpc.aio.Channel]]:
    """Run a worker process on a socket of its own; return it and a channel to it once it answers."""
    address = f"unix:{folder}/{name}.sock"
    async with (
        kontor(settings, folder / f"{name}.log", "serve", "--address", address) as process,
        grpc.aio.insecure_channel(address) as channel,
    ):
        health = health_pb2_grpc.HealthStub(channel)

        async def serving() -> bool:
            assert process.returncode is None, (folder / f"{name}.log").read_text()
            try:
                answer = await health.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=1)
            except grpc.aio.AioRpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

        await eventually(serving, seconds=30)
        yield process, channel
