"""Recording events: the door for every other feature."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from server.db.session import WriteTx
from server.db.statement import Bound
from server.features.events import queries
from server.kernel.ids import new_id

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that happened to an aggregate; `type` is past tense, such as `order.placed`."""

    type: str
    aggregate_id: UUID
    data: Mapping[str, JsonValue] = field(default_factory=dict)


async def record(tx: WriteTx, *events: NewEvent) -> None:
    """Write events in the transaction that caused them: one statement, whatever their number.

    The caller holds the lock of each aggregate, or has just inserted it: it got it in an earlier statement of this
    transaction. Two writers of one aggregate would otherwise take the same sequence, and the unique constraint
    refuses the second.
    """
    if events:
        await queries.INSERT_EVENTS.run(tx, **_rows(events))


def recording(*events: NewEvent) -> Bound[None]:
    """Return the statement that writes events, one at least, to be run together with others; see `record`."""
    return queries.INSERT_EVENTS.bind(**_rows(events))


def _rows(events: Sequence[NewEvent]) -> dict[str, list[Any]]:
    return {
        "ordinal": list(range(len(events))),
        "id": [new_id() for _ in events],
        "type": [event.type for event in events],
        "aggregate_id": [event.aggregate_id for event in events],
        "data": [dict(event.data) for event in events],
    }
