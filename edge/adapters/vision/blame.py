"""Remembers photos that took workers down, so that they don't take down the next ones."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MARKS = 2
"""Workers a photo may take down; the first may have died of something else."""
MEMORY_S = 600.0
"""Seconds a mark lasts."""
MOST = 256
"""Photos that are remembered at a time."""

_Key = tuple[int, int]


class Blame:
    """Counts how many workers died over a photo, for a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with a clean slate; `clock` gives seconds."""
        self._clock = clock
        self._marks: OrderedDict[_Key, tuple[int, float]] = OrderedDict()

    def mark(self, photo: bytes) -> int:
        """Blame a photo for one more worker; gives how many that makes."""
        key = _key(photo)
        count = self._count(key) + 1
        self._marks[key] = (count, self._clock() + MEMORY_S)
        self._marks.move_to_end(key)
        while len(self._marks) > MOST:
            self._marks.popitem(last=False)
        return count

    def absolve(self, photo: bytes) -> None:
        """Forget what a photo was blamed for: it went through after all."""
        if self._looks_known(photo):
            self._marks.pop(_key(photo), None)

    def guilty(self, photo: bytes) -> bool:
        """True where this photo took as many workers down as one may."""
        return self._looks_known(photo) and self._count(_key(photo)) >= MARKS

    def _looks_known(self, photo: bytes) -> bool:
        return any(size == len(photo) for size, _ in self._marks)  # hashing megabytes costs

    def _count(self, key: _Key) -> int:
        count, until = self._marks.get(key, (0, 0.0))
        return count if until > self._clock() else 0


def _key(photo: bytes) -> _Key:
    return len(photo), hash(photo)  # seeded anew in each process, so nobody can aim at it
