"""What killed workers leave is collected; what anything refers to stays."""

from __future__ import annotations

import fcntl
import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from sync.messages import Stored
from tests.fakes.parcels import SentCase, noise, sha
from tower_sync_server.archive.orphans import Orphans
from tower_sync_server.archive.removal import Removal
from tower_sync_server.housekeeping import Housekeeping

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.keeps import Bench

DAY_S = 24 * 3600.0


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def orphans(bench: Bench, tmp_path: Path) -> Orphans:
    return Orphans(bench.keep.engine, bench.keep.blobs, tmp_path / "lock", DAY_S, now)


def path(bench: Bench, sha256: str) -> Path:
    found = bench.keep.blobs.path(sha256)
    assert found is not None
    return found


def publish(bench: Bench, data: bytes, *, days: float = 40) -> Path:
    """What a worker leaves that is killed before it commits."""
    draft = bench.keep.blobs.draft()
    draft.write(data)
    bench.keep.blobs.publish([draft])
    return age(path(bench, sha(data)), days)


def age(file: Path, days: float) -> Path:
    at = now().timestamp() - days * DAY_S
    os.utime(file, (at, at))
    return file


def sweep(bench: Bench) -> int:
    return Removal(bench.keep.engine, bench.keep.blobs, now).sweep()


def test_an_old_blob_that_nothing_refers_to_goes_and_everything_else_stays(
    bench: Bench, orphans: Orphans
) -> None:
    case = SentCase(photo=noise(1000))
    bench.send(case)
    other = SentCase(id=case.id, photo=case.photo, more={"status": "rejected"}).case()
    bench.say(other.chunk(0))  # to quarantine
    kept = [case.image, sha(case.thumb), other.header.address.sha256]
    for sha256 in kept:
        age(path(bench, sha256), 40)
    lost, young = publish(bench, b"lost"), publish(bench, b"young", days=0)

    assert orphans.find() == 1
    assert sweep(bench) == 1

    assert (lost.exists(), young.exists()) == (False, True)
    assert all(path(bench, sha256).exists() for sha256 in kept)


def test_one_that_a_case_comes_to_refer_to_meanwhile_stays(bench: Bench, orphans: Orphans) -> None:
    case = SentCase(photo=noise(1000))
    file = publish(bench, case.photo)
    assert orphans.find() == 1

    bench.send(case)

    assert sweep(bench) == 0
    assert file.read_bytes() == case.photo


def test_workers_and_the_collector_at_once_lose_nothing(bench: Bench, orphans: Orphans) -> None:
    cases = [SentCase(seq=n + 1, photo=noise(500, n), thumb=noise(50, -n - 1)) for n in range(12)]
    for case in cases:
        publish(bench, case.photo)
        publish(bench, case.thumb)
    done = threading.Event()

    def collect() -> None:
        while not done.is_set():
            orphans.find()
            sweep(bench)

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        for case in cases:
            for parcel in case.parcels():
                while not isinstance(bench.say(parcel.chunk(0)), Stored):
                    pass
    finally:
        done.set()
        thread.join()

    sweep(bench)
    assert all(path(bench, case.image).read_bytes() == case.photo for case in cases)
    assert all(path(bench, sha(case.thumb)).read_bytes() == case.thumb for case in cases)


def test_a_second_one_leaves_it_to_the_first(
    bench: Bench, orphans: Orphans, tmp_path: Path
) -> None:
    publish(bench, b"lost")
    with orphans._alone() as first:
        assert first
        assert orphans.find() == 0
    assert orphans.find() == 1


def test_chunks_drafts_and_uploads_that_nobody_goes_on_with_are_cleared(
    bench: Bench, orphans: Orphans, tmp_path: Path
) -> None:
    keep = bench.keep
    photo = SentCase(photo=noise(200_000)).original()
    bench.say(photo.chunk(0))
    left = [keep.folder / "blobs" / "drafts" / "x", keep.folder / "uploads" / "x"]
    left[1].parent.mkdir()
    left[0].write_bytes(b"x")
    left[1].mkdir()
    (left[1] / "y").write_bytes(b"x")
    (spooled,) = (keep.folder / "spool").glob("*/*")
    for file in (*left, spooled):
        age(file, 40)

    Housekeeping(orphans, keep.blobs, keep.spool, DAY_S, keep.folder / "uploads").once()

    assert [file.exists() for file in (*left, spooled)] == [False] * 3


def test_a_lock_held_elsewhere_is_no_failure(bench: Bench, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        held = Orphans(bench.keep.engine, bench.keep.blobs, lock, DAY_S, now)
        publish(bench, b"lost")
        expected = 0 if bench.keep.engine.dialect.name == "sqlite" else 1

        assert held.find() == expected
