"""Deleting on the tower: softly, back again, and for good; on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from sync.digests import Check, Held, Item, Range
from sync.messages import Kind, Stored
from tests.fakes.keeps import NOW, Bench
from tests.fakes.parcels import SentCase, noise
from tower_sync_server.archive.listing import Filter
from tower_sync_server.archive.removal import Removal
from tower_sync_server.archive.tables import parcels
from tower_sync_server.archive.tombstones import doomed
from tower_sync_server.database.base import metadata
from tower_sync_server.database.engine import reading, writing
from tower_sync_server.errors import AmbiguousError, ConflictError, NotFoundError, UnavailableError
from tower_sync_server.ingest.digests import Digests
from tower_sync_server.people.audit import Audit
from tower_sync_server.people.words import By

EVA = By("eva", "192.0.2.1")
NOTHING_OF_A_CASE = {"users", "sessions", "audit", "devices", "alembic_version", "purged", "doomed"}

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def removal(bench: Bench) -> Removal:
    return Removal(bench.keep.engine, bench.keep.blobs, lambda: NOW)


def listed(bench: Bench, which: Filter | None = None) -> list[str]:
    found = bench.listing.page(which or Filter(), None, 50)
    return [str(entry.body["id"]) for entry in found.entries]


def rows_of(bench: Bench, case: str) -> dict[str, int]:
    """Table → rows that name a case, of the tables that may hold anything of it."""
    counts = {}
    with reading(bench.keep.engine) as db:
        for table in metadata.tables.values():
            if table.name not in NOTHING_OF_A_CASE and "case_id" in table.c:
                mine = sa.select(sa.func.count()).where(table.c.case_id == case)
                counts[table.name] = db.execute(mine.select_from(table)).scalar_one()
    return counts


def is_there(bench: Bench, sha256: str) -> bool:
    return sha256 in {blob.sha256 for blob in bench.keep.blobs.every()}


def purged(bench: Bench, removal: Removal, case: SentCase) -> None:
    bench.send(case)
    removal.delete(case.id, None, EVA)
    removal.purge(case.id, None, EVA)


def test_a_deleted_case_is_in_no_list_but_that_of_the_deleted(
    bench: Bench, removal: Removal
) -> None:
    case, other = SentCase(seq=1), SentCase(seq=2)
    bench.send(case)
    bench.send(other)

    removal.delete(case.id, None, EVA)

    assert listed(bench) == [other.id]
    assert listed(bench, Filter(status="deleted")) == [case.id]
    assert listed(bench, Filter(label="dent")) == [other.id]
    assert bench.listing.case(case.id, None).body["status"] == "needs_review"


def test_a_restored_case_is_listed_as_its_device_has_it(bench: Bench, removal: Removal) -> None:
    case = SentCase()
    bench.send(case)
    removal.delete(case.id, None, EVA)

    removal.restore(case.id, None, EVA)
    removal.restore(case.id, None, EVA)

    assert listed(bench, Filter(status="needs_review")) == [case.id]
    assert listed(bench, Filter(status="deleted")) == []


def test_what_a_device_says_later_neither_restores_a_case_nor_is_lost(
    bench: Bench, removal: Removal
) -> None:
    case = SentCase()
    bench.send(case)
    removal.delete(case.id, None, EVA)

    bench.say(SentCase(id=case.id, rev=2, more={"status": "rejected"}).case().chunk(0))

    assert listed(bench) == []
    removal.restore(case.id, None, EVA)
    assert listed(bench, Filter(status="rejected")) == [case.id]


def test_what_its_device_deleted_only_its_device_restores(bench: Bench, removal: Removal) -> None:
    case = SentCase(more={"status": "deleted"})
    bench.send(case)

    with pytest.raises(ConflictError, match="on its device"):
        removal.restore(case.id, None, EVA)


def test_only_what_is_deleted_can_be_purged(bench: Bench, removal: Removal) -> None:
    case = SentCase()
    bench.send(case)

    with pytest.raises(ConflictError, match="not deleted"):
        removal.purge(case.id, None, EVA)

    assert listed(bench) == [case.id]


def test_what_its_device_deleted_can_be_purged_too(bench: Bench, removal: Removal) -> None:
    case = SentCase(more={"status": "deleted"})
    bench.send(case)

    removal.purge(case.id, None, EVA)

    assert listed(bench, Filter(status="deleted")) == []
    assert list(bench.keep.blobs.every()) == []


def test_a_case_that_is_not_there_or_is_two_cases_is_said_so(
    bench: Bench, removal: Removal
) -> None:
    case = SentCase()
    with pytest.raises(NotFoundError):
        removal.delete(case.id, None, EVA)
    for device in ("gate", "yard"):
        bench.say(case.case().chunk(0), device)
    with pytest.raises(AmbiguousError):
        removal.delete(case.id, None, EVA)

    removal.delete(case.id, "yard", EVA)

    assert bench.listing.page(Filter(), None, 5).entries[0].body["device"] == "gate"


def test_nothing_of_a_purged_case_is_left_but_that_it_was_there(
    bench: Bench, removal: Removal
) -> None:
    case = SentCase()
    bench.send(case)
    bench.say(SentCase(id=case.id, more={"status": "rejected"}).case().chunk(0))  # quarantine
    assert all(rows_of(bench, case.id)[name] for name in ("cases", "parcels", "quarantine"))

    removal.delete(case.id, None, EVA)
    removal.purge(case.id, None, EVA)

    assert set(rows_of(bench, case.id).values()) == {0}
    assert list(bench.keep.blobs.every()) == []
    with pytest.raises(NotFoundError):
        bench.listing.case(case.id, None)


def test_a_photo_that_another_case_has_too_stays(bench: Bench, removal: Removal) -> None:
    photo = noise(100_000, 7)
    case = SentCase(seq=1, photo=photo, thumb=noise(2_000, 8))
    other = SentCase(seq=2, photo=photo, thumb=noise(2_000, 9))
    bench.send(other)

    purged(bench, removal, case)

    assert is_there(bench, other.image)
    assert {blob.sha256 for blob in bench.keep.blobs.every()} == {
        other.image,
        other.thumbnail().header.address.sha256,
    }


def test_nothing_brings_a_purged_case_back(bench: Bench, removal: Removal) -> None:
    case = SentCase()
    purged(bench, removal, case)

    for again in (case, SentCase(id=case.id, rev=3), SentCase(id=case.id, photo=noise(90_000, 5))):
        assert [type(ack) for ack in bench.send(again)] == [Stored] * 3

    assert listed(bench) == []
    assert set(rows_of(bench, case.id).values()) == {0}
    assert list(bench.keep.blobs.every()) == []


def test_the_same_id_of_another_device_is_another_case(bench: Bench, removal: Removal) -> None:
    case = SentCase()
    purged(bench, removal, case)

    bench.send(case, "yard")

    assert listed(bench) == [case.id]


def test_a_comparison_finds_nothing_missing_of_a_purged_case(
    bench: Bench, removal: Removal
) -> None:
    case, other = SentCase(seq=3), SentCase(seq=4)
    bench.send(other)
    purged(bench, removal, case)
    address = case.original().header.address
    items = (
        Item(case.id, 1, Kind.CASE, case.case().header.address.sha256),
        Item(case.id, 1, Kind.IMAGE, address.image),
        Item(SentCase().id, 1, Kind.IMAGE, address.image),
    )

    answer = Digests(bench.keep.engine).answer("gate", Check(1, Range(1, 16), items))

    assert isinstance(answer, Held)
    assert answer.missing == (2,)
    assert set(dict(answer.leaves)) == {3, 4}


def test_a_purged_number_is_no_gap(bench: Bench, removal: Removal) -> None:
    bench.send(SentCase(seq=2))
    purged(bench, removal, SentCase(seq=1))

    (row,) = bench.listing.devices()

    assert (row.last_seq, row.gaps) == (2, 0)


def test_what_was_in_the_middle_of_being_taken_in_is_dropped(
    bench: Bench, removal: Removal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The purge comes after the worker looked what is known, before it commits."""
    case = SentCase(photo=noise(50_000))
    bench.say(case.case().chunk(0))
    removal.delete(case.id, None, EVA)
    publish = bench.keep.blobs.publish

    def late(drafts: object) -> None:
        publish(drafts)  # type: ignore[arg-type]
        removal.purge(case.id, None, EVA)

    monkeypatch.setattr(bench.keep.blobs, "publish", late)

    assert isinstance(bench.say(case.original().chunk(0)), Stored)

    assert set(rows_of(bench, case.id).values()) == {0}
    assert removal.sweep() == 1
    assert list(bench.keep.blobs.every()) == []


def test_a_photo_that_comes_again_with_another_case_before_it_is_swept_stays(
    bench: Bench, removal: Removal
) -> None:
    case = SentCase(seq=1, photo=noise(50_000))
    bench.send(case)
    with writing(bench.keep.engine) as db:
        db.execute(sa.insert(doomed).values(sha256=case.image, at_us=0))
        db.execute(sa.delete(parcels))

    bench.send(SentCase(seq=2, photo=case.photo))

    assert removal.sweep() == 0
    assert is_there(bench, case.image)


def test_a_blob_swept_under_a_worker_is_sent_again(
    bench: Bench, removal: Removal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written, then removed as nobody's, and only then the row would come."""
    case = SentCase(photo=noise(50_000))
    bench.say(case.case().chunk(0))
    with writing(bench.keep.engine) as db:
        db.execute(sa.insert(doomed).values(sha256=case.image, at_us=0))
    publish: Callable[..., None] = bench.keep.blobs.publish

    def swept(drafts: object) -> None:
        publish(drafts)
        removal.sweep()

    monkeypatch.setattr(bench.keep.blobs, "publish", swept)
    busy = bench.say(case.original().chunk(0))
    monkeypatch.setattr(bench.keep.blobs, "publish", publish)

    assert not isinstance(busy, Stored)
    assert not bench.listing.case(case.id, None).receipt.complete
    assert isinstance(bench.say(case.original().chunk(0)), Stored)
    assert is_there(bench, case.image)


def test_where_blobs_are_no_files_none_is_lost_either(
    bench: Bench, removal: Removal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, with an object store between: what is kept of it is asked for by its name."""
    monkeypatch.setattr(bench.keep.blobs, "path", lambda _sha256: None)
    test_a_blob_swept_under_a_worker_is_sent_again(bench, removal, monkeypatch)


def test_what_was_removed_lately_is_forgotten_in_the_end(bench: Bench, removal: Removal) -> None:
    purged(bench, removal, SentCase())

    def rows() -> int:
        with reading(bench.keep.engine) as db:
            return db.execute(sa.select(sa.func.count()).select_from(doomed)).scalar_one()

    assert rows() == 2
    later = Removal(bench.keep.engine, bench.keep.blobs, lambda: NOW + timedelta(days=2))
    purged(bench, later, SentCase(seq=2, photo=noise(9_000, 3), thumb=noise(900, 4)))
    assert rows() == 2


def test_a_purge_that_was_cut_off_is_ended_later(
    bench: Bench, removal: Removal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_sha256: str) -> None:
        raise UnavailableError("the power went")

    case = SentCase()
    monkeypatch.setattr(bench.keep.blobs, "remove", cut)
    with pytest.raises(UnavailableError):
        purged(bench, removal, case)
    monkeypatch.undo()
    assert is_there(bench, case.image)

    assert removal.sweep() == 2
    assert list(bench.keep.blobs.every()) == []


def test_purging_while_everything_comes_again_leaves_nothing(
    bench: Bench, removal: Removal
) -> None:
    """A device sends without end, in a thread of its own, while its cases are purged."""
    cases = [SentCase(seq=n + 1, photo=noise(20_000, n), thumb=noise(500, n)) for n in range(6)]
    for case in cases:
        bench.send(case)
        removal.delete(case.id, None, EVA)
    other = Bench(bench.keep)

    def send_all() -> None:
        for _ in range(3):
            for case in cases:
                other.send(case)

    sender = threading.Thread(target=send_all)
    sender.start()
    for case in cases:
        removal.purge(case.id, None, EVA)
    sender.join()
    removal.sweep()

    assert listed(bench, Filter(status="deleted")) == []
    assert all(set(rows_of(bench, case.id).values()) == {0} for case in cases)
    assert list(bench.keep.blobs.every()) == []


def test_the_audit_has_all_of_it(bench: Bench, removal: Removal) -> None:
    case = SentCase()
    bench.send(case)
    removal.delete(case.id, None, EVA)
    removal.delete(case.id, None, EVA)
    removal.restore(case.id, None, EVA)
    removal.delete(case.id, None, EVA)
    removal.purge(case.id, None, EVA)

    found = Audit(bench.keep.engine, lambda: NOW).page(None, 10)

    did = ["case-purge", "case-delete", "case-restore", "case-delete"]
    assert [entry.action for entry in found] == did
    assert {(entry.who, entry.address, entry.target) for entry in found} == {
        ("eva", "192.0.2.1", f"gate/{case.id}")
    }
