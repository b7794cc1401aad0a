"""The vision worker: a child process that takes photos and gives inspections, one at a time.

    python -m edge.adapters.vision.worker DESCRIPTOR

The descriptor is its end of the socket pair. It ends when the other end closes.
"""

from __future__ import annotations

import faulthandler
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from edge.adapters.jail import confine
from edge.adapters.vision import messages, shared_frames
from edge.adapters.vision.messages import (
    Annotate,
    Annotated,
    Failed,
    Inspect,
    Inspected,
    Message,
    Ping,
    Pong,
    Ready,
    Start,
    Trying,
)
from edge.adapters.vision.process_memory import resident_mb
from edge.errors import EdgeError, ImageTooLargeError, VisionFailedError

if TYPE_CHECKING:
    from edge.ports import Inspection, Photo
    from models.detection import Prediction


class Eyes(Protocol):
    """What the worker looks with."""

    def inspect(self, photo: bytes, profile: str) -> tuple[Inspection, Photo]:
        """Look at one photo; raises the errors of `edge.errors` and MemoryError."""
        ...

    def annotate(self, photo: bytes, predictions: tuple[Prediction, ...]) -> bytes:
        """Draw what is shown; raises the same."""
        ...

    def rest(self) -> None:
        """Give memory back that the next photo may take again."""
        ...


IDLE_S = 1.0
"""Seconds without a question after which memory is given back."""
ROOMY_MB = 200
"""Resident memory from which it is given back after each photo."""
MAX_PHOTO = 1 << 31
"""Bytes; the daemon is trusted, and the eyes have limits of their own."""
Opened = Callable[[Start, Callable[[str], None]], tuple[Eyes, Ready]]
"""Makes the eyes; calls its second argument with the id of each model before it loads it."""


def main(arguments: list[str], opened: Opened) -> None:
    """Run one worker until the daemon hangs up."""
    faulthandler.enable()
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the daemon, which ends this one
        signal.signal(number, signal.SIG_IGN)
    channel = socket.socket(fileno=int(arguments[-1]))
    channel.set_inheritable(False)
    try:
        start, _ = messages.receive(channel)
        if isinstance(start, Start):
            notes = confine(start.memory_mb)
            eyes, ready = opened(start, lambda model: _say(channel, Trying(model)))
            _say(channel, Ready(ready.models, ready.refused, ready.measured, ready.notes + notes))
            while True:
                if not _something_came(channel, IDLE_S):
                    eyes.rest()
                _serve_one(channel, eyes)
    except (EOFError, BrokenPipeError):
        return  # the daemon hung up
    finally:
        channel.close()


def _something_came(channel: socket.socket, within_s: float) -> bool:
    return bool(select.select([channel], [], [], within_s)[0])


def _serve_one(channel: socket.socket, eyes: Eyes) -> None:
    question, frames = messages.receive(channel)
    try:
        photo = shared_frames.read(frames[0], MAX_PHOTO) if frames else b""
    finally:
        messages.close(frames)
    try:
        answer, blobs = _answer(eyes, question, photo)
    except Exception as e:  # noqa: BLE001 - whatever a photo sets off, the worker says so and goes on
        answer, blobs = _failed(e), ()
    if resident_mb() > ROOMY_MB:  # before the daemon takes a large photo for a leak
        eyes.rest()
    _say(channel, answer, blobs)


def _answer(eyes: Eyes, question: Message, photo: bytes) -> tuple[Message, tuple[bytes, ...]]:
    match question:
        case Inspect(profile):
            return _inspected(*eyes.inspect(photo, profile), photo)
        case Annotate(predictions):
            return Annotated(), (eyes.annotate(photo, predictions),)
        case Ping():
            return Pong(), ()
    raise VisionFailedError(f"The worker was asked {type(question).__name__}.")


def _inspected(
    inspection: Inspection, clean: Photo, given: bytes
) -> tuple[Message, tuple[bytes, ...]]:
    same = clean.data == given
    answer = Inspected(
        inspection, clean.sha256, clean.media_type, clean.width, clean.height, as_given=same
    )
    return answer, (clean.thumbnail,) if same else (clean.thumbnail, clean.data)


def _failed(e: Exception) -> Failed:
    if isinstance(e, EdgeError):
        return Failed(e.code, e.message, e.hint)
    if isinstance(e, MemoryError):
        return Failed(
            ImageTooLargeError.code,
            "There is not enough memory to look at this photo.",
            "Send a smaller one, or raise vision.memory_mb.",
            worn_out=True,
        )
    traceback.print_exception(e, file=sys.stderr)
    return Failed(
        VisionFailedError.code,
        f"Looking at the photo failed: {type(e).__name__}: {e}",
        "Try another photo. The log has the details.",
    )


def _say(channel: socket.socket, message: Message, blobs: tuple[bytes, ...] = ()) -> None:
    frames: list[int] = []
    try:
        for blob in blobs:
            frames.append(shared_frames.share(blob))
        messages.send(channel, message, tuple(frames))
    finally:
        messages.close(frames)


if __name__ == "__main__":
    from edge.adapters.vision.eyes import open_eyes

    main(sys.argv, open_eyes)
