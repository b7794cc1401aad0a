"""A camera that a test makes stall, fail and come back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

from edge.errors import CameraError, NotFoundError
from edge.ports import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

GREY = bytes([128]) * (160 * 120)


class FakeCamera:
    """Implements `edge.ports.Camera`; every method does what the fields say."""

    def __init__(self) -> None:
        """Start healthy: endless photos and grey glances."""
        self.name = "fake"
        self.photos: Iterator[bytes] = (b"photo %d" % n for n in count(1))
        self.key = ""
        self.seen: bytes | None = GREY
        self.opened = 0
        self.closed = 0
        self.settled: list[tuple[bytes, str]] = []
        self.missing = False
        self.broken = False
        self.hangs = threading.Event()
        self.released = threading.Event()

    def open(self) -> None:
        """Open, unless it is missing."""
        if self.missing:
            raise CameraError("There is no camera at fake.", "Plug it in.")
        self.opened += 1
        self.released.clear()

    def glance(self) -> bytes | None:
        """Give what the test wants seen."""
        self._maybe_hang()
        return self.seen

    def capture(self) -> Frame:
        """Take the next photo."""
        self._maybe_hang()
        if self.broken:
            raise CameraError("The camera gave half a frame.")
        data = next(self.photos, None)
        if data is None:
            raise NotFoundError("No photo waits.")
        return Frame(data, datetime.now(UTC), {"lux": 80.0}, key=self.key)

    def settle(self, frame: Frame, problem: str) -> None:
        """Remember."""
        self.settled.append((frame.data, problem))

    def close(self) -> None:
        """Close, and end a call that hangs."""
        self.closed += 1
        self.released.set()

    def _maybe_hang(self) -> None:
        if self.hangs.is_set():
            self.released.wait(30)
            raise CameraError("It was closed.")
