"""Events as they are kept, and how far their readers have come."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server.kernel.ids import EventId


@dataclass(frozen=True, slots=True)
class CursorPosition:
    """How far a reader has come. PostgreSQL writes a transaction id as text."""

    transaction_id: str
    position: int


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event after the cursor; `settled` when no earlier one can appear any more."""

    transaction_id: str
    position: int
    settled: bool
    id: EventId
    type: str
    aggregate_id: UUID
    data: dict[str, Any]
    created_time: datetime


@dataclass(frozen=True, slots=True)
class News:
    """An event that a follower may not have seen; without a position it only tells the horizon.

    `horizon` is the oldest transaction that still ran when the follower looked; `settled` when the event is before it.
    """

    horizon: str
    position: int | None
    settled: bool
    type: str
    data: dict[str, Any]
