"""What Prometheus sees."""

import asyncio
import socket
from collections.abc import Iterator
from time import perf_counter

import httpx
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from server.metrics.exposition import serving
from server.metrics.meters import Metrics, counter, gauge

Samples = dict[str, float]


@pytest.fixture
def metrics() -> Metrics:
    made = Metrics()
    made.calls.of("/Shop/Buy", "OK")
    return made


@pytest.fixture
def taken() -> Iterator[str]:
    """Listen on a port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield f"127.0.0.1:{other.getsockname()[1]}"


async def look(port: int) -> Samples:
    """Read everything, as Prometheus does."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        sample.name + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_shows_calls_as_a_histogram(metrics: Metrics) -> None:
    bought = metrics.calls.of("/Shop/Buy", "OK")
    for seconds in (0.0004, 0.003, 0.003, 99.0):
        bought.observe(seconds)
    metrics.calls.of("/Shop/Buy", "NOT_FOUND").observe(0.2)

    async with serving(metrics, "127.0.0.1:0") as port:
        seen = await look(port)

    assert seen["kontor_call_seconds_count code=OK method=/Shop/Buy"] == 4
    assert seen["kontor_call_seconds_sum code=OK method=/Shop/Buy"] == pytest.approx(99.0064)
    ends = ("0.0005", "0.0025", "0.005", "10.0", "+Inf")
    buckets = [seen[f"kontor_call_seconds_bucket code=OK le={end} method=/Shop/Buy"] for end in ends]
    assert buckets == [1, 1, 3, 3, 4]
    assert seen["kontor_call_seconds_count code=NOT_FOUND method=/Shop/Buy"] == 1


async def test_shows_figures_as_they_are_when_it_looks(metrics: Metrics) -> None:
    numbers = {"READ": 1, "WRITE": 0}
    metrics.show(
        counter("refusals_total", "Refusals.", lambda: numbers, label="rate_class"),
        gauge("things", "Things.", lambda: len(numbers)),
    )

    async with serving(metrics, "127.0.0.1:0") as port:
        before = await look(port)
        numbers["READ"] += 5
        after = await look(port)

    assert (before["refusals_total rate_class=READ"], after["refusals_total rate_class=READ"]) == (1, 6)
    assert (after["refusals_total rate_class=WRITE"], after["things"]) == (0, 2)


async def test_shows_what_the_process_takes(metrics: Metrics) -> None:
    async with serving(metrics, "127.0.0.1:0") as port:
        seen = await look(port)

    assert seen["process_resident_memory_bytes"] > 1_000_000


async def test_nobody_waits_while_somebody_looks(metrics: Metrics) -> None:
    """The slowest of figures holds up whoever asks for it and nobody else."""
    slow = asyncio.Event()

    def read() -> float:
        slept.set()
        with socket.create_connection(("127.0.0.1", gate.getsockname()[1])) as connection:
            connection.recv(1)
        return 1.0

    with socket.create_server(("127.0.0.1", 0)) as gate:
        slept = _ThreadEvent(asyncio.get_running_loop(), slow)
        metrics.show(gauge("slow", "Slow.", read))
        async with serving(metrics, "127.0.0.1:0") as port:
            looking = asyncio.create_task(look(port))
            await slow.wait()
            started = perf_counter()
            await asyncio.sleep(0.01)
            assert perf_counter() - started < 1
            assert not looking.done()
            gate.accept()[0].close()
            assert (await looking)["slow"] == 1


async def test_ends_with_the_block(metrics: Metrics) -> None:
    async with serving(metrics, "127.0.0.1:0") as port:
        await look(port)

    with pytest.raises(httpx.ConnectError):
        await look(port)


@pytest.mark.parametrize("address", ["203.0.113.7:9464", "127.0.0.1:70000"])
async def test_goes_on_without_where_it_cannot_listen(metrics: Metrics, address: str) -> None:
    with structlog.testing.capture_logs() as logs:
        async with serving(metrics, address) as port:
            assert port == 0

    assert [(line["event"], line["address"], line["log_level"]) for line in logs] == [
        ("metrics.not_served", address, "error")
    ]


async def test_goes_on_without_where_another_program_listens(metrics: Metrics, taken: str) -> None:
    with structlog.testing.capture_logs() as logs:
        async with serving(metrics, taken) as port:
            assert port == 0

    assert [line["event"] for line in logs] == ["metrics.not_served"]


class _ThreadEvent:
    """Sets an event of the loop from another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
        self._loop, self._event = loop, event

    def set(self) -> None:
        self._loop.call_soon_threadsafe(self._event.set)
