"""Waiting for something that happens elsewhere, without sleeping longer than needed."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

_PAUSE_SECONDS = 0.01
_DEADLINE_SECONDS = 20.0


@overload
async def eventually(
    look: Callable[[], Awaitable[T]], holds: Callable[[T], bool] = ..., *, seconds: float = ...
) -> T: ...
@overload
async def eventually(look: Callable[[], T], holds: Callable[[T], bool] = ..., *, seconds: float = ...) -> T: ...
async def eventually(
    look: Callable[[], Awaitable[T] | T], holds: Callable[[T], bool] = bool, *, seconds: float = 10.0
) -> T:
    """Look again and again until what is seen holds; return it. Raises AssertionError with what was seen last."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        value: T = await seen if inspect.isawaitable(seen) else seen
        if holds(value):
            return value
        assert time.monotonic() < deadline, f"still {value!r} after {seconds} s"
        await asyncio.sleep(_PAUSE_SECONDS)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for the condition where nothing else runs meanwhile; fail when it does not hold in time."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(2 * _PAUSE_SECONDS)
