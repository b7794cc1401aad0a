"""What one device may take of the tower, and what the others have all the same."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sync.messages import Busy, Have, Kind, Stored
from tests.fakes.keeps import LIMITS, Bench, opened
from tests.fakes.parcels import SentCase, noise
from tower_sync_server.ingest.ingest import Ingest
from tower_sync_server.ingest.quota import LOOK_S, REST_S, STALE_S, Allowance, Quota

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALLOWED = Allowance(uploads=3, upload_bytes=1_000_000, cases=5, cases_minute=60)
BUSY = REST_S


class Rig:
    """An ingest with a quota, and the clock that the quota has."""

    def __init__(self, bench: Bench, allowed: Allowance = ALLOWED) -> None:
        self.now = 0.0
        self.bench = bench
        keep = bench.keep
        self.quota = Quota(keep.spool, allowed, lambda: self.now)
        keep.spool.may_open = self.quota.may_open
        bench.ingest = Ingest(keep.archive, keep.blobs, keep.spool, LIMITS, None, self.quota)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with opened(tmp_path / "tower") as keep:
        yield Rig(Bench(keep))


def begin(rig: Rig, device: str = "gate", size: int = 100_000, seed: int = 0) -> object:
    """Send the first chunk of a photo that no other call sends."""
    begin.number += 1  # type: ignore[attr-defined]
    case = SentCase(photo=noise(size, seed or begin.number))  # type: ignore[attr-defined]
    return rig.bench.say(case.original().chunk(0), device)


begin.number = 100  # type: ignore[attr-defined]


def test_a_device_has_so_many_uploads_open_and_no_more(rig: Rig) -> None:
    answers = [begin(rig) for _ in range(5)]
    assert [type(a) for a in answers] == [Have, Have, Have, Busy, Busy]
    assert [a.seconds for a in answers if isinstance(a, Busy)] == [BUSY, BUSY]
    assert len(rig.bench.keep.spool.sizes("gate")) == 3
    assert rig.quota.held_back == {"gate": 2}
    assert isinstance(begin(rig, "yard"), Have)


def test_their_bytes_count_too(rig: Rig) -> None:
    assert isinstance(begin(rig, size=700_000), Have)
    assert isinstance(begin(rig, size=400_000), Busy)
    rig.now += LOOK_S
    assert isinstance(begin(rig, size=200_000), Have)


def test_what_is_begun_can_always_be_finished_and_makes_room(rig: Rig) -> None:
    cases = [SentCase(photo=noise(100_000, seed)) for seed in range(1, 4)]
    for case in cases:
        rig.bench.say(case.original().chunk(0))
    assert isinstance(begin(rig), Busy)

    assert isinstance(rig.bench.say(cases[0].original().chunk(1)), Stored)

    rig.now += LOOK_S
    assert isinstance(begin(rig), Have)


def test_uploads_that_were_given_up_make_room_within_an_hour(rig: Rig, tmp_path: Path) -> None:
    for _ in range(3):
        begin(rig)
    for folder in (tmp_path / "tower/spool/@gate").iterdir():
        old = folder.stat().st_mtime - STALE_S - 1
        os.utime(folder, (old, old))
    assert isinstance(begin(rig), Have)
    assert len(rig.bench.keep.spool.sizes("gate")) == 1


def test_a_payload_of_one_batch_needs_no_place(rig: Rig) -> None:
    for _ in range(3):
        begin(rig)
    whole = SentCase(photo=noise(150_000, 9)).original()
    answers = [type(a) for a in rig.bench.say_all(list(whole.chunks()))]
    assert (answers[-1], Busy in answers) == (Stored, False)


def test_endless_revisions_are_sent_back_and_others_are_not(rig: Rig) -> None:
    case = SentCase()
    sent = [SentCase(case.id, rev=rev).case().chunk(0) for rev in range(1, 9)]
    answers = [rig.bench.say(chunk) for chunk in sent]
    assert [type(a) for a in answers] == [Stored] * 5 + [Busy] * 3
    assert rig.quota.held_back == {"gate": 3}
    assert isinstance(rig.bench.say(SentCase().case().chunk(0), "yard"), Stored)
    assert isinstance(rig.bench.say(SentCase().thumbnail().chunk(0)), Stored)  # counted apart

    rig.now += 2.0  # at 60 a minute
    assert [type(rig.bench.say(c)) for c in sent[5:]] == [Stored, Stored, Busy]


def test_a_week_s_outbox_is_within_what_a_tower_allows_without_settings() -> None:
    from tower_sync_server.config import IngestSettings

    settings = IngestSettings()
    assert settings.burst_cases >= 5 * 10_000


def test_without_a_quota_everything_is_taken(tmp_path: Path) -> None:
    """The control, and what archives that people hand in are taken by."""
    with opened(tmp_path / "tower") as keep:
        bench = Bench(keep)
        case = SentCase()
        sent = [SentCase(case.id, rev=rev).case().chunk(0) for rev in range(1, 9)]
        assert {type(bench.say(chunk)) for chunk in sent} == {Stored}
        photos = [SentCase(photo=noise(100_000, n)).original().chunk(0) for n in range(5)]
        assert {type(bench.say(chunk)) for chunk in photos} == {Have}


def test_kinds_count_apart(rig: Rig) -> None:
    for _ in range(5):
        rig.quota.stored("gate", Kind.IMAGE)
    assert not rig.quota.may_store("gate", Kind.IMAGE)
    assert rig.quota.may_store("gate", Kind.CASE)
