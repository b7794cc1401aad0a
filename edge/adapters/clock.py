"""The machine's clock, and whether to believe it: a Pi has no battery for its own."""

from __future__ import annotations

import time
from datetime import UTC, datetime

BUILT = datetime(2026, 11, 1, tzinfo=UTC)
"""A day before this version was made; no honest clock shows an earlier one."""
HORIZON = datetime(2100, 1, 1, tzinfo=UTC)
"""No honest clock shows a later one either."""


class SystemClock:
    """Tells wall time and time since boot; knows the latest moment that has surely passed."""

    def __init__(self, floor: datetime = BUILT) -> None:
        """Begin with a moment that has surely passed: the build, or the last case stored."""
        self._floor = max(floor, BUILT)

    def now(self) -> datetime:
        """Wall time with its offset."""
        return datetime.now(UTC).astimezone()

    def monotonic(self) -> float:
        """Seconds since boot, with the time asleep; never goes back."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def trusted(self) -> bool:
        """Say whether the wall clock can be right."""
        return believable(self.now(), self._floor)

    def saw(self, moment: datetime) -> None:
        """Learn that `moment` has passed: tell it of cases whose own clock was trusted, only."""
        self._floor = max(self._floor, moment)


def believable(now: datetime, floor: datetime) -> bool:
    """Decide whether `now` can be right, when `floor` has surely passed."""
    return floor <= now < HORIZON
