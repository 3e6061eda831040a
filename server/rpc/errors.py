"""Turns errors into google.rpc.Status."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import grpc
import psycopg
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from psycopg_pool import PoolTimeout

from server.kernel.errors import AppError, Code, InvalidArgument, Unavailable
from server.texts.catalogue import Texts, texts_in
from server.texts.languages import best_language
from server.texts.refusals import refusal_text

DOMAIN: Final = "kontor"
# The metadata key under which gRPC libraries in all languages look for the status with its details.
_DETAILS_KEY: Final = "grpc-status-details-bin"
_INTERNAL_TEXT: Final = "Something failed in the server; its log has the request id"
_RETRY_AFTER: Final = timedelta(seconds=1)
_STATUS_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A failed call as it goes over the wire."""

    code: grpc.StatusCode
    message: str
    reason: str
    trailers: tuple[tuple[str, str | bytes], ...]


def texts_for(headers: Mapping[str, str], shop_language: str) -> Texts | None:
    """Return what to say to the people behind a call; None when it does not tell what they read."""
    wanted = headers.get("accept-language")
    return None if wanted is None else texts_in(best_language(wanted), shop_language)


def describe(error: AppError, request_id: str, texts: Texts | None = None) -> Refusal:
    """Describe an expected error: to developers, and to shoppers where there are texts for them."""
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata),
        error_details_pb2.RequestInfo(request_id=request_id),
    ]
    if error.fields:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in error.fields
        ]
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    if error.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(error.retry_after)
        details.append(retry)
    details += _localized(texts, error.reason, error.metadata, error.retry_after)
    return _refusal(error.code, error.message, error.reason, details, request_id)


def describe_unexpected(request_id: str, texts: Texts | None = None) -> Refusal:
    """Describe a defect without telling anything about it."""
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason="INTERNAL", domain=DOMAIN),
        error_details_pb2.RequestInfo(request_id=request_id),
    ]
    details += _localized(texts, "INTERNAL", {}, None)
    return _refusal(Code.INTERNAL, _INTERNAL_TEXT, "INTERNAL", details, request_id)


def database_away(error: BaseException) -> Unavailable | None:
    """Return what to say when PostgreSQL cannot be reached or is too busy; None for any other error.

    psycopg's OperationalError covers a refused or lost connection, a pool without a free one, and the timeouts of locks
    and statements: nothing in the request caused it, and the same call may succeed later.
    """
    if not isinstance(error, psycopg.OperationalError):
        return None
    return Unavailable("The database does not answer in time; try again", retry_after=_RETRY_AFTER)


def unfit_value() -> InvalidArgument:
    """Return what to say when PostgreSQL cannot take a value: a number out of range, a character that no text may have.

    The rules of the contract should have caught it before.
    """
    return InvalidArgument("A value in the request is out of range, or has characters that no text may have")


def connection_lost(error: psycopg.OperationalError) -> bool:
    """Whether a connection died under its statement: on another one the statement may well succeed."""
    if isinstance(error, PoolTimeout):
        return False
    # 57P01 to 57P03: PostgreSQL was stopped, crashed or is starting.
    return error.sqlstate is None or error.sqlstate.startswith("57P")


def _localized(
    texts: Texts | None, reason: str, metadata: Mapping[str, str], retry_after: timedelta | None
) -> list[Message]:
    if texts is None:
        return []
    text = refusal_text(texts, reason, metadata=metadata, retry_after=retry_after)
    return [] if text is None else [error_details_pb2.LocalizedMessage(locale=texts.language, message=text)]


def _refusal(code: Code, message: str, reason: str, details: list[Message], request_id: str) -> Refusal:
    status = status_pb2.Status(code=code, message=message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    trailers = ((_DETAILS_KEY, status.SerializeToString()), ("x-request-id", request_id))
    return Refusal(_STATUS_CODES[code], message, reason, trailers)
