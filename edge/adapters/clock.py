"""The machine's clock, and whether to believe it: a Pi has no battery for its own."""

from __future__ import annotations

import ctypes
import struct
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BUILT = datetime(2026, 11, 1, tzinfo=UTC)
"""A day before this version was made; no honest clock shows an earlier one."""
HORIZON = datetime(2100, 1, 1, tzinfo=UTC)
"""No honest clock shows a later one either."""
LEAP = timedelta(days=5 * 365)
"""Further ahead of what has surely passed only a time server is believed."""
JUMP_S = 600.0
"""Wall time that runs this much ahead of or behind the time since boot has jumped."""
ERROR_S = 5.0
"""How far the kernel's time may be from ours, as long as both are read at once."""


class SystemClock:
    """Tells wall time and time since boot; knows the latest moment that has surely passed.

    That moment never goes back, and it only follows a wall clock that is believed. A wall clock is
    believed that is not behind it nor years ahead, and that has not jumped since it was believed
    first; or one that a time server vouches for.
    """

    def __init__(
        self, floor: datetime = BUILT, synchronised: Callable[[datetime], bool] | None = None
    ) -> None:
        """Begin with a moment that has surely passed: the build, or the last one remembered.

        Args:
            floor: that moment.
            synchronised: says whether a time server vouches for a wall time; by default the
                kernel is asked.
        """
        self._floor = max(floor, BUILT)
        self._synchronised = synchronised or kernel_vouches
        self._offset: float | None = None
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Wall time with its offset."""
        return datetime.now(UTC).astimezone()

    def monotonic(self) -> float:
        """Seconds since boot, with the time asleep; never goes back."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def trusted(self) -> bool:
        """Say whether the wall clock can be right; learns from it where it can."""
        with self._lock:
            return self._judge(self.now())

    def passed(self) -> datetime | None:
        """None while the wall clock can be right, otherwise a moment that has surely passed."""
        with self._lock:
            return None if self._judge(self.now()) else self._floor

    def saw(self, moment: datetime) -> None:
        """Learn that `moment` has passed: tell it of what a trusted clock showed, only."""
        with self._lock:
            self._floor = max(self._floor, moment)

    def _judge(self, now: datetime) -> bool:
        offset = now.timestamp() - self.monotonic()
        jumped = self._offset is not None and abs(offset - self._offset) > JUMP_S
        likely = believable(now, self._floor) and now <= self._floor + LEAP and not jumped
        if not likely and not (believable(now, BUILT) and self._synchronised(now)):
            return False
        if jumped or self._offset is None:
            self._offset = offset
        self._floor = max(self._floor, now - timedelta(seconds=JUMP_S))
        return True


def believable(now: datetime, floor: datetime) -> bool:
    """Decide whether `now` can be right, when `floor` has surely passed."""
    return floor <= now < HORIZON


def kernel_vouches(now: datetime) -> bool:
    """Ask the kernel whether a time server keeps its clock, and whether `now` is what it shows."""
    return vouches(_kernel_time(), now)


def vouches(said: bytes | None, now: datetime) -> bool:
    """Read the kernel's answer: a `struct timex` of a 64-bit system; None where it gave none."""
    if said is None:
        return False
    _, _, _, _, _, status, _, _, _, seconds = struct.unpack_from("@Iqqqqiqqqq", said)
    unsynchronised = bool(status & 0x40)
    return not unsynchronised and abs(seconds - now.timestamp()) <= ERROR_S


def _kernel_time() -> bytes | None:
    """The kernel's `struct timex`; None where this process may not ask."""
    buffer = ctypes.create_string_buffer(512)  # modes = 0: only read
    library = ctypes.CDLL(None)
    if not hasattr(library, "adjtimex") or library.adjtimex(buffer) < 0:
        return None
    return buffer.raw
