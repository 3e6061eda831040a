"""Slowing down who tries too often."""

from datetime import datetime

from server.db.session import Database
from server.features.users.errors import TooManyAttempts
from server.features.users.throttling import queries
from server.features.users.throttling.values import Throttle


async def take_attempt(db: Database, throttle: Throttle, subject: bytes, *, now: datetime) -> None:
    """Count an attempt. Raises TooManyAttempts when the subject has to wait."""
    async with db.write_single() as tx:
        if await queries.count_attempt(tx, throttle, subject, now=now):
            return
        blocked_until = await queries.find_blocked_until(tx, subject, now=now)
    # It may have ended, or been cleared, between the two statements.
    raise TooManyAttempts(retry_after=(blocked_until or now) - now)
