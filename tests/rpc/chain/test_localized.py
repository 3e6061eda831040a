"""What a refused call says to the people behind it."""

from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from server.kernel.errors import FailedPrecondition, NotFound, ResourceExhausted
from tests.rpc.chain.conftest import Echo
from tests.world.rpcs import Metadata


class CartFull(ResourceExhausted):
    reason = "CART_FULL"


class StockReserved(FailedPrecondition):
    reason = "STOCK_RESERVED"


async def details(echo: Echo, error: Exception, headers: Metadata) -> tuple[str, dict[str, Any]]:
    """Return the message of a refused call, and its details by their kind."""

    async def refuse(request: object, call: object) -> str:
        raise error

    echo.servicer.script = refuse
    return await details_of(echo.call("Public", headers=headers))


async def details_of(call: Any) -> tuple[str, dict[str, Any]]:
    """Await a call that must be refused; return its message and its details by their kind."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    trailers: dict[str, Any] = dict(caught.value.trailing_metadata() or ())  # type: ignore[arg-type]  # Pairs.
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    return status.message, {detail.TypeName(): unpacked(detail) for detail in status.details}


def unpacked(detail: Any) -> Message:
    message: Message = getattr(error_details_pb2, detail.TypeName().rpartition(".")[2])()
    detail.Unpack(message)
    return message


async def said(echo: Echo, error: Exception, accept_language: str) -> error_details_pb2.LocalizedMessage | None:
    _, found = await details(echo, error, (("accept-language", accept_language),))
    return found.get("google.rpc.LocalizedMessage")


def localized(locale: str, message: str) -> error_details_pb2.LocalizedMessage:
    return error_details_pb2.LocalizedMessage(locale=locale, message=message)


async def test_comes_beside_what_a_developer_is_told(echo: Echo):
    error = CartFull("A cart has at most 100 items", metadata={"max_lines": "100"}, retry_after=timedelta(seconds=1))
    plain_message, plain = await details(echo, error, ())

    message, found = await details(echo, error, (("accept-language", "de"), ("x-request-id", "request-1")))

    assert message == plain_message == "A cart has at most 100 items"
    assert found.pop("google.rpc.LocalizedMessage") == localized(
        "de", "Ein Warenkorb fasst höchstens 100 verschiedene Artikel. Bitte entfernen Sie zuerst einen."
    )
    assert found.keys() == plain.keys()
    assert found["google.rpc.ErrorInfo"] == plain["google.rpc.ErrorInfo"]


async def test_stays_away_from_callers_who_do_not_ask(echo: Echo):
    _, found = await details(echo, NotFound("There is none"), ())

    assert found.keys() == {"google.rpc.ErrorInfo", "google.rpc.RequestInfo"}


@pytest.mark.parametrize(
    ("accept_language", "locale"),
    [
        ("en-US", "en"),
        ("fr, de;q=0.1", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        (";q==,", "en"),
        ("x" * 8000, "en"),
    ],
)
async def test_speaks_the_best_language_that_there_is(echo: Echo, accept_language: str, locale: str):
    answer = await said(echo, NotFound("There is none"), accept_language)

    assert answer is not None
    assert answer.locale == locale


async def test_a_defect_is_excused_too(echo: Echo):
    assert await said(echo, ValueError("the secret is 42"), "de") == localized(
        "de", "Bei uns ist etwas schiefgegangen. Bitte versuchen Sie es später noch einmal."
    )


async def test_says_nothing_where_no_shopper_gets(echo: Echo):
    assert await said(echo, StockReserved("Orders hold 3"), "de") is None


async def test_is_said_to_strangers(echo: Echo):
    """Before anything is known about the call."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await echo.call("Public", headers=(("authorization", "Bearer nonsense"), ("accept-language", "de")))

    trailers: dict[str, Any] = dict(caught.value.trailing_metadata() or ())  # type: ignore[arg-type]  # Pairs.
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert unpacked(status.details[-1]) == localized("de", "Ihre Sitzung ist beendet. Bitte melden Sie sich erneut an.")
