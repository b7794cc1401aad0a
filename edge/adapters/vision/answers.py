"""One question to the vision worker, from the caller's future to the checked answer."""

from __future__ import annotations

import asyncio
import os

from edge.adapters.vision import messages, shared_frames
from edge.adapters.vision.messages import Failed, Inspected, Message
from edge.adapters.vision.process import VisionProcess, WorkerGoneError
from edge.errors import (
    BadImageError,
    EdgeError,
    ImageTooLargeError,
    UnknownProfileError,
    VisionFailedError,
)
from edge.ports import Inspection, Photo

MAX_FRAME = 64 * 1024 * 1024
"""Bytes of what comes back, where the photo itself was not larger still."""
_ERRORS: dict[str, type[EdgeError]] = {
    cls.code: cls
    for cls in (BadImageError, ImageTooLargeError, UnknownProfileError, VisionFailedError)
}


class Asked:
    """A question, the photo it is about, and the answer when it is there."""

    def __init__(self, question: Message, photo: bytes | None, expected: type) -> None:
        """Keep the question; `expected` is the message that answers it."""
        self.photo = photo or b""
        """What it is about; empty for a ping."""
        self.answer: Message | None = None
        """What the worker said."""
        self.frames: tuple[bytes, ...] = ()
        """What came beside the answer."""
        self._question = question
        self._with_photo = photo is not None
        self._expected = expected
        self._future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def abandoned(self) -> bool:
        """True when nobody waits for the answer any more."""
        return self._future.cancelled()

    async def finished(self) -> None:
        """Wait for the answer; raises what `fail` was given."""
        await self._future

    def fail(self, error: EdgeError) -> None:
        """End without an answer."""
        if not self._future.done():
            self._future.set_exception(error)

    async def put_to(self, process: VisionProcess, deadline_s: float) -> None:
        """Ask the worker and keep its answer, or the error it answered with.

        Raises:
            WorkerGoneError, WorkerStuckError: there is no answer, and no worker any more.
        """
        process.send(self._question, self.photo if self._with_photo else None)
        said, fds = await process.receive(deadline_s)
        try:
            self.frames = tuple(
                shared_frames.read(fd, max(MAX_FRAME, 2 * len(self.photo))) for fd in fds
            )
        except (shared_frames.FrameError, OSError) as e:
            await process.kill(f"it sent {e}")
            raise WorkerGoneError(str(e)) from e
        finally:
            for fd in fds:
                os.close(fd)
        await self._take(said, process)

    async def _take(self, said: Message, process: VisionProcess) -> None:
        if isinstance(said, Failed):
            error = _ERRORS.get(said.code, VisionFailedError)
            self.fail(error(said.message, said.hint))
            if said.worn_out:
                await process.kill(said.message)
        elif isinstance(said, self._expected) and len(self.frames) == _frames_of(said):
            self.answer = said
            if not self._future.done():
                self._future.set_result(None)
        else:
            await process.kill(f"it answered with {type(said).__name__}")
            raise WorkerGoneError(process.gone)


def photo_of(asked: Asked, given: bytes) -> tuple[Inspection, Photo]:
    """Put an `Inspected` answer together."""
    said = asked.answer
    if not isinstance(said, Inspected):  # `put_to` saw to it
        raise VisionFailedError("The vision worker gave no inspection.")
    thumbnail, *clean = asked.frames
    photo = Photo(
        data=given if said.as_given else clean[0],
        sha256=said.sha256,
        media_type=said.media_type,
        width=said.width,
        height=said.height,
        thumbnail=thumbnail,
    )
    return said.inspection, photo


def failure(message: str) -> VisionFailedError:
    """A job that took a worker with it."""
    return VisionFailedError(
        message, "A new worker is starting. If it happens again, take another photo."
    )


def _frames_of(said: Message) -> int:
    if isinstance(said, Inspected):
        return 1 if said.as_given else 2
    return 1 if isinstance(said, messages.Annotated) else 0
