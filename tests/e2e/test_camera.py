"""A whole device with a camera: a video file in the place of a USB camera, its process stopped."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from tests.e2e.running import Device, until

if TYPE_CHECKING:
    from collections.abc import Iterator


def video(path: Path) -> Path:
    """Sixty frames of a scene that passes the quality gate."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(40, 220, (60, 80, 3), dtype=np.uint8)
    frame = cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_NEAREST)
    out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (640, 480))
    for _ in range(60):
        out.write(frame)
    out.release()
    return path


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    device = Device(
        tmp_path / "data",
        EDGECASE_CAMERA__KIND="v4l2",
        EDGECASE_CAMERA__DEVICE=str(video(tmp_path / "clip.avi")),
        EDGECASE_CAMERA__STALL_S="2",
        EDGECASE_CAMERA__BURST="2",
    )
    try:
        until(lambda: device.camera().get("ready") and device.ask("/health")[0] == 200)
        yield device
    finally:
        device.process.send_signal(signal.SIGTERM)
        assert device.process.wait(20) == 0


def camera_process(device: Device) -> int:
    """The daemon's child that reads the camera."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes()
                parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
            except OSError:
                continue
            if b"camera.v4l2_child" in command and int(parent) == device.process.pid:
                return int(entry.name)
    raise AssertionError("the camera has no process")


def test_a_photo_on_request_is_a_durable_case_and_a_stalled_camera_comes_back(
    device: Device,
) -> None:
    status, case = device.ask("/capture", "POST")
    assert status == 201, case
    assert case["images"][0]["camera"]["burst"] == 2
    assert [c["id"] for c in device.cases()] == [case["id"]]

    os.kill(camera_process(device), signal.SIGSTOP)
    until(lambda: not device.camera()["ready"])
    down = device.camera()
    assert "stalled" in down["reason"]
    assert device.ask("/ping")[0] == 200
    until(lambda: device.camera()["ready"])
    assert device.camera()["reopened"] >= 1
    assert device.ask("/capture", "POST")[0] == 201
