"""Request ids and logs.

Every call that failed, that may have changed something, or that was slow leaves one line; a read that went well and
fast leaves none, as writing it would cost more than the read. Nothing of a request's content is logged.
"""

import json
import logging
import re
import sys
import traceback
from contextlib import suppress
from typing import Any, Final

import psycopg
import structlog
import uuid_utils

from server.kernel.actor import Actor
from server.kernel.ids import CART, USER

_SANE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{8,128}")
_SLOW_READ_SECONDS: Final = 0.5

_encode: Final = json.JSONEncoder(default=str).encode

_log = structlog.get_logger("server.rpc")


def request_id(given: str | None) -> str:
    """Return the caller's request id when it is fit for a log, else a new one."""
    if given is not None and _SANE_REQUEST_ID.fullmatch(given):
        return given
    return uuid_utils.uuid7().hex


def log_success(method: str, *, request_id: str, actor: Actor, seconds: float, read_only: bool) -> None:
    """Log a call that succeeded, unless it is a fast read."""
    if read_only and seconds < _SLOW_READ_SECONDS:
        return
    _log.info("call", method=method, code="OK", ms=_ms(seconds), **_who(actor), request_id=request_id)


def log_refusal(
    method: str, *, request_id: str, actor: Actor, seconds: float, code: str, reason: str, level: int = logging.INFO
) -> None:
    """Log a call that was refused."""
    ms = _ms(seconds)
    _log.log(level, "call", method=method, code=code, reason=reason, ms=ms, **_who(actor), request_id=request_id)


def log_failure(method: str, *, request_id: str, actor: Actor, error: BaseException) -> None:
    """Log a defect, with its stack."""
    _log.error("call.failed", method=method, **_who(actor), request_id=request_id, exc_info=error)


def log_unfit_value(method: str, *, request_id: str, error: psycopg.DataError) -> None:
    """Log where a value went that PostgreSQL could not take; its own message would repeat the value."""
    stack = "".join(traceback.format_tb(error.__traceback__))
    _log.warning(
        "call.unfit_value",
        method=method,
        request_id=request_id,
        error=type(error).__name__,
        sqlstate=error.sqlstate,
        stack=stack,
    )


class _Lines:
    """What a logger of ours writes to: standard output, at once."""

    def __init__(self, name: str) -> None:
        self.name = name

    def write(self, line: str) -> None:
        """Write a line."""
        # As with handlers of `logging`: work that is done must not fail because a full disk does not take its line.
        with suppress(OSError):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    debug = info = warning = error = critical = write


def configure_logging(level: str = "INFO") -> None:
    """Write one JSON object a line to standard output, from our code and from libraries alike."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered: list[Any] = [structlog.processors.format_exc_info, _render]
    # Ours do not pass through `logging`, which would cost as much again as all the rest of a line.
    structlog.configure(
        processors=[*shared, *rendered],
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # They tell of every connection and every job at info.
    for noisy in ("psycopg.pool", "httpx", "stripe"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _render(_logger: object, _method: str, event: structlog.typing.EventDict) -> str:
    return _encode(event)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _who(actor: Actor) -> dict[str, str]:
    who = {}
    if actor.user_id is not None:
        who["user_id"] = USER.write(actor.user_id)
    if actor.cart_id is not None:
        who["cart_id"] = CART.write(actor.cart_id)
    return who
