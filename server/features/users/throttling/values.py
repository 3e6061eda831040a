"""Throttles."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Throttle:
    """How often something may happen before it has to wait, and how the wait grows.

    The attempt number `free` starts a wait of `first`, each further one doubles it up to `longest`. After `window`
    without an attempt, counting starts anew.
    """

    free: int
    first: timedelta
    longest: timedelta
    window: timedelta
