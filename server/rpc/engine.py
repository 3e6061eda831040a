"""Which of its engines gRPC reads and writes with."""

import os
from typing import Final

VARIABLE: Final = "GRPC_EXPERIMENTS"
# The newer engine hands every piece that it reads from thread to thread, which costs a quarter of the CPU time of a
# small answer. Without it the thread that waits for calls reads them itself, as in gRPC for Python before 1.80.
ENGINE: Final = "-event_engine_listener"


def choose_engine() -> None:
    """Let servers of this process use the engine that costs least, unless the environment names one.

    It has to be called before `grpc` is imported, which reads the choice.
    """
    os.environ.setdefault(VARIABLE, ENGINE)
