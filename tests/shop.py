"""The running shop as tests see it: its clock, its mails, its clients, and what a refused call says."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from kontor.cart.v1 import cart_service_pb2_grpc
from kontor.catalog.v1 import catalog_service_pb2_grpc
from kontor.inventory.v1 import inventory_service_pb2_grpc
from kontor.orders.v1 import orders_service_pb2_grpc
from kontor.payments.v1 import payments_service_pb2_grpc
from kontor.users.v1 import users_service_pb2_grpc

from server.mail.gateway import MailNotTaken
from server.mail.message import Mail

START = datetime(2031, 5, 4, 12, tzinfo=UTC)


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, start: datetime = START) -> None:
        self.time = start

    def now(self) -> datetime:
        return self.time

    def advance(self, by: timedelta) -> None:
        self.time += by


@dataclass
class Mailbox:
    """Takes every mail, or refuses as many as it is told to, at once or after some."""

    mails: list[Mail] = field(default_factory=list)
    failures: int = 0
    refuse_after: int = 0

    async def send(self, mail: Mail) -> None:
        if self.failures and len(self.mails) >= self.refuse_after:
            self.failures -= 1
            raise MailNotTaken("the mail server is away")
        self.mails.append(mail)

    async def close(self) -> None:
        """Nothing is kept open."""


class Clients:
    """A stub for every service."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.users = users_service_pb2_grpc.UserServiceStub(channel)
        self.catalog = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        self.cart = cart_service_pb2_grpc.CartServiceStub(channel)
        self.orders = orders_service_pb2_grpc.OrderServiceStub(channel)
        self.payments = payments_service_pb2_grpc.PaymentServiceStub(channel)
        self.inventory = inventory_service_pb2_grpc.InventoryServiceStub(channel)


class Work(Protocol):
    """Hands on every event and runs every job that is due."""

    def __call__(self) -> Awaitable[None]: ...


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
