"""The statements of one call, as the shop hands them to psycopg: what its limit then runs without the shop.

The shop is run in this process for it, with its real chain and on the same database, and answers a single call.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message
from psycopg import AsyncConnection

from server.app import build
from server.rpc.telemetry import configure_logging
from tests.bench.job import Headers
from tests.bench.machine import CannotMeasure
from tests.bench.shop import Shop


@dataclass(frozen=True, slots=True)
class Statement:
    """An SQL statement with its values."""

    sql: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PipelineBegins:
    """From here on statements are sent without waiting for the answers."""


@dataclass(frozen=True, slots=True)
class PipelineEnds:
    """Here all answers are waited for."""


Step = Statement | PipelineBegins | PipelineEnds


@dataclass(frozen=True, slots=True)
class Trace:
    """What one call did in the database, and what it answered."""

    steps: Sequence[Step]
    response: bytes
    # Since 1970.
    started_ms: int

    @property
    def statements(self) -> list[Statement]:
        """The statements, without the borders of transactions."""
        return [
            step
            for step in self.steps
            if isinstance(step, Statement) and step.sql.split()[0] not in ("BEGIN", "COMMIT")
        ]


def trace(shop: Shop, path: str, request: Message, headers: Headers = ()) -> Trace:
    """Make a call and return what it did. The cache takes no part. Raises CannotMeasure."""
    try:
        return asyncio.run(_trace(shop, path, request.SerializeToString(), headers))
    except grpc.RpcError as refusal:
        raise CannotMeasure(f"{path} was refused: {refusal}") from refusal


async def _trace(shop: Shop, path: str, request: bytes, headers: Headers) -> Trace:
    settings = shop.settings.model_copy(update={"response_cache_bytes": 0})
    configure_logging("ERROR")
    with tempfile.TemporaryDirectory(prefix="kontor-trace-") as folder:
        address = f"unix:{folder}/shop.sock"
        async with await build(settings) as app:
            server = app.server(address)
            await server.start()
            try:
                async with grpc.aio.insecure_channel(address) as channel:
                    call = channel.unary_unary(path, None, None)
                    started_ms = int(time.time() * 1000)
                    with _recorded() as steps:
                        response = await call(request, metadata=tuple(headers))
            finally:
                await server.stop(0)
    if not steps:
        raise CannotMeasure(f"{path} ran no statement that could be seen")
    return Trace(tuple(steps), bytes(response), started_ms)


@contextmanager
def _recorded() -> Iterator[list[Step]]:
    """Note what passes through psycopg's connections meanwhile."""
    steps: list[Step] = []
    execute, pipeline = AsyncConnection.execute, AsyncConnection.pipeline

    async def recording_execute(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        steps.append(Statement(str(query), dict(params or {})))
        return await execute(self, query, params, **options)

    @asynccontextmanager
    async def recording_pipeline(self: Any) -> AsyncIterator[Any]:
        steps.append(PipelineBegins())
        async with pipeline(self) as opened:
            yield opened
        steps.append(PipelineEnds())

    AsyncConnection.execute = recording_execute  # type: ignore[method-assign]  # Put back below.
    AsyncConnection.pipeline = recording_pipeline  # type: ignore[method-assign]
    try:
        yield steps
    finally:
        AsyncConnection.execute = execute  # type: ignore[method-assign]
        AsyncConnection.pipeline = pipeline  # type: ignore[method-assign]
