from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from tests.fakes.parcels import SentCase, noise, sha
from tower_sync_server.archive import archive as archive_module
from tower_sync_server.archive.blobs import FolderBlobs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from tests.fakes.keeps import Bench


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    found = FolderBlobs(tmp_path / "blobs")
    found.open()
    return found


def test_a_blob_lies_under_the_hash_of_its_bytes_for_nobody_else(blobs: FolderBlobs) -> None:
    draft = blobs.draft()
    draft.write(b"some")
    draft.write(b"thing")
    blobs.publish([draft])

    path = blobs.file(sha(b"something"))

    assert path.read_bytes() == b"something"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_blob_twice_is_one(blobs: FolderBlobs, tmp_path: Path) -> None:
    for _ in range(2):
        draft = blobs.draft()
        draft.write(b"x")
        blobs.publish([draft])

    assert [p.name for p in (tmp_path / "blobs").glob("*/*")] == [sha(b"x")]


def test_a_draft_that_is_dropped_leaves_nothing(blobs: FolderBlobs, tmp_path: Path) -> None:
    draft = blobs.draft()
    draft.write(b"x")
    draft.discard()

    assert [p for p in (tmp_path / "blobs").rglob("*") if p.is_file()] == []


def test_drafts_of_killed_workers_go_and_those_of_others_stay(
    blobs: FolderBlobs, tmp_path: Path
) -> None:
    old, new = tmp_path / "blobs/drafts/old", tmp_path / "blobs/drafts/new"
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (1, 1))

    blobs.open()

    assert (old.exists(), new.exists()) == (False, True)


def test_nothing_is_acknowledged_before_it_is_safe(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fsync of the bytes → rename → fsync of the folder → commit → `stored`."""
    done: list[str] = []

    def noted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            done.append(name)
            return real(*args, **more)

        return call

    def fsync(handle: int) -> None:
        folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        done.append("fsync of the folder" if folder else "fsync of the bytes")

    real_insert = archive_module.insert_missing
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", noted("rename", os.replace))
    monkeypatch.setattr(archive_module, "insert_missing", noted("insert", real_insert))

    bench.say(SentCase(photo=noise(1000)).original().chunk(0))
    done.append("stored")

    wanted = ["fsync of the bytes", "rename", "fsync of the folder", "insert", "stored"]
    assert done == wanted
