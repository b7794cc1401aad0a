"""Files of an offer, from a stick or a tower that breaks off, lies, or never ends."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from tuf.api.exceptions import DownloadError, DownloadHTTPError

from edge.errors import DiskFullError, NoRepositoryError, RefusedReleaseError
from edge.updates.fetch import Progress, fetch
from edge.updates.look import Target, look
from edge.updates.source import FolderSource
from models.release import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEIGHTS = bytes(range(256)) * 4000
"""About a megabyte: four pieces."""


def target(data: bytes = WEIGHTS, name: str = "weights.onnx") -> Target:
    return Target(f"m/1.0.0/{name}", len(data), hashlib.sha256(data).hexdigest())


class Road:
    """A source that counts, and breaks off after some bytes."""

    name = "a road"

    def __init__(self, data: bytes = WEIGHTS, breaks_after: int | None = None, skips: bool = True):
        self.data, self.breaks_after, self.obeys = data, breaks_after, skips
        self.sent = 0

    def skips(self) -> bool:
        return self.obeys

    def open(self, path: str, offset: int = 0) -> Iterator[bytes]:
        for start in range(offset, len(self.data), 100_000):
            if self.breaks_after is not None and self.sent >= self.breaks_after:
                self.breaks_after = None
                raise DownloadError("the link is gone")
            piece = self.data[start : start + 100_000]
            self.sent += len(piece)
            yield piece


def bring(road: object, folder: Path, wanted: Target | None = None, **more: object) -> Progress:
    told: list[Progress] = []
    values = {"here": {}, "keep_free": 0, "tell": told.append, **more}
    return fetch([wanted or target()], road, folder, **values)


def test_what_is_offered_comes_whole_and_can_be_read(tower, seen, tmp_path):
    source = FolderSource(tower.folder)
    found = look(seen, source, tower.now)
    folder = tmp_path / "fetched"
    told: list[Progress] = []
    done = fetch(found.files(found.offers[0]), source, folder, {}, 0, told.append)
    assert read_manifest(folder).ref == "tiny@1.0.0"
    assert done.done == done.total == found.offers[0].size == told[-1].done
    assert sorted(told, key=lambda p: p.done) == told


def test_a_road_that_breaks_off_is_taken_up_where_it_broke(tmp_path):
    road = Road(breaks_after=400_000)
    bring(road, tmp_path / "m")
    assert (tmp_path / "m" / "weights.onnx").read_bytes() == WEIGHTS
    assert road.sent == len(WEIGHTS)


def test_a_later_attempt_goes_on_from_what_came(tmp_path):
    dead = Road(WEIGHTS[:300_000])
    with pytest.raises(NoRepositoryError, match="ends after 300000"):
        bring(dead, tmp_path / "m")
    assert not (tmp_path / "m" / "weights.onnx").exists()
    road = Road()
    bring(road, tmp_path / "m")
    assert road.sent == len(WEIGHTS) - 300_000


def test_a_source_that_cannot_skip_is_read_from_the_beginning(tmp_path):
    with pytest.raises(NoRepositoryError):
        bring(Road(WEIGHTS[:300_000]), tmp_path / "m")
    road = Road(skips=False)
    bring(road, tmp_path / "m")
    assert road.sent == len(WEIGHTS)


def test_a_part_that_a_power_cut_spoilt_is_fetched_anew(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / ".weights.onnx.part").write_bytes(bytes(500_000))
    road = Road()
    bring(road, tmp_path / "m")
    assert (tmp_path / "m" / "weights.onnx").read_bytes() == WEIGHTS


def test_other_bytes_than_were_signed_are_refused_and_leave_nothing(tmp_path):
    with pytest.raises(RefusedReleaseError, match="not what was signed"):
        bring(Road(b"x" * len(WEIGHTS)), tmp_path / "m")
    assert list((tmp_path / "m").iterdir()) == []


def test_a_file_that_never_ends_is_cut_off_at_its_signed_length(tmp_path):
    road = Road(WEIGHTS * 50)
    with pytest.raises(RefusedReleaseError, match="longer than signed"):
        bring(road, tmp_path / "m")
    assert road.sent < len(WEIGHTS) + 200_000


def test_what_the_device_has_is_copied_and_not_fetched(tmp_path):
    mine = tmp_path / "mine.bin"
    mine.write_bytes(WEIGHTS)
    road = Road()
    done = bring(road, tmp_path / "m", here={target().sha256: mine})
    assert (road.sent, done.fetched, done.done) == (0, 0, len(WEIGHTS))


def test_a_file_of_the_device_that_rotted_is_fetched(tmp_path):
    mine = tmp_path / "mine.bin"
    mine.write_bytes(WEIGHTS[:-1] + b"!")
    road = Road()
    bring(road, tmp_path / "m", here={target().sha256: mine})
    assert (tmp_path / "m" / "weights.onnx").read_bytes() == WEIGHTS


def test_nothing_is_fetched_where_it_would_not_fit(tmp_path):
    road = Road()
    with pytest.raises(DiskFullError, match="no room"):
        bring(road, tmp_path / "m", keep_free=1 << 60)
    assert road.sent == 0


def test_a_file_that_is_not_there_says_so(tmp_path):
    class Empty(Road):
        def open(self, path: str, offset: int = 0) -> Iterator[bytes]:
            raise DownloadHTTPError(f"{path} is not there", 404)

    with pytest.raises(NoRepositoryError, match="can't be fetched"):
        bring(Empty(), tmp_path / "m")
