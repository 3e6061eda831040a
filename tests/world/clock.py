"""Time as the tests want it."""

from datetime import UTC, datetime, timedelta

START = datetime(2031, 5, 4, 12, tzinfo=UTC)


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, start: datetime = START) -> None:
        self.time = start

    def now(self) -> datetime:
        return self.time

    def advance(self, by: timedelta) -> None:
        self.time += by

    def reset(self) -> None:
        """Go to the present second."""
        self.time = datetime.now(UTC).replace(microsecond=0)
