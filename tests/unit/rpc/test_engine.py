"""Which engine gRPC runs on."""

import os
import subprocess
import sys

from server.rpc.engine import ENGINE, VARIABLE, choose_engine


def test_leaves_a_choice_of_the_environment_alone(monkeypatch):
    monkeypatch.setenv("GRPC_EXPERIMENTS", "something_else")

    choose_engine()

    assert os.environ["GRPC_EXPERIMENTS"] == "something_else"


def test_grpc_knows_the_engine():
    # A version of gRPC that has it no longer says so, and goes on with its own choice.
    program = "import asyncio, grpc\nasync def serve(): grpc.aio.server()\nasyncio.run(serve())"

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, VARIABLE: ENGINE},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "Unknown experiment" not in done.stderr
