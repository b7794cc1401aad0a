"""A USB camera, or a video file in its place."""

from __future__ import annotations

from edge.adapters.camera.process import ProcessCamera


def v4l2_camera(
    device: str, width: int, height: int, burst: int, timeout_s: float, profile: str = ""
) -> ProcessCamera:
    """Make the camera; nothing is opened here.

    Args:
        device: /dev/video0, or the path of a video file.
        width: of a photo, pixels.
        height: of a photo, pixels.
        burst: frames a photo; the sharpest is kept.
        timeout_s: for one photo.
        profile: of its photos; "" is the device's.
    """
    options = {"device": device, "width": width, "height": height, "burst": burst}
    module = "edge.adapters.camera.v4l2_child"
    return ProcessCamera(f"v4l2 {device}", module, options, timeout_s, profile)
