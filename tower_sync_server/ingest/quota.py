"""What one device may take of the tower, so that a broken or hostile one leaves room for others.

A device that waits for answers, as every one does that works, comes near none of these limits, also
while it empties weeks of work: what bounds it are its sixteen messages. Kept in the memory of one
worker; several give a device several times as much.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sync.messages import Header, Kind
    from tower_sync_server.archive.spool import Spool

REST_S = 60.0
"""How long a device is asked to be quiet that has taken what it may."""
LOOK_S = 5.0
"""Between two looks at what a device has in the spool, once that was too much."""
STALE_S = 3600.0
"""Uploads to which nothing came for so long go, where their device has too many."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one device may have."""

    uploads: int
    """Payloads in the spool that are not whole yet."""
    upload_bytes: int
    """Bytes that these will have once they are."""
    cases: int
    """Revisions, and as many photos and thumbnails, that are taken at any speed."""
    cases_minute: float
    """How many more of each are taken in a minute after that."""


class Allows(Protocol):
    """Says what is taken of whom; `NoQuota` takes everything."""

    def may_store(self, device: str, kind: Kind | None) -> bool:
        """Whether anything of this kind is taken of a device now."""
        ...

    def stored(self, device: str, kind: Kind | None) -> None:
        """One more was taken."""
        ...

    def note(self, device: str, count: int = 1) -> None:
        """So many messages of a device were sent back, or not looked at."""
        ...


class NoQuota:
    """For archives that people hand in: they are as large as they are."""

    held_back: Mapping[str, int] = MappingProxyType({})
    """Nothing."""

    def may_store(self, _device: str, _kind: Kind | None) -> bool:
        """Yes."""
        return True

    def stored(self, _device: str, _kind: Kind | None) -> None:
        """Is not counted."""

    def note(self, _device: str, _count: int = 1) -> None:
        """Never happens."""


class Quota:
    """Implements `Allows`, and says to the spool what may be begun; several threads may ask."""

    def __init__(
        self, spool: Spool, allowance: Allowance, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Use `clock`, seconds."""
        self._spool = spool
        self._allowance = allowance
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: dict[tuple[str, Kind | None], tuple[float, float]] = {}
        """Device and kind → how many count, and when that was so."""
        self._crowded: dict[str, float] = {}
        """Device → when to look again what it has in the spool."""
        self._held_back: Counter[str] = Counter()

    @property
    def held_back(self) -> Mapping[str, int]:
        """Device → how many of its messages were sent back or not looked at."""
        with self._lock:
            return dict(self._held_back)

    def note(self, device: str, count: int = 1) -> None:
        """So many messages of a device were sent back, or not looked at."""
        with self._lock:
            self._held_back[device] += count

    def may_store(self, device: str, kind: Kind | None) -> bool:
        """Whether anything of this kind is taken of a device now."""
        with self._lock:
            return self._count(device, kind) < self._allowance.cases

    def stored(self, device: str, kind: Kind | None) -> None:
        """One more was taken."""
        with self._lock:
            self._taken[device, kind] = (self._count(device, kind) + 1, self._clock())

    def may_open(self, device: str, header: Header) -> bool:
        """Whether a device may begin this upload in the spool."""
        now = self._clock()
        if now < self._crowded.get(device, now):
            return False
        if self._fits(device, header):
            self._crowded.pop(device, None)
            return True
        self._spool.drop_stale(device, STALE_S)
        if self._fits(device, header):
            return True
        self._crowded[device] = now + LOOK_S
        return False

    def _fits(self, device: str, header: Header) -> bool:
        sizes = self._spool.sizes(device)
        most = self._allowance
        return len(sizes) < most.uploads and sum(sizes) + header.size <= most.upload_bytes

    def _count(self, device: str, kind: Kind | None) -> float:
        """What counts by now: a bucket that leaks."""
        count, at = self._taken.get((device, kind), (0.0, 0.0))
        leaked = (self._clock() - at) * self._allowance.cases_minute / 60
        return max(0.0, count - leaked)
