"""Who hears of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class InBatches:
    """A task that takes many events at once, as `events`, each with what another task gets.

    Its jobs run side by side, so it is for events whose order does not matter. A job that is repeated gets all of them
    again: the task sees to it that one event's trouble does not repeat the others.
    """

    task_name: str


# The tasks that hear of an event, by its type.
Subscriptions: TypeAlias = Mapping[str, Sequence[str | InBatches]]
