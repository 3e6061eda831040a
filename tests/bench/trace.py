"""The statements of one call, as the shop sends them: what its limit then runs without the shop.

The shop is run in this process for it, with its real chain and on the same database, and answers a single call.
"""

import asyncio
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.message import Message
from psycopg import AsyncCursor, postgres
from psycopg.abc import Buffer
from psycopg.adapt import PyFormat, Transformer

from server.app import build
from server.db.wire import Prepared, Sending, Wire
from server.rpc.telemetry import configure_logging
from tests.bench.job import Headers
from tests.bench.machine import CannotMeasure
from tests.bench.shop import Shop

# How psycopg writes a parameter, or a percent sign.
_NAMED = re.compile(r"%\((\w+)\)s|%%")
# A UUIDv7 as psycopg writes it.
_ID = re.compile(r"\b[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """An SQL statement with its values, as PostgreSQL reads them; None is NULL."""

    sql: str
    values: Sequence[str | None]


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
    """Note what goes over the wires of the shop, and what psycopg runs for the job queue, meanwhile."""
    steps: list[Step] = []
    run, execute = Wire.run, AsyncCursor.execute

    async def recording_run(self: Any, sendings: Sequence[Sending]) -> Any:
        statements = [_sent(prepared, values) for prepared, values in sendings]
        steps.extend(statements if len(statements) == 1 else [PipelineBegins(), *statements, PipelineEnds()])
        return await run(self, sendings)

    async def recording_execute(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        steps.append(_numbered(query, params or {}))
        return await execute(self, query, params, **options)

    Wire.run = recording_run  # type: ignore[method-assign]  # Put back below.
    AsyncCursor.execute = recording_execute  # type: ignore[method-assign]
    try:
        yield steps
    finally:
        Wire.run = run  # type: ignore[method-assign]
        AsyncCursor.execute = execute  # type: ignore[method-assign]


def _sent(prepared: Prepared, values: Sequence[Buffer | None]) -> Statement:
    """Write a statement with the types that are named apart from it."""
    sql = prepared.sql
    for number, oid in enumerate(prepared.types, 1):
        if oid:
            sql = re.sub(rf"\${number}\b", f"${number}::{postgres.types[oid].name}", sql)
    return Statement(sql, [_readable(value) for value in values])


def _numbered(query: str | bytes, params: Mapping[str, Any]) -> Statement:
    """Write a statement of psycopg's with the parameters that the server knows."""
    text = query.decode() if isinstance(query, bytes) else str(query)
    names = list(params)
    values = Transformer().dump_sequence([*params.values()], [PyFormat.TEXT] * len(names))
    sql = _NAMED.sub(lambda match: "%" if match[1] is None else f"${names.index(match[1]) + 1}", text)
    return Statement(sql, [_readable(value) for value in values])


def _readable(value: Buffer | None) -> str | None:
    """Return a value with its ids as PostgreSQL writes them, so that they are found wherever they stand."""
    return None if value is None else _ID.sub(lambda match: str(UUID(match[0])), bytes(value).decode())
