"""Events of the tests' own, and a look into the database."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from server.db.session import Database
from server.kernel.event import Event
from tests.factories import execute


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


async def rows(db: Database, sql: str) -> list[tuple[Any, ...]]:
    async with db.read() as tx:
        return await (await execute(tx, sql)).fetchall()
