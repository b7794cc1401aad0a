"""The Pi's camera, against a fake of its library."""

from __future__ import annotations

import io
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.adapters.camera.child import answer
from edge.adapters.camera.picamera2_child import Picamera2Source, metadata_of
from edge.errors import CameraError
from tests.fakes import picamera2 as library

if TYPE_CHECKING:
    from collections.abc import Iterator

RNG = np.random.default_rng(7)
SHARP = RNG.integers(0, 256, (480, 640, 3), dtype=np.uint8)
SOFT = cv2.GaussianBlur(SHARP, (0, 0), 4).astype(np.uint8)


@pytest.fixture(autouse=True)
def camera(monkeypatch: pytest.MonkeyPatch) -> Iterator[library.Camera]:
    fresh = library.Camera()
    fresh.frames = [SHARP]
    monkeypatch.setattr(library, "camera", fresh)
    monkeypatch.setattr(library, "made", [])
    monkeypatch.setitem(sys.modules, "picamera2", library)
    yield fresh
    for each in library.made:
        assert each.held == 0, "a request was not released"


@pytest.fixture
def source() -> Picamera2Source:
    source = Picamera2Source(640, 480)
    source.open()
    return source


def test_it_asks_for_a_still_with_a_small_stream_beside_it(source: Picamera2Source) -> None:
    config = library.made[0].config
    assert config["use_case"] == "still"
    assert config["main"] == {"size": (640, 480), "format": "RGB888"}
    assert config["lores"] == {"size": (320, 240), "format": "YUV420"}
    assert config["queue"] is False


def test_continuous_autofocus_is_set_where_the_camera_has_it(source: Picamera2Source) -> None:
    assert library.made[0].set == {"AfMode": 2}


def test_a_camera_without_autofocus_is_not_asked_for_it(camera: library.Camera) -> None:
    del camera.controls["AfMode"]
    Picamera2Source(640, 480).open()
    assert library.made[0].set == {}


def test_the_fake_refuses_unknown_controls_as_the_library_does() -> None:
    with pytest.raises(RuntimeError, match="AfRange is not advertised"):
        library.Picamera2().set_controls({"AfRange": 0})


def test_a_glance_is_the_small_streams_brightness(
    source: Picamera2Source, camera: library.Camera
) -> None:
    camera.frames = [np.full((480, 640, 3), 77, np.uint8)]
    seen = source.glance()
    assert (seen.shape, seen.dtype, int(seen.min()), int(seen.max())) == (
        (240, 320),
        np.uint8,
        77,
        77,
    )


def test_the_sharpest_frame_of_a_burst_is_kept(
    source: Picamera2Source, camera: library.Camera
) -> None:
    camera.frames = [SOFT, SOFT, SHARP, SOFT]  # the first is the one that looks at the autofocus
    message = answer(source, {"do": "capture"}, 3)
    picture = cv2.imdecode(np.frombuffer(message.picture, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.std() > 2 * SOFT.std()


def test_the_librarys_own_measure_of_focus_decides_where_there_is_one(
    source: Picamera2Source, camera: library.Camera
) -> None:
    camera.metadata = [{}, {"FocusFoM": 10}, {"FocusFoM": 900}, {"FocusFoM": 20}]
    assert answer(source, {"do": "capture"}, 3).words["focus_measure"] == 900


def test_colours_arrive_as_they_were(source: Picamera2Source, camera: library.Camera) -> None:
    blue_first = np.zeros((480, 640, 3), np.uint8)
    blue_first[..., 2] = 200
    camera.frames = [blue_first]
    from PIL import Image

    picture = Image.open(io.BytesIO(answer(source, {"do": "capture"}, 1).picture))
    red, green, blue = picture.convert("RGB").getpixel((320, 240))  # type: ignore[misc]
    assert red > 190
    assert max(green, blue) < 20


def test_a_camera_without_rgb_keeps_its_colours(camera: library.Camera) -> None:
    camera.formats = {"main": "NV12"}
    camera.frames = [np.full((480, 640, 3), (40, 60, 200), np.uint8)]
    source = Picamera2Source(640, 480)
    source.open()
    (shot,) = source.shoot(1)
    assert shot.picture.shape == (480, 640, 3)
    assert abs(shot.picture.astype(int) - (40, 60, 200)).max() <= 4


def test_a_camera_whose_pictures_we_cannot_read_is_a_clear_error(camera: library.Camera) -> None:
    camera.formats = {"main": "YUYV"}
    with pytest.raises(CameraError, match="gives YUYV") as caught:
        Picamera2Source(640, 480).open()
    assert "v4l2" in caught.value.hint


def test_a_glance_of_a_camera_without_a_small_stream_shows_the_whole_picture(
    camera: library.Camera,
) -> None:
    camera.sizes = {"lores": (640, 480)}
    source = Picamera2Source(640, 480)
    source.open()
    assert source.glance().shape == (480, 640)


def test_it_waits_for_the_autofocus_but_not_for_ever(
    source: Picamera2Source, camera: library.Camera
) -> None:
    camera.metadata = [{"AfState": 1}] * 4 + [{"AfState": 2}]
    source.shoot(1)
    assert library.made[0].taken == 6
    camera.metadata = [{"AfState": 1}]
    assert len(source.shoot(1)) == 1


def test_what_the_camera_says_is_kept_with_the_photo() -> None:
    said = {
        "Lux": 412.5,
        "ExposureTime": 9998,
        "AnalogueGain": 1.1,
        "FocusFoM": 1022,
        "AfState": 2,
        "SensorTimestamp": 5,
    }
    assert metadata_of(said) == {
        "sensor_timestamp_ns": 5,
        "lux": 412.5,
        "exposure_us": 9998,
        "gain": 1.1,
        "focus_measure": 1022,
        "autofocus": "focused",
    }


def test_a_camera_that_says_nothing_is_fine() -> None:
    assert metadata_of({}) == {}


def test_no_camera_is_a_clear_error(camera: library.Camera) -> None:
    camera.plugged_in = False
    with pytest.raises(CameraError, match="can't be started"):
        Picamera2Source(640, 480).open()


def test_a_taken_camera_is_a_clear_error(camera: library.Camera) -> None:
    camera.taken = True
    with pytest.raises(CameraError, match="did not complete"):
        Picamera2Source(640, 480).open()


def test_an_odd_size_becomes_an_even_one() -> None:
    source = Picamera2Source(641, 481)
    source.open()
    assert source.shoot(1)[0].picture.shape == (480, 640, 3)


def test_a_photo_smaller_than_a_glance_is_the_librarys_error_in_our_words() -> None:
    with pytest.raises(CameraError, match="may not exceed"):
        Picamera2Source(160, 120).open()


def test_a_camera_that_is_pulled_out_is_a_camera_error(
    source: Picamera2Source, camera: library.Camera
) -> None:
    camera.lost = True
    with pytest.raises(CameraError, match="timed out"):
        source.shoot(1)


def test_without_the_library_the_error_leads_to_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraError) as caught:
        Picamera2Source(640, 480).open()
    assert "edgecase doctor" in caught.value.hint


def test_a_library_built_for_another_numpy_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise ValueError("numpy.dtype size changed")

    import importlib

    def fail(name: str) -> ModuleType:
        raise ValueError("numpy.dtype size changed")

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(CameraError, match=r"numpy\.dtype size changed"):
        Picamera2Source(640, 480).open()
