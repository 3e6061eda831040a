"""Shows the figures of this process at `GET /metrics`, in Prometheus' text format.

A thread of its own answers: calls go on meanwhile, and wait for Python's lock only, five milliseconds at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import accumulate

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from server.metrics.meters import Figure, Kind, Metrics, Timings

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def serving(metrics: Metrics, address: str) -> AsyncIterator[int]:
    """Serve the figures on `host:port` while the block runs; yield the port, 0 when it is not to be had.

    The shop matters more than its figures: whoever looks for them sees that they are away, and the log says why.
    """
    host, _, port = address.rpartition(":")
    try:
        server, _thread = start_http_server(int(port), host.strip("[]"), registry_of(metrics))
    except (OSError, OverflowError) as error:
        _log.error("metrics.not_served", address=address, error=str(error))
        yield 0
        return
    _log.info("metrics.serving", address=address)
    try:
        yield server.server_port
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()


def registry_of(metrics: Metrics) -> CollectorRegistry:
    """Return a registry that reads the figures whenever it is asked, and those of the process from the kernel."""
    registry = CollectorRegistry()
    registry.register(_Figures(metrics))
    ProcessCollector(registry=registry)
    return registry


class _Figures(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        for timings in (self._metrics.calls, self._metrics.jobs):
            yield _histograms(timings)
        for figure in self._metrics.figures:
            yield _family(figure)


def _histograms(timings: Timings) -> Metric:
    family = HistogramMetricFamily(timings.name, timings.text, labels=timings.labels)
    ends = [*map(floatToGoString, timings.bounds), "+Inf"]
    for values, histogram in timings.items():
        # A copy: calls go on meanwhile, and each bucket has to hold at least what the one before it holds.
        counts = histogram.counts[:]
        family.add_metric(values, list(zip(ends, accumulate(counts), strict=True)), histogram.total_seconds)
    return family


def _family(figure: Figure) -> Metric:
    kind = CounterMetricFamily if figure.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(figure.name, figure.text, labels=[figure.label] if figure.label else [])
    value = figure.read()
    if isinstance(value, Mapping):
        for label, one in value.items():
            family.add_metric([label], one)
    else:
        family.add_metric([], value)
    return family
