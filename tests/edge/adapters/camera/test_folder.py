"""The watched folder: whole photos once, and where they go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.adapters.camera.folder import FolderCamera, free_name
from edge.errors import CameraError, NotFoundError


class Seconds:
    """A clock that a test turns."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


@pytest.fixture
def camera(inbox: Path, seconds: Seconds) -> FolderCamera:
    camera = FolderCamera(inbox, max_bytes=1000, profile="skin", monotonic=seconds)
    camera.open()
    return camera


def still(camera: FolderCamera, seconds: Seconds, for_s: float = 1.5) -> bool:
    camera.waiting()
    seconds.now += for_s
    return camera.waiting()


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_file())


def test_a_whole_photo_is_taken_with_its_name_profile_and_time(
    camera: FolderCamera, inbox: Path, seconds: Seconds
) -> None:
    (inbox / "a.jpg").write_bytes(b"photo")
    os.utime(inbox / "a.jpg", (1_700_000_000, 1_700_000_000))
    assert still(camera, seconds)
    frame = camera.capture()
    assert (frame.data, frame.profile, frame.metadata) == (b"photo", "skin", {"file": "a.jpg"})
    assert frame.taken.timestamp() == 1_700_000_000
    assert frame.taken.tzinfo is not None


def test_a_growing_file_waits_until_it_stands_still(
    camera: FolderCamera, inbox: Path, seconds: Seconds
) -> None:
    for size in (1, 2, 3):
        (inbox / "a.jpg").write_bytes(b"x" * size)
        assert not camera.waiting()
        seconds.now += 0.8
    assert not camera.waiting()
    seconds.now += 0.4
    assert camera.waiting()


def test_a_kept_photo_moves_to_done_and_is_not_offered_again(
    camera: FolderCamera, inbox: Path, seconds: Seconds
) -> None:
    (inbox / "a.jpg").write_bytes(b"photo")
    still(camera, seconds)
    camera.settle(camera.capture(), "")
    assert (names(inbox), names(inbox / "done")) == ([], ["a.jpg"])
    assert not still(camera, seconds)


def test_a_photo_stays_in_the_inbox_until_its_case_is_durable(
    camera: FolderCamera, inbox: Path, seconds: Seconds
) -> None:
    (inbox / "a.jpg").write_bytes(b"photo")
    still(camera, seconds)
    camera.capture()
    assert names(inbox) == ["a.jpg"]
    assert camera.waiting()


def test_after_a_crash_the_same_photo_comes_with_the_same_key(
    camera: FolderCamera, inbox: Path, seconds: Seconds
) -> None:
    (inbox / "a.jpg").write_bytes(b"photo")
    still(camera, seconds)
    before = camera.capture().key
    reborn = FolderCamera(inbox, max_bytes=1000, monotonic=seconds)
    reborn.open()
    still(reborn, seconds)
    assert reborn.capture().key == before


@pytest.mark.parametrize(
    ("name", "data", "when"), [("b.jpg", b"p", 5), ("a.jpg", b"q", 5), ("a.jpg", b"p", 6)]
)
def test_another_name_content_or_time_is_another_key(
    camera: FolderCamera, inbox: Path, seconds: Seconds, name: str, data: bytes, when: int
) -> None:
    keys = []
    for its_name, its_data, its_time in (("a.jpg", b"p", 5), (name, data, when)):
        (inbox / its_name).write_bytes(its_data)
        os.utime(inbox / its_name, (its_time, its_time))
        still(camera, seconds)
        frame = camera.capture()
        keys.append(frame.key)
        camera.settle(frame, "")
    assert keys[0] != keys[1]


def test_a_refused_photo_moves_to_rejected_with_the_reason(
    camera: FolderCamera, inbox: Path, seconds: Seconds
) -> None:
    (inbox / "a.jpg").write_bytes(b"photo")
    still(camera, seconds)
    camera.settle(camera.capture(), "Too dark. Switch the light on.")
    assert names(inbox / "rejected") == ["a.jpg", "a.jpg.txt"]
    assert (inbox / "rejected/a.jpg.txt").read_text() == "Too dark. Switch the light on.\n"


def test_a_refused_file_that_has_grown_since_gets_its_chance(
    camera: FolderCamera, inbox: Path, seconds: Seconds
) -> None:
    (inbox / "a.jpg").write_bytes(b"pho")
    still(camera, seconds)
    frame = camera.capture()
    (inbox / "a.jpg").write_bytes(b"photo")
    camera.settle(frame, "This picture ends too early.")
    assert names(inbox / "rejected") == []
    assert still(camera, seconds)
    assert camera.capture().data == b"photo"


def test_a_file_over_the_limit_is_rejected_unread(
    camera: FolderCamera, inbox: Path, seconds: Seconds
) -> None:
    (inbox / "big.jpg").write_bytes(b"x" * 1001)
    still(camera, seconds)
    with pytest.raises(NotFoundError):
        camera.capture()
    assert names(inbox / "rejected") == ["big.jpg", "big.jpg.txt"]


def test_the_oldest_photo_comes_first(camera: FolderCamera, inbox: Path, seconds: Seconds) -> None:
    for name, when in (("a.jpg", 30), ("b.jpg", 10), ("c.jpg", 20)):
        (inbox / name).write_bytes(b"x")
        os.utime(inbox / name, (when, when))
    still(camera, seconds)
    taken = []
    for _ in range(3):
        frame = camera.capture()
        taken.append(frame.metadata["file"])
        camera.settle(frame, "")
    assert taken == ["b.jpg", "c.jpg", "a.jpg"]


@pytest.mark.parametrize("name", [".hidden.jpg", "a.jpg.part", "a.jpg.TMP", "~a.jpg"])
def test_unfinished_and_hidden_files_are_left_alone(
    camera: FolderCamera, inbox: Path, seconds: Seconds, name: str
) -> None:
    (inbox / name).write_bytes(b"x")
    assert not still(camera, seconds)


def test_links_and_folders_are_left_alone(
    camera: FolderCamera, inbox: Path, seconds: Seconds, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    (inbox / "a.jpg").symlink_to(tmp_path / "secret")
    (inbox / "sub.jpg").mkdir()
    assert not still(camera, seconds)


def test_an_empty_file_waits_longer_and_is_then_offered(
    camera: FolderCamera, inbox: Path, seconds: Seconds
) -> None:
    (inbox / "a.jpg").touch()
    assert not still(camera, seconds)
    assert still(camera, seconds, 5)


def test_nothing_in_done_is_ever_overwritten(
    camera: FolderCamera, inbox: Path, seconds: Seconds
) -> None:
    for data in (b"one", b"two", b"three"):
        (inbox / "a.jpg").write_bytes(data)
        still(camera, seconds)
        camera.settle(camera.capture(), "")
    assert names(inbox / "done") == ["a-2.jpg", "a-3.jpg", "a.jpg"]
    assert (inbox / "done/a.jpg").read_bytes() == b"one"


def test_a_file_that_cannot_be_moved_is_not_offered_for_ever(
    camera: FolderCamera, inbox: Path, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (inbox / "a.jpg").write_bytes(b"x")
    still(camera, seconds)
    frame = camera.capture()
    monkeypatch.setattr(Path, "rename", denied)
    camera.settle(frame, "")
    assert not still(camera, seconds)


def test_a_name_that_is_no_unicode_is_taken_too(
    camera: FolderCamera, inbox: Path, seconds: Seconds
) -> None:
    with open(os.fsencode(inbox) + b"/a\xff.jpg", "wb") as file:  # noqa: PTH123
        file.write(b"x")
    still(camera, seconds)
    frame = camera.capture()
    assert frame.metadata["file"] == "a?.jpg"
    camera.settle(frame, "no")
    assert len(names(inbox / "rejected")) == 2


def test_an_empty_folder_has_no_photo(camera: FolderCamera) -> None:
    with pytest.raises(NotFoundError, match="No photo waits"):
        camera.capture()


def test_a_folder_that_vanished_is_a_camera_error(camera: FolderCamera, inbox: Path) -> None:
    for sub in ("done", "rejected"):
        (inbox / sub).rmdir()
    inbox.rmdir()
    with pytest.raises(CameraError, match="can't be read"):
        camera.waiting()


def test_a_folder_that_cannot_be_made_is_a_camera_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CameraError, match="can't be used"):
        FolderCamera(tmp_path / "file" / "inbox", max_bytes=10).open()


def test_a_free_name_is_found_beside_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to(tmp_path / "nowhere")
    assert free_name(tmp_path, "a.jpg").name == "a-2.jpg"
