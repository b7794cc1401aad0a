"""Many messages at once: the same as one by one, and killed at any point nothing is promised."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from sync.bitmap import Bitmap
from sync.messages import Busy, Have, Reject, RejectCode, Stored
from tests.fakes.keeps import LIMITS, Bench, opened
from tests.fakes.parcels import SentCase, noise
from tower_sync_server.archive import archive as archive_module
from tower_sync_server.archive.blobs import FolderBlobs
from tower_sync_server.archive.tables import parcels
from tower_sync_server.ingest.ingest import Ingest, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sync.messages import Ack, Up
    from tower_sync_server.archive.files import Draft


class KilledError(BaseException):
    """The end of a worker."""


def made(count: int = 3, size: int = 150_000) -> list[SentCase]:
    return [SentCase(seq=n + 1, photo=noise(size, n), thumb=noise(99, -n)) for n in range(count)]


def every_message(cases: Sequence[SentCase]) -> list[Up]:
    return [chunk for case in cases for parcel in case.parcels() for chunk in parcel.chunks()]


def whole(bench: Bench, cases: Sequence[SentCase]) -> bool:
    return all(
        bench.listing.case(case.id, "gate").receipt.complete
        and b"".join(bench.keep.blobs.read(case.image)) == case.photo
        for case in cases
    )


def rows(bench: Bench) -> int:
    with bench.keep.engine.connect() as db:
        return int(db.scalar(sa.select(sa.func.count()).select_from(parcels)) or 0)


@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_twice_over_and_cut_anywhere_each_is_stored_once(
    bench: Bench, seed: int
) -> None:
    cases, chance = made(), random.Random(seed)
    messages = every_message(cases) * 2
    chance.shuffle(messages)
    while messages:
        some = chance.randint(1, len(messages))
        bench.say_all(messages[:some])
        del messages[:some]

    assert whole(bench, cases)
    assert rows(bench) == 9
    assert bench.listing.quarantined() == 0
    assert list((bench.keep.folder / "spool").iterdir()) == []


def test_a_photo_whose_chunks_come_together_never_touches_the_spool(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.keep.spool, "keep", lambda *_: pytest.fail("spooled"))
    cases = made()

    answers = bench.say_all(every_message(cases))

    assert [type(answer) for answer in answers[-3:]] == [Have, Have, Stored]
    assert whole(bench, cases)


def test_chunks_of_an_earlier_batch_and_of_this_one_make_a_photo(bench: Bench) -> None:
    photo = SentCase().original()
    bench.say_all([photo.chunk(1)])

    answers = bench.say_all([photo.chunk(2), photo.ask(7), photo.chunk(0)])

    assert answers[1] == Have(photo.header.address, Bitmap.of(3, (1, 2)), 7)
    assert isinstance(answers[2], Stored)


def test_a_question_behind_the_last_chunk_is_answered_with_stored(bench: Bench) -> None:
    photo = SentCase(photo=noise(500)).original()

    assert [type(a) for a in bench.say_all([photo.chunk(0), photo.ask(7)])] == [Stored, Stored]


def test_two_payloads_under_one_key_in_one_batch_the_first_stands(bench: Bench) -> None:
    one = SentCase()
    other = SentCase(id=one.id, photo=one.photo, more={"status": "rejected"})

    first, second = bench.say_all([one.case().chunk(0), other.case().chunk(0)])

    assert isinstance(first, Stored)
    assert isinstance(second, Reject)
    assert second.code == RejectCode.CONFLICT
    assert bench.listing.quarantined() == 1
    assert bench.listing.case(one.id, None).body["status"] == one.body()["status"]


def test_several_revisions_in_one_batch_show_the_last(bench: Bench) -> None:
    one = SentCase()
    revisions = [SentCase(id=one.id, rev=n, more={"status": f"s{n}"}) for n in (2, 3, 1)]

    answers = bench.say_all([r.case().chunk(0) for r in revisions])

    assert {type(answer) for answer in answers} == {Stored}
    assert bench.listing.counts() == {"s3": 1}


def test_of_a_full_disk_a_whole_batch_is_told_and_none_of_it_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as keep:
        full = Bench(keep, Limits(image_bytes=2_000_000, min_free_bytes=1 << 60))

        answers = full.say_all(every_message(made()))

        assert {type(answer) for answer in answers} == {Busy}
        assert rows(full) == 0


class Killer:
    """Ends the worker at the n-th thing that it does to the disk or the database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.left = at
        monkeypatch.setattr(os, "fsync", self.counted(os.fsync))
        monkeypatch.setattr(os, "replace", self.counted(os.replace))
        for name in ("insert_missing", "list_cases", "note_devices"):
            monkeypatch.setattr(archive_module, name, self.counted(getattr(archive_module, name)))
        # before and after the commit
        real = archive_module.Archive.store
        monkeypatch.setattr(archive_module.Archive, "store", self.counted(self.counted(real)))

    def counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            self.tick()
            found = real(*args, **more)
            self.tick()
            return found

        return call

    def tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise KilledError


def kill_and_recover(folder: Path, at: int, monkeypatch: pytest.MonkeyPatch, make: Any) -> bool:
    """Kill one worker at a point; whether that point was reached.

    Raises:
        AssertionError: something was promised that isn't safe, lost, or doubled.
    """
    cases = made(2, 90_000)
    messages = every_message(cases)
    with opened(folder) as keep:
        worker, killed = make(keep), False
        with monkeypatch.context() as patch:
            Killer(patch, at)
            try:
                worker.say_all(messages)
            except KilledError:
                killed = True
        for row in _all_rows(Bench(keep)):  # no row without its blob
            assert row.kind == "case" or keep.blobs.path(row.sha256).exists()  # type: ignore[union-attr]
    with opened(folder) as keep:
        bench = Bench(keep)
        bench.say_all(messages)
        assert whole(bench, cases)
        assert rows(bench) == 6
        assert bench.listing.quarantined() == 0
    return killed


def _all_rows(bench: Bench) -> list[Any]:
    with bench.keep.engine.connect() as db:
        return list(db.execute(sa.select(parcels)))


def test_killed_at_any_point_of_a_batch_nothing_is_lost_doubled_or_promised_too_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 1
    while kill_and_recover(tmp_path / str(at), at, monkeypatch, Bench):
        at += 1

    assert at > 20  # so many points there were


class HastyBlobs(FolderBlobs):
    """Publishes nothing until it is too late."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.later: list[Draft] = []

    def publish(self, drafts: Sequence[Draft]) -> None:
        self.later += drafts


def test_a_worker_that_commits_first_is_caught_by_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""

    def hasty(keep: Any) -> Bench:
        blobs = HastyBlobs(tmp_path / "1" / "blobs")
        bench = Bench(keep)
        bench.ingest = Ingest(keep.archive, blobs, keep.spool, LIMITS)
        monkeypatch.setattr(keep.archive, "_is_there", lambda _sha256: True)
        return bench

    with pytest.raises(AssertionError):
        kill_and_recover(tmp_path / "1", 10**6, monkeypatch, hasty)


def test_nothing_is_answered_before_the_commit(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Ack] = []
    real = bench.keep.archive.store

    def store(*args: Any) -> Any:
        assert answers == []
        return real(*args)

    monkeypatch.setattr(bench.keep.archive, "store", store)

    answers += bench.say_all(every_message(made()))

    assert len(answers) == 15
