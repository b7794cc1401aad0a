"""When to send and how much: a daily window, and a cap on the bandwidth. Decides; never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Window:
    """A time of the day; it may go over midnight. The same minute twice is the whole day."""

    begin: int
    """Minutes since midnight."""
    end: int
    """The same; no longer inside."""

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read `22:00-06:00`; "" is the whole day.

        Raises:
            ValueError: it is something else.
        """
        if not text:
            return cls(0, 0)
        begin, end = ([int(part) for part in time.split(":")] for time in text.split("-"))
        return cls(begin[0] * 60 + begin[1], end[0] * 60 + end[1])

    @property
    def always(self) -> bool:
        """Whether it is the whole day."""
        return self.begin == self.end

    def holds(self, now: datetime) -> bool:
        """Whether this moment is inside."""
        minute = now.hour * 60 + now.minute
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return self.begin == self.end or minute >= self.begin or minute < self.end


class Pace:
    """A cap on the bandwidth: who sent too much waits until it is paid off."""

    def __init__(self, kbit_s: float) -> None:
        """Let `kbit_s` kilobits a second through; 0 lets everything through."""
        self._bytes_s = kbit_s * 1000 / 8
        self._free_at = float("-inf")

    def wait_s(self, now: float) -> float:
        """Seconds until something may be sent."""
        return max(0.0, self._free_at - now)

    def spend(self, size: int, now: float) -> None:
        """Note that `size` bytes were sent."""
        if self._bytes_s:
            self._free_at = max(self._free_at, now) + size / self._bytes_s


@dataclass(frozen=True, slots=True)
class Schedule:
    """When and how much."""

    window: Window
    """The time of the day."""
    pace: Pace
    """The cap; it remembers what was sent."""
