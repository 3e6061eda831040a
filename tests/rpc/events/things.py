"""Events of the tests' own."""

from dataclasses import dataclass
from uuid import UUID

from server.kernel.event import Event


@dataclass(frozen=True, kw_only=True)
class ThingEvent(Event):
    aggregate = "thing_id"

    thing_id: UUID
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class ThingMade(ThingEvent):
    name = "thing.made"


@dataclass(frozen=True, kw_only=True)
class ThingSold(ThingEvent):
    name = "thing.sold"


@dataclass(frozen=True, kw_only=True)
class ThingLost(ThingEvent):
    """Nobody subscribes to it."""

    name = "thing.lost"
    version = 2
