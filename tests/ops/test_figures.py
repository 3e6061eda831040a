"""Where `kontor up` shows the figures of its processes."""

import socket

import pytest

from server.embedded import figures
from tests.ops.shop_process import quiet_port


def test_takes_ports_in_a_row_that_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    first = quiet_port()
    monkeypatch.setattr(figures, "_PORTS", range(first, first + 6))
    with socket.create_server(("127.0.0.1", first + 1)):
        found = figures.free_address(3), figures.free_address(4), figures.free_address(5)

    assert found == (f"127.0.0.1:{first + 2}", f"127.0.0.1:{first + 2}", "")


def test_says_where_the_figures_are() -> None:
    assert figures.where_to_look("127.0.0.1:9464", 3) == (
        "http://127.0.0.1:9464/metrics   and 9465, 9466: a port for each process"
    )
    assert figures.where_to_look("", 3) == "off"
