"""The process that reads a USB camera, or a video file, with OpenCV."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.adapters.camera.child import Pixels, Shot, run, sharpness_of
from edge.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Sequence

STALE_FRAMES = 4
"""Frames that a driver may hold from before the request."""
WARM_UP_FRAMES = 10
"""Frames that a camera's exposure takes to settle."""


class V4l2Source:
    """A V4L2 device, or a file in its place."""

    def __init__(self, device: str, width: int, height: int) -> None:
        """Keep which one, and the size of a photo in pixels; `open` opens it."""
        self._device = device
        self._width = width
        self._height = height
        self._live = False
        self._capture: cv2.VideoCapture | None = None

    def open(self) -> None:
        """Open the device.

        Raises:
            CameraError: it isn't there, or taken.
        """
        path = Path(self._device)
        if not path.exists():
            raise CameraError(
                f"There is no {path}.", "v4l2-ctl --list-devices shows what there is."
            )
        self._live = path.is_char_device()
        backend = cv2.CAP_V4L2 if self._live else cv2.CAP_ANY
        capture = cv2.VideoCapture(self._device, backend)
        if not capture.isOpened():
            raise CameraError(
                f"{path} can't be opened.", "Is another program using it? fuser shows which."
            )
        self._capture = capture
        if self._live:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._width)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._height)
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
            for _ in range(WARM_UP_FRAMES):
                self._frame()

    def glance(self) -> Pixels:
        """The next frame, grey.

        Raises:
            CameraError: none came.
        """
        return _grey(self._frame())

    def shoot(self, burst: int) -> Sequence[Shot]:
        """So many frames, none older than the request.

        Raises:
            CameraError: none came.
        """
        for _ in range(STALE_FRAMES if self._live else 0):
            self._opened().grab()
        frames = [self._frame() for _ in range(burst)]
        return [Shot(frame, sharpness_of(frame)) for frame in frames]

    def _frame(self) -> Pixels:
        there, frame = self._opened().read()
        if not there or frame is None:
            raise CameraError(f"{self._device} gave no frame.", "Is it still plugged in?")
        return np.asarray(frame, np.uint8)

    def _opened(self) -> cv2.VideoCapture:
        if self._capture is None:
            raise CameraError("The camera is not open.")
        return self._capture


def _grey(frame: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)


def main() -> None:
    """Serve the camera that the options name."""
    options = json.loads(sys.argv[1])
    run(V4l2Source(options["device"], options["width"], options["height"]), options["burst"])


if __name__ == "__main__":
    main()
