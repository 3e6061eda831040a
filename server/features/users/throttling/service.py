"""Slowing down who tries too often."""

from datetime import datetime

from server.db.session import Database, WriteTx
from server.features.users import queries
from server.features.users.errors import TooManyAttempts
from server.features.users.rules import Throttle


async def count_attempt(tx: WriteTx, throttle: Throttle, subject: bytes, *, now: datetime) -> bool:
    """Count an attempt; return False, and count nothing, when the subject has to wait."""
    count = await queries.COUNT_ATTEMPT.first(
        tx,
        subject_hash=subject,
        now=now,
        free=throttle.free,
        first=throttle.first,
        longest=throttle.longest,
        window=throttle.window,
    )
    return count is not None


async def take_attempt(db: Database, throttle: Throttle, subject: bytes, *, now: datetime) -> None:
    """Count an attempt. Raises TooManyAttempts when the subject has to wait."""
    async with db.write_single() as tx:
        if await count_attempt(tx, throttle, subject, now=now):
            return
        blocked_until = await queries.BLOCKED_UNTIL.one(tx, subject_hashes=[subject], now=now)
    # It may have ended, or been cleared, between the two statements.
    raise too_many_attempts(blocked_until or now, now=now)


def too_many_attempts(blocked_until: datetime, *, now: datetime) -> TooManyAttempts:
    """Make the refusal of somebody who has to wait."""
    return TooManyAttempts("Too many attempts of late; wait before the next one", retry_after=blocked_until - now)
