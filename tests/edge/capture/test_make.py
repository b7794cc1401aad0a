"""Which camera and which trigger the settings make."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.adapters.camera.folder import FolderCamera
from edge.capture.make import choose_camera, choose_trigger, make_camera
from edge.config import CameraSettings, Settings, StoreSettings

INBOX = Path("/srv/edgecase/inbox")


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
    assert choose_camera(wanted(**values), INBOX, 1000).name == name


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
    assert choose_trigger(settings, choose_camera(settings, INBOX, 1000)).name == name


def test_the_folder_camera_watches_the_data_folders_inbox_and_makes_nothing(
    tmp_path: Path,
) -> None:
    settings = Settings(
        store=StoreSettings(data_dir=tmp_path), camera=CameraSettings(kind="folder")
    )
    camera, trigger = make_camera(settings)
    assert isinstance(camera, FolderCamera)
    assert (camera.name, trigger.name) == (f"folder {tmp_path}/inbox", "as photos arrive")
    assert list(tmp_path.iterdir()) == []
