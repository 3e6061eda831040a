"""Runs bare servers in the shop's process model: as many processes as it has workers, each on a unix socket."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from server.edge.config import Edge, envoy_command, render
from server.rpc.engine import ENGINE, VARIABLE
from server.run.serve import child_environment
from tests.bench.machine import CannotMeasure, free_ports
from tests.bench.shop import Shop
from tests.bench.trace import Statement

_READY_SECONDS = 30.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Bare:
    """Bare servers that answer, and the Envoy in front of them when there is one."""

    workers: Sequence[str]
    http_target: str = ""


@contextmanager
def bare_servers(
    shop: Shop, answer: bytes, *, statement: Statement | None = None, edge: bool = False
) -> Iterator[Bare]:
    """Run bare servers; with a statement each answer needs it, with an edge Envoy transcodes for them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kontor-bare-")))
        command = _command(shop, folder, answer, statement)
        sockets = [folder / f"worker-{number}.sock" for number in range(1, shop.setup.workers + 1)]
        for socket in sockets:
            stack.enter_context(_program([*command, "--address", f"unix:{socket}"]))
        for socket in sockets:
            _wait(socket.exists, "a bare server")
        workers = [f"unix:{socket}" for socket in sockets]
        yield Bare(workers, stack.enter_context(_envoy(folder, workers)) if edge else "")


def _command(shop: Shop, folder: Path, answer: bytes, statement: Statement | None) -> list[str]:
    answer_file, sql_file = folder / "answer", folder / "statement.sql"
    answer_file.write_bytes(answer)
    command = [sys.executable, "-P", "-m", "tests.bench.bare", "--answer", str(answer_file)]
    if statement is not None:
        sql_file.write_text(statement.sql)
        command += ["--sql", str(sql_file), "--database", shop.database_url]
    return command


@contextmanager
def _envoy(folder: Path, workers: Sequence[str]) -> Iterator[str]:
    """Run an Envoy with the shop's own configuration before other workers; give its address."""
    http_port, grpc_port = free_ports(2)
    admin, config = f"unix:{folder}/envoy.sock", folder / "envoy.yaml"
    edge = Edge(
        workers=workers,
        http_port=http_port,
        grpc_port=grpc_port,
        listen="127.0.0.1",
        admin=admin,
        access_log=str(folder / "access.log"),
    )
    config.write_text(render(edge))
    with _program(envoy_command(config, concurrency=2)):
        url = f"http://127.0.0.1:{http_port}/healthz"
        _wait(lambda: _is_healthy(url), "Envoy")
        yield f"127.0.0.1:{http_port}"


@contextmanager
def _program(command: Sequence[str]) -> Iterator[None]:
    root = Path(__file__).resolve().parents[2]
    environment = child_environment({}, {VARIABLE: ENGINE})
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, cwd=root)
        try:
            yield
            if process.poll() is not None:
                output.seek(0)
                raise CannotMeasure(f"{command[0]} ended: {output.read().decode(errors='replace')[-2000:]}")
        finally:
            process.terminate()
            process.wait(20)


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.TransportError:
        return False


def _wait(ready: Callable[[], bool], name: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise CannotMeasure(f"{name} does not get ready")
        time.sleep(_POLL_SECONDS)
