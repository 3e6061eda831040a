"""Where the processes of the one-command run show their figures: on ports of this machine that are free."""

from __future__ import annotations

import socket
from typing import Final

from server.run.serve import worker_addresses

_HOST: Final = "127.0.0.1"
_PORTS: Final = range(9464, 9964)


def free_address(processes: int) -> str:
    """Return the first of so many addresses in a row that are free; empty when there are none.

    Should another program take one of them before its process does, that process goes without.
    """
    free = 0
    for port in _PORTS:
        free = free + 1 if _is_free(port) else 0
        if free == processes:
            return f"{_HOST}:{port - processes + 1}"
    return ""


def where_to_look(address: str, processes: int) -> str:
    """Say where the figures are."""
    if not address:
        return "off"
    first, *others = worker_addresses(address, processes)
    ports = ", ".join(other.rpartition(":")[2] for other in others)
    return f"http://{first}/metrics   and {ports}: a port for each process"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True
