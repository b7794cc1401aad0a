"""Which camera and which trigger the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.adapters.camera.folder import FolderCamera
from edge.adapters.camera.none import NoCamera
from edge.adapters.camera.picamera2 import picamera2_camera
from edge.adapters.camera.v4l2 import v4l2_camera
from edge.adapters.trigger.arrival import ArrivalTrigger
from edge.adapters.trigger.button import ButtonTrigger
from edge.adapters.trigger.interval import IntervalTrigger
from edge.adapters.trigger.manual import ManualTrigger
from edge.adapters.trigger.motion import MotionTrigger

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import CameraSettings, Settings
    from edge.ports import Camera, Trigger


def make_camera(settings: Settings) -> tuple[Camera, Trigger]:
    """Make the camera that the settings name, and its trigger; nothing is opened."""
    wanted = settings.camera
    max_bytes = int(settings.http.max_body_mb * 1_000_000)
    camera = choose_camera(wanted, settings.store.data_dir / "inbox", max_bytes)
    return camera, choose_trigger(wanted, camera)


def choose_camera(wanted: CameraSettings, inbox: Path, max_bytes: int) -> Camera:
    """Make the camera that the settings name.

    Args:
        wanted: `[camera]`.
        inbox: the watched folder, where the settings name none.
        max_bytes: of a photo in the watched folder.
    """
    if wanted.kind == "folder":
        return FolderCamera(wanted.folder or inbox, max_bytes, wanted.profile)
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


def choose_trigger(wanted: CameraSettings, camera: Camera) -> Trigger:
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
