"""The watched folder of a whole device, whose plug is pulled while it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from tests.e2e.running import Device, until

if TYPE_CHECKING:
    from pathlib import Path

PHOTOS = 24
KILL_AT = (3, 9, 15)
"""Numbers of finished photos at which the daemon is killed."""


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Photos that all differ, and one that is none."""
    inbox = tmp_path / "data" / "inbox"
    inbox.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for number in range(PHOTOS):
        coarse = rng.integers(40, 220, (60, 80, 3), dtype=np.uint8)
        picture = cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(inbox / f"{number:02}.jpg"), picture)
    (inbox / "notes.jpg").write_text("not a picture")
    return inbox


def finished(inbox: Path) -> int:
    return len(list((inbox / "done").glob("*.jpg")))


@pytest.mark.slow
def test_killed_again_and_again_every_photo_becomes_one_case(inbox: Path) -> None:
    data = inbox.parent
    for enough in KILL_AT:
        device = Device(data, EDGECASE_CAMERA__KIND="folder")
        until(lambda enough=enough: finished(inbox) >= enough)  # type: ignore[misc]
        device.process.kill()
        device.process.wait()
        assert finished(inbox) < PHOTOS, "it was killed too late to be of use"
    device = Device(data, EDGECASE_CAMERA__KIND="folder")
    until(lambda: finished(inbox) == PHOTOS)
    until(lambda: (inbox / "rejected" / "notes.jpg.txt").exists())
    cases = device.ask("/cases?limit=200")[1]["cases"]
    device.process.terminate()
    assert device.process.wait(20) == 0

    names = sorted(case["images"][0]["camera"]["file"] for case in cases)
    assert names == [f"{number:02}.jpg" for number in range(PHOTOS)]
    assert sorted(case["seq"] for case in cases) == list(range(1, PHOTOS + 1))
