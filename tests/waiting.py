"""Waiting for something that happens elsewhere, without sleeping longer than needed."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

_PAUSE_SECONDS = 0.01


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
