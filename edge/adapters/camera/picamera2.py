"""The Raspberry Pi's own camera."""

from __future__ import annotations

from edge.adapters.camera.process import ProcessCamera


def picamera2_camera(
    width: int, height: int, burst: int, timeout_s: float, profile: str = ""
) -> ProcessCamera:
    """Make the camera; nothing is opened here.

    Args:
        width: of a photo, pixels.
        height: of a photo, pixels.
        burst: frames a photo; the sharpest is kept.
        timeout_s: for one photo.
        profile: of its photos; "" is the device's.
    """
    options = {"width": width, "height": height, "burst": burst}
    module = "edge.adapters.camera.picamera2_child"
    return ProcessCamera("picamera2", module, options, timeout_s, profile)
