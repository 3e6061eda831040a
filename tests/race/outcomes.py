"""What becomes of calls that race: an answer for some, a refusal for the others."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

from tests.shop import Refusal, refusal

T = TypeVar("T")


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
