"""The dataset of what people said, out of a real archive."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.keeps import Bench, opened
from tests.fakes.parcels import SentCase, noise
from tower_sync_server.dataset.export import export
from tower_sync_server.dataset.truth import split_of
from tower_sync_server.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEEN = [{"label": "dent", "confidence": 0.9, "box": [10, 20, 30, 60], "source": "detector"}]


def judged(number: int, verdict: str = "correct", **more: Any) -> SentCase:
    said = [{"at": "2026-11-20T12:00:00+00:00", "by": "ada", "verdict": verdict, **more}]
    return SentCase(
        seq=number, photo=noise(20_000, number), more={"predictions": SEEN, "feedback": said}
    )


@pytest.fixture
def tower(tmp_path: Path) -> Iterator[Bench]:
    with opened(tmp_path / "tower") as keep:
        yield Bench(keep)


def test_every_judged_photo_is_there_once_byte_for_byte_in_its_split(
    tower: Bench, tmp_path: Path
) -> None:
    cases = [judged(number) for number in range(1, 31)]
    for case in cases:
        tower.send(case)

    done = export(tmp_path / "set", tower.listing, tower.keep.blobs)

    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    assert done.photos == len(manifest["files"]) == 30
    assert {entry["case"] for entry in manifest["files"]} == {case.id for case in cases}
    for entry in manifest["files"]:
        data = (tmp_path / "set" / entry["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"] == entry["image"]
        assert entry["split"] == split_of(entry["sha256"])
        assert entry["boxes"] == [{"label": "dent", "severity": "", "box": [10, 20, 30, 60]}]


def test_yolo_and_coco_find_the_same(tower: Bench, tmp_path: Path) -> None:
    tower.send(judged(1))
    export(tmp_path / "set", tower.listing, tower.keep.blobs)

    (entry,) = json.loads((tmp_path / "set" / "manifest.json").read_text())["files"]
    coco = json.loads((tmp_path / "set" / f"coco-{entry['split']}.json").read_text())
    line = next((tmp_path / "set" / "labels").rglob("*.txt")).read_text().split()
    size = coco["images"][0]
    assert coco["annotations"][0]["bbox"] == [10, 20, 20, 40]
    assert float(line[1]) * size["width"] == pytest.approx(20, abs=0.01)
    assert float(line[4]) * size["height"] == pytest.approx(40, abs=0.01)


def test_what_is_left_out_is_counted(tower: Bench, tmp_path: Path) -> None:
    first = judged(1)
    tower.send(first)
    tower.send(SentCase(seq=2, more={"feedback": []}))
    tower.send(judged(3, "reject"))
    tower.say(next(judged(4).case().chunks()))  # its photo never came
    tower.send(SentCase(seq=5, photo=first.photo, more=first.more))

    newer = judged(6)
    tower.send(SentCase(seq=6, photo=newer.photo, more={**newer.more, "of_tomorrow": 1}))

    done = export(tmp_path / "set", tower.listing, tower.keep.blobs)

    assert (done.photos, done.unjudged, done.missing, done.doubles) == (1, 2, 1, 1)
    assert done.unreadable == 1


def test_a_set_is_never_written_over(tower: Bench, tmp_path: Path) -> None:
    tower.send(judged(1))
    export(tmp_path / "set", tower.listing, tower.keep.blobs)

    with pytest.raises(ConflictError):
        export(tmp_path / "set", tower.listing, tower.keep.blobs)


def test_where_nobody_judged_anything_it_says_so_and_writes_nothing(
    tower: Bench, tmp_path: Path
) -> None:
    tower.send(SentCase(more={"feedback": []}))

    with pytest.raises(NotFoundError, match="judged"):
        export(tmp_path / "set", tower.listing, tower.keep.blobs)
    assert not (tmp_path / "set").exists()
