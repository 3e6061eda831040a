"""How workloads call the shop over gRPC."""

from collections.abc import Sequence

import grpc
from google.protobuf.message import Message

from tests.bench.generators import load
from tests.bench.job import CallJob, Check, Headers
from tests.bench.machine import CannotMeasure
from tests.bench.session import Session
from tests.bench.shop import Shop

# How many calls are under way at once; pgbench runs as many clients. It is less than the shop's connections to the
# database, so that nobody waits for one.
CLIENTS = 16


def calls(
    session: Session,
    targets: Sequence[str],
    path: str,
    messages: Sequence[bytes],
    check: Check,
    *,
    headers: Sequence[Headers] = (),
    once: bool = False,
    seconds: float | None = None,
    clients: int = CLIENTS,
    rate: float | None = None,
) -> CallJob:
    """Make a job of calls that are dealt out evenly over the targets, one after the other on each place."""
    connections = 2 * len(targets)
    return CallJob(
        targets=targets,
        seconds=session.options.seconds if seconds is None else seconds,
        warm_seconds=0 if once and seconds else 0.5,
        connections=connections,
        in_flight=clients // connections,
        path=path,
        messages=messages,
        headers=headers,
        check=check,
        once=once,
        rate=rate,
    )


def ask(shop: Shop, path: str, request: Message, headers: Headers = ()) -> bytes:
    """Make one call and return the bytes of its answer. Raises CannotMeasure."""
    with grpc.insecure_channel(shop.workers[0]) as channel:
        call = channel.unary_unary(path, None, None)
        try:
            response: bytes = call(request.SerializeToString(), metadata=tuple(headers), timeout=30)
        except grpc.RpcError as refusal:
            raise CannotMeasure(f"{path} was refused: {refusal}") from refusal
        return response


def warm(job: CallJob) -> None:
    """Make every call of a job once. Raises CannotMeasure."""
    done = load(job)
    if done.errors or done.requests != job.count:
        raise CannotMeasure(f"what was to be called once was not: {done.first_error or 'it took too long'}")
