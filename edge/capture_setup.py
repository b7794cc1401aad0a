"""Makes the capture loop out of the settings: which camera, which trigger."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from edge.adapters.camera_folder import FolderCamera
from edge.adapters.camera_none import NoCamera
from edge.adapters.camera_picamera2 import picamera2_camera
from edge.adapters.camera_v4l2 import v4l2_camera
from edge.adapters.trigger_arrival import ArrivalTrigger
from edge.adapters.trigger_button import ButtonTrigger
from edge.adapters.trigger_interval import IntervalTrigger
from edge.adapters.trigger_manual import ManualTrigger
from edge.adapters.trigger_motion import MotionTrigger
from edge.camera_watch import CameraWatch
from edge.capture import Capture, Keep, announce

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import CameraSettings
    from edge.events import Events
    from edge.ports import Camera, Clock, Trigger


def make_capture(
    wanted: CameraSettings, data_dir: Path, max_bytes: int, keep: Keep, events: Events, clock: Clock
) -> Capture:
    """Make the loop; nothing is opened or started here.

    Args:
        wanted: `[camera]`.
        data_dir: holds the folder camera's inbox where no folder is set.
        max_bytes: of a photo.
        keep: `Pipeline.keep`.
        events: hears of refused photos and of the camera's ups and downs.
        clock: the time.
    """
    camera = make_camera(wanted, data_dir, max_bytes)
    watch = CameraWatch(camera, clock, wanted.stall_s, partial(announce, events))
    return Capture(watch, make_trigger(wanted, camera), keep, events)


def make_camera(wanted: CameraSettings, data_dir: Path, max_bytes: int) -> Camera:
    """Make the camera that the settings name; it is not opened."""
    if wanted.kind == "folder":
        return FolderCamera(wanted.folder or data_dir / "inbox", max_bytes, wanted.profile)
    if wanted.kind == "v4l2":
        return v4l2_camera(
            wanted.device,
            wanted.width,
            wanted.height,
            wanted.burst,
            wanted.stall_s,
            wanted.profile,
        )
    if wanted.kind == "picamera2":
        return picamera2_camera(
            wanted.width, wanted.height, wanted.burst, wanted.stall_s, wanted.profile
        )
    return NoCamera()


def make_trigger(wanted: CameraSettings, camera: Camera) -> Trigger:
    """Make the trigger: a folder's is the arrival of a photo, without a camera there is none."""
    if isinstance(camera, FolderCamera):
        return ArrivalTrigger(camera.waiting)
    if isinstance(camera, NoCamera):
        return ManualTrigger()
    triggers: dict[str, Trigger] = {
        "manual": ManualTrigger(),
        "interval": IntervalTrigger(wanted.interval_s),
        "motion": MotionTrigger(wanted.motion_share),
        "button": ButtonTrigger(wanted.gpio_pin),
    }
    return triggers[wanted.trigger]
