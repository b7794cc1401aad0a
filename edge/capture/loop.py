"""The capture loop: trigger → photo → case, for a camera that belongs to the device."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from edge.errors import BadRequestError, EdgeError, NotFoundError, VisionFailedError
from edge.events import EventKind
from edge.pipeline import Submission

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.capture.watch import CameraWatch
    from edge.events import Events
    from edge.ports import CameraStatus, Frame, Trigger
    from models.case import Case

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
"""Pause after the device could not take a photo (disk full, worker busy); doubles each time."""
MAX_PAUSE_S = 30.0
"""Longest such pause."""
TRIES = 3
"""How often one photo may crash the vision worker before it is refused and the next one comes."""


class Keep(Protocol):
    """What the loop needs of the pipeline."""

    async def __call__(
        self,
        submissions: Sequence[Submission],
        profile: str | None = None,
        *,
        idempotency_key: str | None = None,
        attended: bool = True,
    ) -> tuple[Case, bool]:
        """Make a durable case of a photo; see `Pipeline.keep`."""
        ...


class Capture:
    """Takes photos when the trigger says so, or when somebody asks."""

    def __init__(self, camera: CameraWatch, trigger: Trigger, keep: Keep, events: Events) -> None:
        """Keep the parts; nothing is started here."""
        self._camera = camera
        self._trigger = trigger
        self._keep = keep
        self._events = events
        self._one_at_a_time = asyncio.Lock()
        self._crashed: dict[str, int] = {}

    async def run(self) -> None:
        """Watch the camera and take photos, for ever.

        Raises:
            ExceptionGroup: something that nobody foresaw; the daemon has to end.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._camera.watch())
                group.create_task(self._loop())
        finally:
            self._trigger.close()
            await self._camera.close()

    def status(self) -> CameraStatus:
        """How the camera is."""
        return self._camera.status()

    async def take(self) -> tuple[Case, bool]:
        """Take one photo now and keep it.

        Returns:
            The durable case, and False where it had been made before.

        Raises:
            CameraError: the camera is down.
            NotFoundError: there is no camera, or no photo waits in its folder.
            RetakeError: the photo is not usable.
            EdgeError: whatever else the pipeline refuses.
        """
        async with self._one_at_a_time:
            frame = await self._camera.capture()
            try:
                kept = await self._keep(
                    [Submission(photo=frame.data, camera=frame.metadata)],
                    frame.profile or None,
                    idempotency_key=frame.key or None,
                    attended=False,
                )
            except EdgeError as e:
                self._tell(e, frame)
                if isinstance(e, BadRequestError) or self._is_poison(e, frame):
                    await self._camera.settle(frame, _words(e))
                raise
            await self._camera.settle(frame, "")
            return kept

    async def _loop(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            await self._trigger.wait(self._camera.glance)
            try:
                await self.take()
            except NotFoundError as e:
                log.debug("no photo after all: %s", e)
            except BadRequestError as e:
                log.info("a photo became no case: %s", e)
            except EdgeError as e:
                log.warning("no photo could be taken, next attempt in %g s: %s", pause, e)
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE_S)
                continue
            pause = FIRST_PAUSE_S

    def _is_poison(self, error: EdgeError, frame: Frame) -> bool:
        """Say whether this photo, which comes again and again, crashes whatever looks at it."""
        if not isinstance(error, VisionFailedError) or not frame.key:
            return False
        tries = self._crashed.pop(frame.key, 0) + 1
        if tries < TRIES:
            self._crashed[frame.key] = tries
        return tries >= TRIES

    def _tell(self, error: EdgeError, frame: Frame) -> None:
        """Say why a photo became no case; a page that listens shows it."""
        told = {"code": error.code, "message": error.message, "hint": error.hint}
        told["file"] = str(frame.metadata.get("file") or "")
        self._events.publish(EventKind.PHOTO_REFUSED, told)


def _words(error: EdgeError) -> str:
    """What went wrong and what to do, as sentences."""
    parts = (error.message, error.hint)
    return " ".join(
        part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part
    )


def tell_camera(events: Events) -> Callable[[CameraStatus], None]:
    """Make what a `CameraWatch` calls when the camera goes or comes back."""

    def tell(status: CameraStatus) -> None:
        told = {"name": status.name, "ready": status.ready, "reason": status.reason}
        events.publish(EventKind.CAMERA_CHANGED, told)

    return tell
