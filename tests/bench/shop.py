"""The shop under test: `kontor up` in a process of its own, with a home that is kept between runs."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

from server.embedded.home import Home, Running
from server.embedded.postgres import Postgres
from server.kernel.clock import SystemClock
from server.rpc.auth import AccessTokens, CartTokens, Revocations
from server.run.serve import child_environment, server_command
from server.settings import Settings
from tests.bench import processes
from tests.bench.arithmetic import Cpu
from tests.bench.machine import CannotMeasure, free_ports

_READY_SECONDS = 180.0
_END_SECONDS = 60.0
_POLL_SECONDS = 0.05
SERVER, ENVOY, POSTGRES = "server", "Envoy", "PostgreSQL"


@dataclass(frozen=True, slots=True)
class Setup:
    """How the shop runs; `cache_bytes` None is what the shop has by itself, 0 turns it off."""

    workers: int = 2
    cache_bytes: int | None = 0


class Shop:
    """A running shop."""

    def __init__(self, setup: Setup, home: Home, running: Running, pid: int) -> None:
        self.setup = setup
        self.home = home
        self.environment = running.environment
        self.http_target = running.http_url.removeprefix("http://")
        self.database_url = running.environment["KONTOR_DATABASE_URL"]
        self.admin = (running.admin_email, running.admin_password)
        self._pid = pid

    @property
    def workers(self) -> list[str]:
        """The addresses of the gRPC workers."""
        sockets = self.home.sockets()
        return [f"unix:{sockets}/worker-{number}.sock" for number in range(1, self.setup.workers + 1)]

    @property
    def superuser_url(self) -> str:
        """The address of its database for the one who may do everything there."""
        return Postgres.at(self.home).url(user="postgres")

    @property
    def postgres_programs(self) -> Path:
        """The folder of pgbench."""
        return Postgres.at(self.home).programs

    @cached_property
    def settings(self) -> Settings:
        """The settings of its workers, for parts of it that are run in this process."""
        values = {name.removeprefix("KONTOR_").lower(): value for name, value in self.environment.items()}
        return Settings.model_validate({name: values[name] for name in Settings.model_fields if name in values})

    @cached_property
    def access_tokens(self) -> AccessTokens:
        """What signs access tokens with the shop's key."""
        clock = SystemClock()
        pems = [path.read_bytes() for path in self.settings.jwt_key_files]
        return AccessTokens(pems, clock=clock, revocations=Revocations(clock, keep=self.settings.access_token_ttl))

    @cached_property
    def cart_tokens(self) -> CartTokens:
        """What signs the tokens of guests' carts with the shop's secret."""
        return CartTokens([secret.get_secret_value().encode() for secret in self.settings.token_secrets])

    def cpu(self) -> Cpu:
        """Return the CPU time that the shop has used; the stand-ins for mail and Stripe are none of it."""
        parts = dict.fromkeys((SERVER, ENVOY, POSTGRES), 0.0)
        for process in processes.children(self._pid):
            part = _part(process.command)
            if part is not None:
                parts[part] += processes.cpu_seconds(process.pid)
        return Cpu(parts)

    def memory_bytes(self) -> dict[str, int]:
        """Return the memory of the shop by part."""
        parts = dict.fromkeys((SERVER, ENVOY, POSTGRES), 0)
        for process in processes.children(self._pid):
            part = _part(process.command)
            if part is not None:
                parts[part] += processes.memory_bytes(process.pid)
        return parts


@contextmanager
def running_shop(folder: Path, setup: Setup) -> Iterator[Shop]:
    """Run the shop on a folder for its data. Raises CannotMeasure with the last words of one that does not start."""
    home = Home(folder)
    environment = child_environment(_inherited(), _environment(folder, setup))
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(server_command("up"), stdout=output, stderr=output, env=environment)
        try:
            yield Shop(setup, home, _wait_until_ready(process, home, output), process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], home: Home, output: IO[str]) -> Running:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        running = home.running()
        if running is not None and running.pid == process.pid:
            return running
        time.sleep(_POLL_SECONDS)
    output.seek(0)
    raise CannotMeasure(f"`kontor up` does not start:\n{output.read().strip()}")


def _environment(folder: Path, setup: Setup) -> Mapping[str, str]:
    http_port, grpc_port, stripe_port = free_ports(3)
    environment = {
        "KONTOR_HOME": str(folder),
        "KONTOR_HTTP_PORT": str(http_port),
        "KONTOR_GRPC_PORT": str(grpc_port),
        "KONTOR_STRIPE_PORT": str(stripe_port),
        "KONTOR_WORKERS": str(setup.workers),
        # Every call is counted, as in a real shop, but a load generator is no reasonable caller.
        "KONTOR_RATE_LIMIT_FACTOR": "1000000",
    }
    if setup.cache_bytes is not None:
        environment["KONTOR_RESPONSE_CACHE_BYTES"] = str(setup.cache_bytes)
    return environment


def _inherited() -> Mapping[str, str]:
    # What somebody has set for a shop of their own would change what is measured.
    return {name: value for name, value in os.environ.items() if not name.startswith("KONTOR_")}


def _part(command: tuple[str, ...]) -> str | None:
    """Name the part of the shop that a process is."""
    if not command:
        return None
    program = Path(command[0]).name
    if program == "envoy":
        return ENVOY
    if program.startswith("postgres"):
        return POSTGRES
    return SERVER if {"serve", "work"} & set(command) and "server" in command else None
