"""Run the real Envoy for tests: rendered from the template, on free ports, stopped at the end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from server.edge.config import Edge, envoy_command, render
from tests.world.processes import free_port, process


@dataclass(slots=True)
class RunningEdge:
    """An Envoy and the workers behind it."""

    edge: Edge
    folder: Path
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.edge.http_port}"

    @property
    def http_target(self) -> str:
        return f"127.0.0.1:{self.edge.http_port}"

    @property
    def grpc_target(self) -> str:
        return f"127.0.0.1:{self.edge.grpc_port}"

    def access_log(self) -> list[dict[str, object]]:
        """Return what Envoy wrote to its access log, oldest first."""
        return [json.loads(line) for line in Path(self.edge.access_log).read_text().splitlines()]


def local_edge() -> Edge:
    """Return an edge on free ports of this machine; the workers are still to be named."""
    return Edge(workers=(), http_port=free_port(), grpc_port=free_port(), listen="127.0.0.1")


@contextmanager
def running_edge(edge: Edge, folder: Path) -> Iterator[RunningEdge]:
    """Run Envoy in front of `edge.workers` until the end of the block."""
    edge = replace(edge, admin=f"unix:{folder}/admin.sock", access_log=str(folder / "access.log"))
    config = folder / "envoy.yaml"
    config.write_text(render(edge))
    with process(envoy_command(config, concurrency=2), folder / "envoy.log"):
        yield RunningEdge(edge, folder)


@contextmanager
def running_echo(edge: Edge, descriptors: Path, names: Sequence[str], folder: Path) -> Iterator[RunningEdge]:
    """Run Envoy in front of echo workers, one of each name."""
    sockets = [f"unix:{folder}/{name}.sock" for name in names]
    edge = replace(edge, workers=sockets, descriptors=descriptors)
    with ExitStack() as stack:
        running = stack.enter_context(running_edge(edge, folder))
        for name, address in zip(names, sockets, strict=True):
            command = [sys.executable, "-m", "tests.rest.edge_upstream", str(descriptors), address, name]
            running.workers[name] = stack.enter_context(process(command, folder / f"{name}.log"))
        yield running
