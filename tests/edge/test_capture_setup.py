"""Which camera and which trigger the settings make."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.adapters.camera_folder import FolderCamera
from edge.capture_setup import make_camera, make_trigger
from edge.config import CameraSettings

DATA = Path("/srv/edgecase")


def wanted(**values: object) -> CameraSettings:
    return CameraSettings.model_validate(values)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "none"),
        ({"kind": "folder"}, "folder /srv/edgecase/inbox"),
        ({"kind": "folder", "folder": "/mnt/in"}, "folder /mnt/in"),
        ({"kind": "v4l2", "device": "/dev/video2"}, "v4l2 /dev/video2"),
        ({"kind": "picamera2"}, "picamera2"),
    ],
)
def test_each_kind_makes_its_camera(values: dict[str, object], name: str) -> None:
    assert make_camera(wanted(**values), DATA, 1000).name == name


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"kind": "v4l2"}, "on request"),
        ({"kind": "v4l2", "trigger": "interval", "interval_s": 5}, "every 5 s"),
        ({"kind": "picamera2", "trigger": "motion"}, "motion"),
        ({"kind": "picamera2", "trigger": "button", "gpio_pin": 4}, "button on GPIO 4"),
        ({"kind": "folder", "trigger": "interval"}, "as photos arrive"),
        ({"kind": "none", "trigger": "interval"}, "on request"),
    ],
)
def test_each_trigger_is_made_and_a_folder_has_its_own(
    values: dict[str, object], name: str
) -> None:
    settings = wanted(**values)
    assert make_trigger(settings, make_camera(settings, DATA, 1000)).name == name


def test_making_a_folder_camera_makes_no_folder(tmp_path: Path) -> None:
    assert isinstance(make_camera(wanted(kind="folder"), tmp_path, 1000), FolderCamera)
    assert list(tmp_path.iterdir()) == []
