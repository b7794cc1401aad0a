"""A photo every so many seconds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class IntervalTrigger:
    """Fires at once and then every `interval_s`, without drift from the time a photo takes."""

    def __init__(self, interval_s: float) -> None:
        """Fire every `interval_s` seconds."""
        self._interval_s = interval_s
        self._due: float | None = None

    @property
    def name(self) -> str:
        """How often."""
        return f"every {self._interval_s:g} s"

    async def wait(self, glance: Callable[[], Awaitable[bytes | None]]) -> None:
        """Sleep until the next photo is due; what was missed meanwhile is not made up for."""
        del glance
        now = asyncio.get_running_loop().time()
        self._due = next_due(self._due, now, self._interval_s)
        await asyncio.sleep(self._due - now)

    def close(self) -> None:
        """Hold nothing."""


def next_due(last: float | None, now: float, interval_s: float) -> float:
    """Decide when the next photo is due.

    Args:
        last: when the last one was due, seconds; None before the first.
        now: the same clock's time.
        interval_s: seconds between two.

    Returns:
        `now` for the first; else the next point of the grid that `last` lies on, not before `now`.
    """
    if last is None:
        return now
    missed = max(0.0, now - last) // interval_s
    due = last + (missed + 1) * interval_s
    return due if due >= now else now
