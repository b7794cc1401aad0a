"""A tower whose disk is full, for real: busy, nothing acknowledged that isn't safe, well again."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sync.messages import Busy, Have, Kind, Stored
from tests.fakes.keeps import Bench, opened
from tests.fakes.mounts import tmpfs
from tests.fakes.parcels import SentCase, noise
from tests.fakes.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync.messages import Ack

pytestmark = pytest.mark.root


def fill(folder: Path, free: int) -> Path:
    """Take all room but so many bytes."""
    ballast = folder / "ballast"
    ballast.unlink(missing_ok=True)
    found = os.statvfs(folder)
    size = max(1, found.f_bavail * found.f_frsize - free)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return ballast


def held(bench: Bench, case: SentCase, answers: list[Ack]) -> bool:
    """Whether everything that was acknowledged is there, byte for byte."""
    for parcel, answer in zip(case.parcels(), answers, strict=True):
        if not isinstance(answer, Stored):
            continue
        address = parcel.header.address
        if bench.keep.archive.known([("gate", address)])[0].stored != address.sha256:
            return False
        if address.kind is Kind.CASE:
            bench.listing.case(case.id, "gate")
        elif b"".join(bench.keep.blobs.read(address.sha256)) != parcel.payload:
            return False
    return True


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with tmpfs(tmp_path / "small", 16) as folder:
        yield folder


# How much is left decides what fails: a chunk, the blob, the write-ahead log, a page of the index.
ROOM = (0, 4096, 8192, 40_000, 110_000, 170_000, 260_000, 330_000, 420_000, 600_000)


def test_with_blobs_database_and_log_on_a_full_disk_nothing_is_acknowledged_that_is_not_safe(
    small: Path,
) -> None:
    cases = [SentCase(seq=n + 1, photo=noise(150_000, n)) for n in range(len(ROOM))]
    refused = 0
    with opened(small / "tower") as keep:
        bench = Bench(keep)
        for room, case in zip(ROOM, cases, strict=True):
            ballast = fill(small, room)
            answers = bench.send(case)
            refused += sum(isinstance(answer, Busy) for answer in answers)
            assert {type(answer) for answer in answers} <= {Busy, Stored, Have}
            ballast.unlink()
            assert held(bench, case, answers)
        assert refused >= len(ROOM)

        again = [bench.send(case) for case in cases]

        assert {type(answer) for answers in again for answer in answers} == {Stored}
        assert bench.listing.counts() == {"needs_review": len(cases)}
    with opened(small / "tower") as keep:
        assert all(b"".join(keep.blobs.read(case.image)) == case.photo for case in cases)


def test_a_commit_that_finds_no_room_says_busy_and_the_batch_comes_again(small: Path) -> None:
    """The photos are elsewhere: only SQLite is on the full disk."""
    cases = [SentCase(seq=n + 1, photo=noise(300, n), thumb=noise(30, -n)) for n in range(40)]
    messages = [parcel.chunk(0) for case in cases for parcel in case.parcels()]
    with opened(small.parent / "tower", f"sqlite:///{small}/archive.db") as keep:
        bench = Bench(keep)
        ballast = fill(small, 0)

        first = bench.say_all(messages)
        nothing = bench.listing.counts()
        ballast.unlink()
        second = bench.say_all(messages)

        assert {type(answer) for answer in first} == {Busy}
        assert nothing == {}
        assert {type(answer) for answer in second} == {Stored}


@pytest.mark.slow
def test_a_full_disk_under_postgresql_is_the_same(tmp_path: Path) -> None:
    place = Path(tempfile.mkdtemp(prefix="edgecase-full-"))  # not pytest's: of another user
    try:
        with tmpfs(place / "disk", 120) as disk:
            place.chmod(0o755)
            (disk / "pg").mkdir()
            with postgres(disk / "pg") as dsn, opened(tmp_path / "tower", dsn) as keep:
                _fill_and_recover(Bench(keep), disk)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _fill_and_recover(bench: Bench, disk: Path) -> None:
    text = {"form": {"notes": noise(100_000).hex()}}
    cases = [SentCase(seq=n + 1, photo=noise(300, n), more=text) for n in range(40)]
    ballast = fill(disk, 100_000)
    first: list[Ack] = []
    for case in cases:
        first += [bench.send(case)[0]]
        if isinstance(first[-1], Busy):
            break
    assert isinstance(first[-1], Busy)
    ballast.unlink()

    end = time.monotonic() + 60
    while not all(isinstance(bench.send(case)[0], Stored) for case in cases[: len(first)]):
        assert time.monotonic() < end
        time.sleep(0.5)

    assert sum(bench.listing.counts().values()) == len(first)
    for case in cases[: len(first)]:
        assert bench.listing.case(case.id, None).receipt.complete
