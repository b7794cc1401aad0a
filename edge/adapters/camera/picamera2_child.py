"""The process that drives the Raspberry Pi's camera with picamera2.

Thin over the library's documented calls: create_still_configuration with a main and a lores stream,
configure, camera_configuration, start, capture_request, make_array, get_metadata, release.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge.adapters.camera.child import Pixels, Shot, run, sharpness_of
from edge.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LORES = (320, 240)
"""Size of the small stream that glances are taken from."""
AF_CONTINUOUS = 2
"""libcamera's `AfModeEnum.Continuous`."""
AF_SCANNING = 1
"""libcamera's `AfStateEnum.Scanning`."""
AF_STATES = ("idle", "scanning", "focused", "failed")
"""libcamera's `AfStateEnum`, in order."""
AF_PATIENCE = 20
"""Frames that the autofocus may still move before a photo is taken all the same."""
TO_BGR = {"NV12": cv2.COLOR_YUV2BGR_NV12}
"""Formats that other cameras than the Pi's give in place of the one asked for → OpenCV's word."""
NAMES = {
    "SensorTimestamp": "sensor_timestamp_ns",
    "Lux": "lux",
    "ExposureTime": "exposure_us",
    "AnalogueGain": "gain",
    "FocusFoM": "focus_measure",
    "LensPosition": "lens_position",
    "ColourTemperature": "colour_temperature_k",
}
"""libcamera's metadata → the case's; each is optional."""


class Picamera2Source:
    """The first camera that libcamera finds."""

    def __init__(self, width: int, height: int) -> None:
        """Keep the size of a photo in pixels; `open` opens the camera."""
        self._width = width
        self._height = height
        self._camera: Any = None
        self._format = "RGB888"
        self._glance_width = LORES[0]

    def open(self) -> None:
        """Configure and start the camera.

        Raises:
            CameraError: picamera2 or the camera isn't there, it is taken, or gives no such picture.
        """
        try:
            library = importlib.import_module("picamera2")
        # A broken installation raises ValueError (built for another numpy) or worse, not only this.
        except Exception as e:  # noqa: BLE001
            raise CameraError(
                f"picamera2 can't be imported: {type(e).__name__}: {e}.", "Run `edgecase doctor`."
            ) from e
        try:
            self._camera = library.Picamera2()
            self._camera.configure(self._configuration())
            self._take_note(self._camera.camera_configuration())
            if "AfMode" in self._camera.camera_controls:
                self._camera.set_controls({"AfMode": AF_CONTINUOUS})
            self._camera.start()
        except (RuntimeError, IndexError, OSError) as e:
            raise CameraError(
                f"The camera can't be started: {e}.",
                "`rpicam-hello --list-cameras` shows what is plugged in.",
            ) from e

    def glance(self) -> Pixels:
        """The small stream's brightness.

        Raises:
            CameraError: no frame came.
        """
        request = self._request()
        try:
            return _luma(request.make_array("lores"), self._glance_width)
        finally:
            request.release()

    def shoot(self, burst: int) -> Sequence[Shot]:
        """So many frames, once the autofocus has come to rest.

        Raises:
            CameraError: no frame came.
        """
        self._wait_for_focus()
        return [self._shot() for _ in range(burst)]

    def _configuration(self) -> Any:
        # `queue=False`: the frame that is given begins after it was asked for.
        return self._camera.create_still_configuration(
            main={"size": (self._width, self._height), "format": "RGB888"},
            lores={"size": LORES, "format": "YUV420"},
            buffer_count=2,
            queue=False,
        )

    def _take_note(self, got: Mapping[str, Any]) -> None:
        # libcamera adjusts what a camera can't do and goes on; picamera2 only logs it.
        self._format = str(got["main"]["format"])
        self._glance_width = int(got["lores"]["size"][0])
        if self._format != "RGB888" and self._format not in TO_BGR:
            raise CameraError(
                f"The camera gives {self._format} and no RGB888.",
                'Is it a USB camera? It wants `camera.kind = "v4l2"`.',
            )

    def _wait_for_focus(self) -> None:
        for _ in range(AF_PATIENCE):
            request = self._request()
            try:
                scanning = request.get_metadata().get("AfState") == AF_SCANNING
            finally:
                request.release()
            if not scanning:
                return

    def _shot(self) -> Shot:
        request = self._request()
        try:
            said = request.get_metadata()
            picture = _blue_first(request.make_array("main"), self._format)
        finally:
            request.release()
        measure = said.get("FocusFoM")
        sharpness = sharpness_of(picture) if measure is None else float(measure)
        return Shot(picture, sharpness, metadata_of(said))

    def _request(self) -> Any:
        if self._camera is None:
            raise CameraError("The camera is not open.")
        try:
            return self._camera.capture_request()
        except RuntimeError as e:
            raise CameraError(f"The camera gave no frame: {e}.") from e


def metadata_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Translate libcamera's metadata into the case's words, as far as the camera says them."""
    found = {ours: said[theirs] for theirs, ours in NAMES.items() if said.get(theirs) is not None}
    state = said.get("AfState")
    if state is not None and 0 <= int(state) < len(AF_STATES):
        found["autofocus"] = AF_STATES[int(state)]
    return found


def _blue_first(array: Pixels, form: str) -> Pixels:
    """A picture in OpenCV's order, which picamera2's "RGB888" has in memory already."""
    if form == "RGB888":
        return np.array(array, np.uint8)
    return np.asarray(cv2.cvtColor(array, TO_BGR[form]), np.uint8)


def _luma(array: Pixels, width: int) -> Pixels:
    """The brightness plane of a YUV 4:2:0 picture, which the library gives as one tall array."""
    height = array.shape[0] * 2 // 3
    return np.array(array[:height, :width], np.uint8)


def main() -> None:
    """Serve the camera with the size that the options give."""
    options = json.loads(sys.argv[1])
    run(Picamera2Source(options["width"], options["height"]), options["burst"])


if __name__ == "__main__":
    main()
