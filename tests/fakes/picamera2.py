"""A `picamera2` module without a camera: the part of the real library's documented API that we use.

Follows picamera2 0.3.x: configurations are checked as there, setting a control that the camera
doesn't advertise raises RuntimeError, a request that was captured has to be released, and there are
only as many as there are buffers. `sys.modules["picamera2"]` is this module in the tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Camera:
    """What a test sets before the library is used."""

    def __init__(self) -> None:
        """A healthy camera module 3."""
        self.plugged_in = True
        self.taken = False
        self.controls: dict[str, tuple[Any, Any, Any]] = {
            "AfMode": (0, 2, 0),
            "ExposureTime": (1, 66666, 20000),
        }
        self.metadata: list[dict[str, Any]] = [{"SensorTimestamp": 1}]
        self.frames: list[NDArray[np.uint8]] = []
        self.formats: dict[str, str] = {}
        self.sizes: dict[str, tuple[int, int]] = {}
        self.lost = False


camera = Camera()
"""The one that is plugged in."""
made: list[Picamera2] = []
"""Every object that was made, for the tests to look at."""


def even(stream: dict[str, Any]) -> dict[str, Any]:
    """The stream with a size that can be halved."""
    width, height = stream["size"]
    return {**stream, "size": (width - width % 2, height - height % 2)}


def adjusted(name: str, stream: dict[str, Any]) -> dict[str, Any]:
    """Make of a stream that was asked for the one that the camera has."""
    found = {"format": stream["format"], "size": stream["size"]}
    for key, has in (("format", camera.formats), ("size", camera.sizes)):
        found[key] = has.get(name, found[key])
    return {**stream, **found}


def nv12(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Brightness, and below it blue and red differences side by side, at half the size each."""
    height, width = picture.shape[:2]
    planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    small = planes[height:].reshape(2, height // 2, width // 2)
    beside = small.transpose(1, 2, 0).reshape(height // 2, width)
    return np.concatenate([planes[:height], beside]).astype(np.uint8)


class CompletedRequest:
    """One frame with its metadata; holds a buffer until it is released."""

    def __init__(self, owner: Picamera2, number: int) -> None:
        """Hold a buffer of `owner`."""
        self._owner = owner
        self._number = number
        self._references = 1

    def get_metadata(self) -> dict[str, Any]:
        """What the camera said of the frame."""
        self._alive()
        return dict(camera.metadata[min(self._number, len(camera.metadata) - 1)])

    def make_array(self, name: str) -> NDArray[np.uint8]:
        """The pixels of a stream: BGR for RGB888, one tall plane for YUV420."""
        self._alive()
        stream = self._owner.config[name]
        if stream is None:
            raise RuntimeError(f"Stream {name!r} is not defined")
        width, height = stream["size"]
        frame = camera.frames[min(self._number, len(camera.frames) - 1)]
        rows = np.linspace(0, frame.shape[0] - 1, height).astype(int)
        columns = np.linspace(0, frame.shape[1] - 1, width).astype(int)
        sized = frame[rows][:, columns]
        if stream["format"] == "RGB888":
            return np.ascontiguousarray(sized)
        if stream["format"] == "NV12":
            return nv12(sized)
        stride = -(-width // 64) * 64
        tall = np.full((height * 3 // 2, stride), 128, np.uint8)
        tall[:height, :width] = sized.mean(axis=2).astype(np.uint8)
        return tall

    def release(self) -> None:
        """Give the buffer back."""
        self._references -= 1
        if self._references < 0:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        self._owner.held -= 1

    def _alive(self) -> None:
        assert self._references == 1, "used after it was released"


class Picamera2:
    """The camera as the library gives it."""

    def __init__(self, camera_num: int = 0) -> None:
        """Open the camera."""
        if not camera.plugged_in:
            raise IndexError("list index out of range")
        if camera.taken:
            raise RuntimeError("Camera __init__ sequence did not complete.")
        self.config: dict[str, Any] = {}
        self.set: dict[str, Any] = {}
        self.started = False
        self.held = 0
        self.taken = 0
        made.append(self)

    @property
    def camera_controls(self) -> dict[str, tuple[Any, Any, Any]]:
        """Name → least, greatest, default."""
        return camera.controls

    def create_still_configuration(
        self,
        main: dict[str, Any] | None = None,
        lores: dict[str, Any] | None = None,
        *,
        buffer_count: int = 1,
        controls: dict[str, Any] | None = None,
        queue: bool = True,
    ) -> dict[str, Any]:
        """Make a configuration for stills; odd sizes are rounded down, as there."""
        return {
            "use_case": "still",
            "main": even({"format": "BGR888", "size": (4608, 2592), **(main or {})}),
            "lores": None if lores is None else even({"format": "YUV420", **lores}),
            "buffer_count": buffer_count,
            "controls": controls or {},
            "queue": queue,
        }

    def configure(self, camera_config: dict[str, Any]) -> None:
        """Check a configuration and take it."""
        if self.started:
            raise RuntimeError("Camera must be stopped before configuring")
        lores, main = camera_config["lores"], camera_config["main"]
        if lores is not None:
            if lores["size"][0] > main["size"][0] or lores["size"][1] > main["size"][1]:
                raise RuntimeError("lores stream dimensions may not exceed main stream")
            if not lores["format"].startswith("YUV"):
                raise RuntimeError("lores stream must be YUV")
        self.config = {**camera_config, "main": adjusted("main", main)}
        if lores is not None:
            self.config["lores"] = adjusted("lores", lores)

    def camera_configuration(self) -> dict[str, Any]:
        """What `configure` came to: libcamera adjusts what the camera can't do."""
        return self.config

    def set_controls(self, controls: dict[str, Any]) -> None:
        """Set controls; only what the camera advertises can be set."""
        for name, value in controls.items():
            if name not in camera.controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
            self.set[name] = value

    def start(self) -> None:
        """Let frames come."""
        if not self.config:
            raise RuntimeError("Camera has not been configured")
        self.started = True

    def capture_request(self) -> CompletedRequest:
        """The next frame."""
        if not self.started or camera.lost:
            raise RuntimeError("Camera frontend has timed out!")
        assert self.held < self.config["buffer_count"], "no buffer is left: release requests"
        self.held += 1
        self.taken += 1
        return CompletedRequest(self, self.taken - 1)
