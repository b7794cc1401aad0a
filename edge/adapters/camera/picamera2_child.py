"""The process that drives the Raspberry Pi's camera with picamera2.

Thin over the library's documented calls: create_still_configuration with a main and a lores stream,
configure, start, capture_request, make_array, get_metadata, release.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING, Any

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
NAMES = {
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

    def open(self) -> None:
        """Configure and start the camera.

        Raises:
            CameraError: picamera2 or the camera isn't there, or it is taken.
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
            return _luma(request.make_array("lores"))
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
            # picamera2's "RGB888" lies in memory as blue, green, red: OpenCV's order.
            picture = np.array(request.make_array("main"), np.uint8)
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


def _luma(array: Pixels) -> Pixels:
    """The brightness plane of a YUV420 picture, which the library gives as one tall array."""
    height = array.shape[0] * 2 // 3
    return np.array(array[:height, : LORES[0]], np.uint8)


def main() -> None:
    """Serve the camera with the size that the options give."""
    options = json.loads(sys.argv[1])
    run(Picamera2Source(options["width"], options["height"]), options["burst"])


if __name__ == "__main__":
    main()
