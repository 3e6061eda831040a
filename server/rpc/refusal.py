"""What becomes of a call that failed: its status, and the line that it leaves in the log."""

import logging
from dataclasses import replace

import psycopg
import structlog

from server.kernel.actor import Actor
from server.kernel.errors import AppError
from server.rpc import telemetry
from server.rpc.errors import Refusal, database_away, describe, describe_unexpected, unfit_value
from server.rpc.rates import RateLimited
from server.texts.catalogue import Texts

_log = structlog.get_logger(__name__)


def refuse(
    error: Exception, *, path: str, request_id: str, actor: Actor, seconds: float, texts: Texts | None
) -> Refusal:
    """Turn whatever went wrong into a status, and log it. A defect tells the caller nothing but the request id."""
    away = database_away(error)
    if away is not None:
        _log.warning("database.away", method=path, request_id=request_id, error=repr(error))
        error = away
    elif isinstance(error, psycopg.DataError):
        telemetry.log_unfit_value(path, request_id=request_id, error=error)
        error = unfit_value()
    if isinstance(error, AppError):
        refusal = describe(error, request_id, texts)
        if isinstance(error, RateLimited):
            refusal = replace(refusal, trailers=(*refusal.trailers, *error.headers))
        level = logging.INFO
    else:
        telemetry.log_failure(path, request_id=request_id, actor=actor, error=error)
        refusal = describe_unexpected(request_id, texts)
        level = logging.ERROR
    telemetry.log_refusal(
        path,
        request_id=request_id,
        actor=actor,
        seconds=seconds,
        code=refusal.code.name,
        reason=refusal.reason,
        level=level,
    )
    return refusal
