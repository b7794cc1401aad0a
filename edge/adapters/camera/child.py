"""The camera process's own side: answers requests from a pipe with pictures from a source.

Runs outside the daemon and is the only place, with the sources, where cameras meet OpenCV.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.adapters.camera.wire import Message, decode, encode
from edge.errors import CameraError
from models.measures import sharpness

if TYPE_CHECKING:
    from typing import BinaryIO

Pixels = NDArray[np.uint8]
"""H x W x 3 uint8 in OpenCV's order (blue first), or H x W uint8 grey."""
GLANCE = (160, 120)
"""Width and height of a glance."""
JPEG_QUALITY = 93


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame of a burst."""

    picture: Pixels
    """H x W x 3, blue first."""
    sharpness: float
    """Higher is sharper; comparable within one burst only."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the camera said of it."""


class Source(Protocol):
    """A camera library, reduced to what we need."""

    def open(self) -> None:
        """Start it.

        Raises:
            CameraError: it isn't there, or taken.
        """
        ...

    def glance(self) -> Pixels:
        """A grey frame of any size.

        Raises:
            CameraError: none came.
        """
        ...

    def shoot(self, burst: int) -> Sequence[Shot]:
        """So many frames, one after the other.

        Raises:
            CameraError: none came.
        """
        ...


def sharpest(shots: Sequence[Shot]) -> Shot:
    """Pick the sharpest frame; of equals, the first."""
    return max(shots, key=lambda shot: shot.sharpness)


def sharpness_of(picture: Pixels) -> float:
    """Measure a frame as the quality gate will: the best of a burst is the one that passes.

    Args:
        picture: H x W x 3 uint8, blue first.

    Returns:
        0..10,000, higher is sharper; 0 where there is nothing to tell it by.
    """
    return sharpness(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)) or 0.0


def answer(source: Source, words: Mapping[str, Any], burst: int) -> Message:
    """Do what one request asks."""
    try:
        if words.get("do") == "open":
            source.open()
            return Message()
        if words.get("do") == "glance":
            small = cv2.resize(source.glance(), GLANCE, interpolation=cv2.INTER_AREA)
            return Message(picture=small.tobytes())
        shot = sharpest(source.shoot(burst))
        told = {**shot.metadata, "sharpness": round(shot.sharpness, 3), "burst": burst}
        return Message(told, _jpeg(shot.picture))
    except CameraError as e:
        return Message({"error": e.message, "hint": e.hint})


def serve(source: Source, burst: int, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until nobody asks any more."""
    waiting: SimpleQueue[Mapping[str, Any]] = SimpleQueue()
    threading.Thread(target=_hear, args=(requests, waiting.put), daemon=True).start()
    while True:
        answers.write(encode(answer(source, waiting.get(), burst)))
        answers.flush()


def run(source: Source, burst: int) -> None:
    """Be the camera process: requests from standard input, answers to standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not talk into the answers
    serve(source, burst, sys.stdin.buffer, answers)


def _hear(requests: BinaryIO, put: Callable[[Mapping[str, Any]], None]) -> None:
    def exactly(size: int) -> bytes:
        data = requests.read(size)
        if len(data) < size:
            raise EOFError
        return data

    try:
        while True:
            put(decode(exactly).words)
    except EOFError:
        os._exit(0)  # the daemon is gone: end at once, even where a driver hangs


def _jpeg(picture: Pixels) -> bytes:
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise CameraError("The picture can't be compressed.")
    return data.tobytes()
