"""Keeps a camera going: every call has a deadline, and one that stalls is opened again."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from edge.errors import CameraError
from edge.ports import CameraStatus
from edge.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.ports import Camera, Clock, Frame

log = logging.getLogger(__name__)

T = TypeVar("T")

OPENING_S = 30.0
"""Longest that opening may take: a Pi's camera stack takes seconds to import."""
CLOSING_S = 5.0
"""Longest that anybody waits for a camera to close."""
MAX_PAUSE_S = 30.0
"""Longest pause between two attempts to open it."""


class CameraWatch:
    """One camera, made asynchronous and watched by the age of its last frame."""

    def __init__(
        self,
        camera: Camera,
        clock: Clock,
        stall_s: float,
        changed: Callable[[CameraStatus], None],
        pulse_s: float = 1.0,
    ) -> None:
        """Keep the parts; nothing is opened here.

        Args:
            camera: whose methods block.
            clock: tells the age of frames.
            stall_s: age of the last frame, and length of a call, from which it is opened again.
            changed: hears when it goes or comes back.
            pulse_s: pause between two looks at it.
        """
        self._camera = camera
        self._clock = clock
        self._stall_s = stall_s
        self._changed = changed
        self._pulse_s = pulse_s
        self._turn = asyncio.Lock()
        self._open = False
        self._reason = "it is being opened"
        self._last: float | None = None
        self._expected: float | None = None
        self._reopened = 0
        self._failures = 0
        self._stalled = False

    def status(self) -> CameraStatus:
        """How it is, without asking it."""
        age = None if self._last is None else self._clock.monotonic() - self._last
        reason = "" if self._open else self._reason
        return CameraStatus(self._camera.name, self._open, reason, age, self._reopened)

    async def watch(self) -> None:
        """Open it, look at it, open it again when it stalls; for ever."""
        while True:
            await self.pulse()
            retry = min(self._pulse_s * 2.0**self._failures, MAX_PAUSE_S)
            await asyncio.sleep(self._pulse_s if self._open else retry)

    async def pulse(self) -> None:
        """Open it if it is closed; otherwise look whether frames still come."""
        if not self._open:
            await self._try_open()
            return
        await self.glance()
        waited = 0.0 if self._expected is None else self._clock.monotonic() - self._expected
        if self._open and waited > self._stall_s:
            async with self._turn:
                await self._give_up(f"it stalled: no frame for {waited:.0f} s", stalled=True)

    async def glance(self) -> bytes | None:
        """A small grey frame; None where there is none, or while the camera is down."""
        if not self._open:
            return None
        try:
            seen = await self._call(self._camera.glance)
        except CameraError:
            return None
        if seen is not None:
            self._last = self._expected = self._clock.monotonic()
        return seen

    async def capture(self) -> Frame:
        """Take one photo.

        Raises:
            CameraError: it is down, or it stalled.
            NotFoundError: there is no camera, or nothing waits in its folder.
        """
        frame = await self._call(self._camera.capture)
        self._last = self._clock.monotonic()  # and nobody expects the next one: a folder has none
        return frame

    async def settle(self, frame: Frame, problem: str) -> None:
        """Tell the camera what became of a frame."""
        try:
            await in_thread(partial(self._camera.settle, frame, problem), OPENING_S)
        except TimeoutError:
            log.warning("%s did not take the news of a photo in time", self._camera.name)

    async def close(self) -> None:
        """Stop it, also when it hangs."""
        await self._stop("it is closed")

    async def _stop(self, reason: str) -> None:
        self._open, self._reason = False, reason
        try:
            await in_thread(self._camera.close, CLOSING_S)
        except TimeoutError:
            log.warning("%s could not be closed in time", self._camera.name)

    async def _call(self, work: Callable[[], T]) -> T:
        async with self._turn:
            if not self._open:
                raise CameraError(f"The camera is down: {self._reason}.", "Try again in a moment.")
            try:
                return await in_thread(work, self._stall_s)
            except TimeoutError as e:
                reason = f"it stalled: no answer for {self._stall_s:g} s"
                await self._give_up(reason, stalled=True)
                raise CameraError(f"The camera is down: {reason}.", "It is opened again.") from e
            except CameraError as e:
                await self._give_up(e.message.rstrip("."), stalled=True)
                raise

    async def _try_open(self) -> None:
        async with self._turn:
            try:
                await in_thread(self._camera.open, OPENING_S)
            except TimeoutError:
                await self._give_up(f"opening it took more than {OPENING_S:g} s", stalled=False)
            except CameraError as e:
                await self._give_up(e.message.rstrip("."), stalled=False)
            else:
                self._opened()

    def _opened(self) -> None:
        self._open, self._failures, self._expected = True, 0, None
        self._reopened += self._stalled
        self._stalled = False
        log.info("%s is open", self._camera.name)
        self._changed(self.status())

    async def _give_up(self, reason: str, *, stalled: bool) -> None:
        """Close it and say why; the next pulse opens it again."""
        told = not self._open and self._reason == reason
        await self._stop(reason)
        self._failures += not stalled
        self._stalled = self._stalled or stalled
        if not told:
            log.warning("%s: %s", self._camera.name, reason)
            self._changed(self.status())
