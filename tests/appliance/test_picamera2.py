"""The Pi's camera adapter with the real picamera2 and libcamera; the camera is a folder of photos.

What such a camera can't do (autofocus, lux, a sensor's exposure) is tried against a fake of the
library: `tests/edge/adapters/camera/test_picamera2.py`.
"""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.appliance.container import ROOT
from tests.appliance.photo_camera import session

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.appliance, pytest.mark.picamera2, pytest.mark.timeout(900)]

VEHICLE = ROOT / "tests" / "data" / "photos" / "vehicle"
SHOWN = ("chipped-paint", "cracked-windscreen", "rusty-door")
COUNT = 8
SAME, OTHER = 4.0, 20.0
"""Mean difference of two pictures, of 255: at most, at least."""

Pixels = NDArray[np.float32]


def shown() -> dict[str, Pixels]:
    """Each photo as the camera has to give it, blue first.

    The `virtual` pipeline says that its frames are of limited range (brightness from 16 to 235) and
    gives those of a JPEG, from 0 to 255, as they are: they arrive with a little more contrast.
    """
    found = {}
    for name in SHOWN:
        picture = cv2.resize(cv2.imread(str(VEHICLE / f"{name}.jpg")), (640, 480))
        luma = cv2.cvtColor(picture, cv2.COLOR_BGR2YCrCb)[..., :1].astype(np.float32)
        colours = picture.astype(np.float32) - luma
        bright, vivid = 255 / 219, 255 / 224
        found[name] = np.clip((luma - 16) * bright + colours * vivid, 0, 255)
    return found


def nearest(picture: Pixels, candidates: dict[str, Pixels]) -> str:
    """Which photo it is; fails where it is none, or could be two."""
    far = {name: float(np.abs(picture - one).mean()) for name, one in candidates.items()}
    best, second = sorted(far.values())[:2]
    assert best < SAME, far
    assert second > OTHER, far
    return min(far, key=lambda name: far[name])


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name in SHOWN:
        shutil.copy(VEHICLE / f"{name}.jpg", folder)
    return folder


@pytest.fixture(scope="module")
def taken(photos: Path, out: Path) -> list[Any]:
    """Sixteen photos: eight, closed and opened, eight more."""
    return session(photos, out, count=COUNT)


def test_every_frame_is_a_photo_of_the_folder_and_they_change(taken: list[Any], out: Path) -> None:
    assert not [each for each in taken if "error" in each]
    candidates = shown()
    seen = [nearest(read(out / each["photo"]), candidates) for each in taken]
    assert len(seen) == 2 * COUNT
    assert len(set(seen)) >= 2, "the folder goes on while the camera runs"
    assert set(seen) <= set(SHOWN)


def test_a_glance_shows_the_whole_of_a_photo_small_and_grey(taken: list[Any], out: Path) -> None:
    small = {
        name: cv2.resize(plain(name), (160, 120), interpolation=cv2.INTER_AREA) for name in SHOWN
    }
    for each in taken:
        data = np.frombuffer((out / each["glance"]).read_bytes(), np.uint8)
        assert nearest(data.reshape(120, 160).astype(np.float32), small) in SHOWN


def test_what_the_camera_says_of_a_frame_comes_with_the_photo(taken: list[Any]) -> None:
    said = [each["metadata"] for each in taken]
    assert {frozenset(one) for one in said} == {
        frozenset({"sensor_timestamp_ns", "sharpness", "burst"})
    }
    when = [one["sensor_timestamp_ns"] for one in said]
    assert when == sorted(set(when)), "each photo is of a frame of its own, in their order"
    assert 0 < time.monotonic_ns() - when[-1] < 600e9, "nanoseconds of this machine's uptime"


def test_closed_and_opened_again_it_is_another_process_and_gives_photos(taken: list[Any]) -> None:
    of = {opening: [e for e in taken if e["opening"] == opening] for opening in (1, 2)}
    assert len(of[1]) == len(of[2]) == COUNT
    assert {e["pid"] for e in of[1]}.isdisjoint(e["pid"] for e in of[2])


def test_an_odd_width_becomes_an_even_one(photos: Path, tmp_path: Path) -> None:
    told = session(photos, tmp_path, width=641)
    assert read(tmp_path / told[0]["photo"]).shape == (480, 640, 3)


def test_without_a_camera_the_error_says_where_to_look(tmp_path: Path) -> None:
    nothing = tmp_path / "photos"
    nothing.mkdir()
    told = session(nothing, tmp_path)
    assert "can't be started" in told[0]["error"]
    assert "--list-cameras" in told[0]["hint"]


def read(path: Path) -> Pixels:
    picture = cv2.imread(str(path))
    assert picture is not None
    return picture.astype(np.float32)


def plain(name: str) -> Pixels:
    return cv2.cvtColor(read(VEHICLE / f"{name}.jpg"), cv2.COLOR_BGR2GRAY)
