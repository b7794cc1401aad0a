"""The V4L2 adapter on a real video file, in its real child process."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from edge.adapters.camera.process import ProcessCamera
from edge.adapters.camera.v4l2 import v4l2_camera
from edge.adapters.camera.v4l2_child import V4l2Source
from edge.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WIDTH, HEIGHT = 320, 240
FRAMES = 12
RNG = np.random.default_rng(3)
SHARP = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames; every third is sharp, the others are soft."""
    path = tmp_path_factory.mktemp("video") / "test.avi"
    out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (WIDTH, HEIGHT))
    assert out.isOpened()
    for n in range(FRAMES):
        out.write(SHARP if n % 3 == 1 else cv2.GaussianBlur(SHARP, (0, 0), 5))
    out.release()
    return path


@pytest.fixture
def camera(video: Path) -> Iterator[ProcessCamera]:
    camera = v4l2_camera(str(video), WIDTH, HEIGHT, burst=3, timeout_s=20, profile="skin")
    camera.open()
    yield camera
    camera.close()


def contrast(jpeg: bytes) -> float:
    return float(np.asarray(Image.open(io.BytesIO(jpeg)).convert("L")).std())


def test_a_photo_is_a_whole_jpeg_and_the_sharpest_of_its_burst(camera: ProcessCamera) -> None:
    frame = camera.capture()
    picture = Image.open(io.BytesIO(frame.data))
    picture.load()
    assert (picture.format, picture.size) == ("JPEG", (WIDTH, HEIGHT))
    assert contrast(frame.data) > 30
    assert frame.profile == "skin"
    assert frame.taken.tzinfo is not None
    assert frame.metadata["burst"] == 3


def test_a_burst_of_one_takes_what_comes(video: Path) -> None:
    camera = v4l2_camera(str(video), WIDTH, HEIGHT, burst=1, timeout_s=20)
    camera.open()
    soft, sharp = contrast(camera.capture().data), contrast(camera.capture().data)
    camera.close()
    assert soft < sharp / 2


def test_a_glance_is_small_and_grey(camera: ProcessCamera) -> None:
    seen = camera.glance()
    assert seen is not None
    assert len(seen) == 160 * 120


def test_at_the_end_of_the_video_the_camera_fails_and_can_be_opened_again(
    camera: ProcessCamera,
) -> None:
    for _ in range(FRAMES // 3):
        camera.capture()
    with pytest.raises(CameraError, match="gave no frame"):
        camera.capture()
    camera.open()
    assert camera.capture().data


def test_a_device_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    camera = v4l2_camera(str(tmp_path / "video0"), WIDTH, HEIGHT, burst=1, timeout_s=20)
    with pytest.raises(CameraError, match="There is no") as caught:
        camera.open()
    camera.close()
    assert "v4l2-ctl" in caught.value.hint


def test_a_file_that_is_no_video_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "video0").write_bytes(b"not a video")
    source = V4l2Source(str(tmp_path / "video0"), WIDTH, HEIGHT)
    with pytest.raises(CameraError, match="can't be opened"):
        source.open()


def test_a_child_that_is_killed_is_an_error_and_opening_mends_it(camera: ProcessCamera) -> None:
    assert camera.pid is not None
    os.kill(camera.pid, signal.SIGKILL)
    with pytest.raises(CameraError, match="process ended"):
        camera.capture()
    camera.open()
    assert camera.capture().data


def test_a_child_that_hangs_is_an_error_in_time(video: Path) -> None:
    camera = v4l2_camera(str(video), WIDTH, HEIGHT, burst=1, timeout_s=0.3)
    camera.open()
    assert camera.pid is not None
    os.kill(camera.pid, signal.SIGSTOP)
    before = time.monotonic()
    with pytest.raises(CameraError, match="no answer for 0.3 s"):
        camera.capture()
    camera.close()
    assert time.monotonic() - before < 5


def test_closing_ends_a_call_in_another_thread(camera: ProcessCamera) -> None:
    assert camera.pid is not None
    os.kill(camera.pid, signal.SIGSTOP)
    errors: list[CameraError] = []

    def take() -> None:
        try:
            camera.capture()
        except CameraError as e:
            errors.append(e)

    thread = threading.Thread(target=take)
    thread.start()
    time.sleep(0.1)
    camera.close()
    thread.join(10)
    assert not thread.is_alive()
    assert len(errors) == 1


def test_a_closed_camera_says_so(camera: ProcessCamera) -> None:
    camera.close()
    with pytest.raises(CameraError, match="closed"):
        camera.glance()


def test_the_child_ends_when_the_daemon_is_gone(video: Path) -> None:
    camera = v4l2_camera(str(video), WIDTH, HEIGHT, burst=1, timeout_s=20)
    camera.open()
    child = camera._child
    assert child is not None
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(10) == 0
    camera.close()


def test_a_child_that_cannot_start_says_why() -> None:
    camera = ProcessCamera("test", "edge.adapters.no_such_module", {}, timeout_s=5)
    with pytest.raises(CameraError, match="no_such_module"):
        camera.open()
    camera.close()


def test_this_side_of_the_pipe_needs_no_opencv() -> None:
    import subprocess

    code = (
        "import sys, edge.capture.make, edge.capture.loop, edge.capture.watch\n"
        "assert not {'cv2', 'numpy', 'PIL', 'picamera2'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
