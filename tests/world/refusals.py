"""How calls are refused, and what becomes of calls that race."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

T = TypeVar("T")


@dataclass(frozen=True)
class Refusal:
    """An error as a client sees it."""

    code: grpc.StatusCode
    reason: str
    message: str
    metadata: Mapping[str, str]
    fields: Mapping[str, str]
    retry_seconds: float | None
    request_id: str


async def refusal(call: Awaitable[Any]) -> Refusal:
    """Await a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    trailers: dict[str, Any] = dict(caught.value.trailing_metadata() or ())  # type: ignore[arg-type]  # Pairs.
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry, request = error_details_pb2.RetryInfo(), error_details_pb2.RequestInfo()
    for detail in status.details:
        # All kinds that the server sends; whatever else comes is a mistake.
        assert sum(detail.Unpack(kind) for kind in (info, bad, retry, request)) == 1
    assert info.domain == "kontor"
    assert (status.code, status.message) == (caught.value.code().value[0], caught.value.details())
    return Refusal(
        code=caught.value.code(),
        reason=info.reason,
        message=status.message,
        metadata=dict(info.metadata),
        fields={violation.field: violation.description for violation in bad.field_violations},
        retry_seconds=retry.retry_delay.ToTimedelta().total_seconds() if retry.HasField("retry_delay") else None,
        request_id=request.request_id,
    )


async def outcome(call: Awaitable[T]) -> T | Refusal:
    """Return the answer of a call, or why it was refused."""
    task = asyncio.ensure_future(call)
    await asyncio.wait([task])
    return task.result() if task.exception() is None else await refusal(task)


async def race(calls: Iterable[Awaitable[T]]) -> tuple[list[T], list[Refusal]]:
    """Run calls at the same time; return the answers and the refusals."""
    outcomes = await asyncio.gather(*[outcome(call) for call in calls])
    answers = [one for one in outcomes if not isinstance(one, Refusal)]
    return answers, [one for one in outcomes if isinstance(one, Refusal)]
