"""Events: what happened, as one frozen class for each kind. They have no slots: a class with slots is made twice.

The fields of an event are what it tells, named as the contract names them: others outside will read them. A class that
loses a field, or gives one another meaning, gets the next version.
"""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to an aggregate, whose events are counted and come in order."""

    # Past tense, with the noun first: `order.placed`.
    name: ClassVar[str]
    version: ClassVar[int] = 1
    # The field that names the aggregate: `order_id`.
    aggregate: ClassVar[str]

    @property
    def aggregate_id(self) -> UUID:
        """Whose event it is."""
        id: UUID = getattr(self, self.aggregate)
        return id


def known_events() -> dict[str, type[Event]]:
    """Return the class of each kind of event that this program knows, by name. Raises TypeError for two of a name."""
    known: dict[str, type[Event]] = {}
    kinds: list[type[Any]] = [Event]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        # What several kinds have in common has no name.
        if "name" not in vars(kind):
            continue
        other = known.setdefault(kind.name, kind)
        if other is not kind:
            raise TypeError(f"{kind.name} is the name of two kinds of events: {other} and {kind}")
    return known
