from __future__ import annotations

import pytest

from tests.fakes.keeps import NOW, Bench
from tests.fakes.parcels import SentCase
from tower_sync_server.archive.history import Histories, changes
from tower_sync_server.archive.removal import Removal
from tower_sync_server.errors import AmbiguousError, NotFoundError
from tower_sync_server.people.words import By


@pytest.fixture
def histories(bench: Bench) -> Histories:
    return Histories(bench.keep.engine)


def test_a_history_is_every_revision_newest_first_with_what_it_changed(
    bench: Bench, histories: Histories
) -> None:
    case = SentCase()
    bench.send(case)
    for rev, more in ((3, {"status": "rejected", "form": {}}), (2, {"status": "rejected"})):
        bench.say(SentCase(id=case.id, rev=rev, more=more).case().chunk(0))

    history = histories.of(case.id, "gate")

    assert [(r.rev, r.status) for r in history.revisions] == [
        (3, "rejected"),
        (2, "rejected"),
        (1, "needs_review"),
    ]
    first, second, third = reversed(history.revisions)
    assert (first.changed, third.changed) == ((), ("form",))
    assert "status" in second.changed
    assert first.sha256 == case.case().header.address.sha256
    assert {(a.kind, a.image) for a in history.arrived} == {
        ("thumb", case.image),
        ("image", case.image),
    }
    assert history.removed is None


def test_it_says_who_deleted_the_case(bench: Bench, histories: Histories) -> None:
    case = SentCase()
    bench.say(case.case().chunk(0))
    Removal(bench.keep.engine, bench.keep.blobs, lambda: NOW).delete(case.id, None, By("eva", ""))

    removed = histories.of(case.id, None).removed

    assert removed is not None
    assert (removed.who, removed.at) == ("eva", NOW)


def test_a_case_that_is_none_or_two_has_no_history(bench: Bench, histories: Histories) -> None:
    case = SentCase()
    with pytest.raises(NotFoundError):
        histories.of(case.id, None)
    for device in ("gate", "yard"):
        bench.say(case.case().chunk(0), device)
    with pytest.raises(AmbiguousError):
        histories.of(case.id, None)
    assert len(histories.of(case.id, "yard").revisions) == 1


def test_what_every_revision_changes_is_no_change() -> None:
    assert changes({"rev": 1, "sync": 1, "a": 1, "b": 2}, {"rev": 2, "a": 1, "c": 3}) == ("b", "c")
