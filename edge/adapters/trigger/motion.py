"""A photo once something has moved and come to rest."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

POLL_S = 0.2
"""Seconds between two glances."""
STEP = 25
"""Grey levels, of 255, from which a pixel has changed."""
PATIENCE_S = 2.0
"""Longest wait for what moves to come to rest."""
REST_S = 3.0
"""Shortest time between two photos."""


class Motion:
    """Decides, glance by glance, whether a photo is due; asks nobody for the time."""

    def __init__(self, share: float) -> None:
        """Call it motion when at least `share`, 0..1, of the pixels have changed."""
        self._share = share
        self._before: bytes | None = None
        self._moving_since: float | None = None
        self._rest_until = float("-inf")

    def feed(self, glance: bytes | None, now: float) -> bool:
        """Look at one more glance.

        Args:
            glance: grey, one byte a pixel; None where the camera gave none.
            now: seconds.

        Returns:
            True when a photo is due: something moved, and rests now or has moved long enough.
        """
        before, self._before = self._before, glance
        if glance is None or before is None:
            self._moving_since = None
            return False
        moving = now >= self._rest_until and changed_share(before, glance) >= self._share
        if moving and self._moving_since is None:
            self._moving_since = now
            return False
        if self._moving_since is None or (moving and now - self._moving_since < PATIENCE_S):
            return False
        self._moving_since = None
        self._rest_until = now + REST_S
        return True


class MotionTrigger:
    """Fires after motion in front of the camera."""

    name = "motion"

    def __init__(self, share: float) -> None:
        """Fire when at least `share`, 0..1, of the pixels have changed."""
        self._motion = Motion(share)

    async def wait(self, glance: Callable[[], Awaitable[bytes | None]]) -> None:
        """Glance until something has moved."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(POLL_S)
            if self._motion.feed(await glance(), clock()):
                return

    def close(self) -> None:
        """Hold nothing."""


def changed_share(before: bytes, after: bytes) -> float:
    """Say how much of a picture has changed.

    A change of the light as a whole is none: the middle one of all differences counts as zero.
    Every third pixel is looked at, to be quick without numpy.

    Args:
        before: grey pixels, one byte each.
        after: the same picture later.

    Returns:
        Share of pixels, 0..1, that differ by at least `STEP` grey levels; 1 where the sizes differ.
    """
    if len(before) != len(after):
        return 1.0
    changes = sorted(b - a for a, b in zip(before[::3], after[::3], strict=True))
    if not changes:
        return 0.0
    light = changes[len(changes) // 2]
    darker = bisect_right(changes, light - STEP)
    brighter = len(changes) - bisect_left(changes, light + STEP)
    return (darker + brighter) / len(changes)
