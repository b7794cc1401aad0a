"""Batches of files: all there, or none; and no more syncs than it takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.store.files import NewFiles
from tests.fakes.drafts import draft, photo

if TYPE_CHECKING:
    from edge.store.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tmp").mkdir()
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"tmp"}


def test_nothing_has_its_name_before_it_is_published(folder: Path) -> None:
    with NewFiles(folder / "tmp") as files:
        files.add(folder / "a", b"1")
        assert names(folder) == set()
        files.publish()
        assert (folder / "a").read_bytes() == b"1"
    assert list((folder / "tmp").iterdir()) == []


@pytest.mark.parametrize("published", [False, True])
def test_after_an_error_everything_is_as_it_was(folder: Path, published: bool) -> None:
    (folder / "old").write_bytes(b"before")

    def fail() -> None:
        with NewFiles(folder / "tmp") as files:
            files.add(folder / "new", b"1")
            files.add(folder / "old", b"after")
            if published:
                files.publish()
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert names(folder) == {"old"}
    assert (folder / "old").read_bytes() == b"before"
    assert list((folder / "tmp").iterdir()) == []


def test_a_rename_that_fails_takes_the_others_back(folder: Path) -> None:
    (folder / "taken").mkdir()
    (folder / "taken" / "x").write_bytes(b"")

    def fail() -> None:
        with NewFiles(folder / "tmp") as files:
            files.add(folder / "a", b"1")
            files.add(folder / "taken", b"2")
            files.publish()

    with pytest.raises(OSError):  # noqa: PT011 - whatever this system calls it
        fail()
    assert names(folder) == {"taken"}
    assert list((folder / "tmp").iterdir()) == []


class Syncs:
    """Counts what is synced, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        self.seen.append(f"folder {path.name}" if path.is_dir() else "file")


async def test_a_case_costs_four_syncs_and_its_files_come_before_its_names(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.add(draft([photo(1)], 1), [photo(1)])  # the month's folder is there now
    syncs = Syncs()
    monkeypatch.setattr(os, "fsync", syncs)
    two = photo(2)
    await store.add(draft([two], 2), [two])
    assert syncs.seen == ["file", "file", f"folder {two.sha256[:2]}", "folder 2026-11"]


async def test_a_photo_that_was_there_is_not_written_again_but_its_name_is_synced(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = photo(1)
    await store.add(draft([one], 1), [one])
    syncs = Syncs()
    monkeypatch.setattr(os, "fsync", syncs)
    await store.add(draft([one], 2), [one])
    assert syncs.seen == ["file", f"folder {one.sha256[:2]}", "folder 2026-11"]
