"""Bit rot under the tower's pictures: found, told, set aside, and asked for again."""

from __future__ import annotations

import errno
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sync.digests import Check, Compare, Differ, Held, Item, Range, sum_of
from sync.messages import Have, Kind, Stored
from tests.fakes.keeps import NOW
from tests.fakes.parcels import SentCase, noise
from tower_sync_server.archive import scrub as scrub_module
from tower_sync_server.archive.removal import Removal
from tower_sync_server.archive.scrub import DAMAGED, MISSING, Found, Pace, Scrub
from tower_sync_server.errors import NotFoundError, OperatorError
from tower_sync_server.ingest.digests import Digests
from tower_sync_server.people.words import By

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from tests.fakes.keeps import Bench

FAST = 1e12


def cases(bench: Bench, count: int) -> list[SentCase]:
    """So many cases that the tower holds."""
    made = [
        SentCase(seq=n, photo=noise(2_000, n), thumb=noise(50, -n)) for n in range(1, count + 1)
    ]
    for case in made:
        bench.send(case)
    return made


def scrub(bench: Bench) -> Scrub:
    return Scrub(bench.keep.engine, bench.keep.blobs, lambda: NOW, Pace(FAST))


def path(bench: Bench, sha256: str) -> Path:
    found = bench.keep.blobs.path(sha256)
    assert found is not None
    return found


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def remove(file: Path) -> None:
    file.unlink()


HARM = pytest.mark.parametrize(
    ("harm", "what"), [(flip, DAMAGED), (cut_short, DAMAGED), (remove, MISSING)]
)


def missing(bench: Bench, case: SentCase) -> Held:
    """What the tower says that it lacks of a case, when its device asks."""
    items = (Item(case.id, 9, Kind.THUMB, case.image), Item(case.id, 9, Kind.IMAGE, case.image))
    asked = Check(1, Range(case.seq, case.seq), items)
    answer = Digests(bench.keep.engine).answer("gate", asked)
    assert isinstance(answer, Held)
    return answer


def test_whole_pictures_are_left_alone(bench: Bench) -> None:
    """The control: nothing is found where nothing is wrong."""
    (case,) = cases(bench, 1)
    assert scrub(bench).run() == Found(looked=2, finished=True)
    assert bench.listing.damaged() == 0
    assert bench.listing.scrubbed() == NOW
    assert path(bench, case.image).read_bytes() == case.photo
    assert missing(bench, case).missing == ()


@HARM
def test_what_is_not_as_its_name_says_is_found_and_told(
    bench: Bench, harm: Callable[[Path], None], what: str
) -> None:
    bad, good = cases(bench, 2)
    harm(path(bench, bad.image))

    found = scrub(bench).run()

    assert (found.looked, dict(found.bad), found.devices) == (4, {what: 1}, {"gate"})
    assert bench.listing.damaged() == 1
    shown = bench.listing.case(bad.id, None).receipt
    assert (shown.complete, shown.images[0].original, shown.images[0].lost) == (False, False, True)
    assert shown.images[0].thumb
    with pytest.raises(NotFoundError, match="damaged or lost"):
        bench.listing.blob(bad.id, None, bad.image, Kind.IMAGE)
    assert bench.listing.blob(bad.id, None, bad.image, Kind.THUMB)
    assert bench.listing.case(good.id, None).receipt.complete


def test_without_a_look_nobody_notices(bench: Bench) -> None:
    """The control: it is the look that finds it."""
    (case,) = cases(bench, 1)
    flip(path(bench, case.image))
    assert bench.listing.damaged() == 0
    assert missing(bench, case).missing == ()


@HARM
def test_the_device_is_asked_for_it_and_what_it_sends_is_held_again(
    bench: Bench, harm: Callable[[Path], None], what: str
) -> None:
    (case,) = cases(bench, 1)
    before = missing(bench, case).leaves
    harm(path(bench, case.image))
    scrub(bench).run()
    assert missing(bench, case).missing == (1,)
    assert missing(bench, case).leaves != before

    newer = SentCase(case.id, 1, 9, case.photo, case.thumb).original()  # under its newest revision
    assert isinstance(bench.say(newer.ask()), Have)
    assert isinstance([bench.say(chunk) for chunk in newer.chunks()][-1], Stored)

    assert path(bench, case.image).read_bytes() == case.photo
    assert bench.listing.damaged() == 0
    assert bench.listing.case(case.id, None).receipt.complete
    assert missing(bench, case) == Held(1, (), before), what


def test_it_is_held_again_under_the_revision_that_it_had(bench: Bench) -> None:
    (case,) = cases(bench, 1)
    flip(path(bench, case.image))
    scrub(bench).run()

    assert isinstance(bench.say(case.original().ask()), Have)
    assert isinstance([bench.say(chunk) for chunk in case.original().chunks()][-1], Stored)

    assert path(bench, case.image).read_bytes() == case.photo
    assert bench.listing.damaged() == 0


def test_a_thumbnail_that_is_made_anew_takes_the_place_of_a_damaged_one(bench: Bench) -> None:
    (case,) = cases(bench, 1)
    old = bench.listing.blob(case.id, None, case.image, Kind.THUMB).sha256
    flip(path(bench, old))
    scrub(bench).run()
    assert missing(bench, case).missing == (0,)

    anew = SentCase(case.id, 1, 1, case.photo, noise(60, 77)).thumbnail()
    assert isinstance(bench.say(anew.chunk(0)), Stored)

    held = bench.listing.blob(case.id, None, case.image, Kind.THUMB).sha256
    assert held == anew.header.address.sha256
    assert path(bench, held).read_bytes() == anew.payload
    assert bench.listing.damaged() == 0


def test_a_damaged_file_is_set_aside_and_not_deleted(bench: Bench) -> None:
    (case,) = cases(bench, 1)
    file = path(bench, case.image)
    flip(file)
    rotten = file.read_bytes()

    scrub(bench).run()

    assert not file.exists()
    assert (file.parents[1] / "aside" / case.image).read_bytes() == rotten
    assert case.image not in {one.sha256 for one in bench.keep.blobs.every()}


def test_a_picture_that_the_disk_can_not_read_is_damaged(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, _ = cases(bench, 2)
    real = type(bench.keep.blobs).read

    def read(blobs: Any, sha256: str) -> Any:
        if sha256 == case.image:
            e = OperatorError("The disk failed.")
            raise e from OSError(errno.EIO, "Input/output error")
        return real(blobs, sha256)

    monkeypatch.setattr(type(bench.keep.blobs), "read", read)
    assert dict(scrub(bench).run().bad) == {DAMAGED: 1}


def test_one_that_is_put_back_is_whole_again(bench: Bench) -> None:
    (case,) = cases(bench, 1)
    file = path(bench, case.image)
    flip(file)
    scrub(bench).run()
    file.write_bytes(case.photo)

    assert scrub(bench).run().whole_again == 1
    assert bench.listing.damaged() == 0
    assert bench.listing.case(case.id, None).receipt.complete


def test_a_look_that_is_interrupted_goes_on_where_it_was(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrub_module, "MANY", 3)
    cases(bench, 4)
    read: list[str] = []
    real = type(bench.keep.blobs).read

    def noted(blobs: Any, sha256: str) -> Any:
        read.append(sha256)
        return real(blobs, sha256)

    monkeypatch.setattr(type(bench.keep.blobs), "read", noted)
    first = scrub(bench).run(lambda: False)
    assert (first.looked, first.finished, bench.listing.scrubbed()) == (3, False, None)
    assert scrub(bench).next_at(timedelta(days=7)) is None
    second = scrub(bench).run()
    assert (second.looked, second.finished) == (5, True)
    assert len(read) == len(set(read)) == 8
    assert scrub(bench).next_at(timedelta(days=7)) == NOW + timedelta(days=7)
    assert scrub(bench).run().looked == 8


def test_where_nearly_everything_is_gone_it_is_not_believed_at_once(bench: Bench) -> None:
    made = cases(bench, 15)
    for case in made:
        for picture in (case.original(), case.thumbnail()):
            remove(path(bench, picture.header.address.sha256))

    with pytest.raises(OperatorError, match="30 of 30"):
        scrub(bench).run()
    assert bench.listing.damaged() == 0
    assert dict(scrub(bench).run(believe=True).bad) == {MISSING: 30}


def test_two_cases_with_one_photo_both_lack_it(bench: Bench) -> None:
    made = [SentCase(seq=n, thumb=noise(50, n)) for n in (1, 2)]
    for case in made:
        bench.send(case)
    flip(path(bench, made[0].image))
    scrub(bench).run()
    assert [missing(bench, case).missing for case in made] == [(1,), (1,)]


def test_of_a_case_that_is_removed_for_good_nothing_is_lacking(bench: Bench) -> None:
    (case,) = cases(bench, 1)
    flip(path(bench, case.image))
    scrub(bench).run()
    removal, by = Removal(bench.keep.engine, bench.keep.blobs, lambda: NOW), By("ann", "here")
    removal.delete(case.id, None, by)
    aside = path(bench, case.image).parents[1] / "aside" / case.image
    assert aside.exists()
    removal.purge(case.id, None, by)
    assert not aside.exists()
    assert bench.listing.damaged() == 0
    assert missing(bench, case).missing == ()


def test_no_more_is_read_in_a_second_than_allowed() -> None:
    slept: list[float] = []
    pace = Pace(1_000, lambda: 0.0, slept.append)
    for _ in range(4):
        pace.spend(500)
    assert slept == [0.5, 1.0, 1.5, 2.0]


def test_a_difference_is_seen_in_a_range(bench: Bench) -> None:
    (case,) = cases(bench, 1)
    within = Range(1, 1024)
    known = sum_of(within, missing(bench, case).leaves)
    digests = Digests(bench.keep.engine)
    assert digests.answer("gate", Compare(1, (known,))) == Differ(1, ())
    flip(path(bench, case.image))
    scrub(bench).run()
    assert digests.answer("gate", Compare(1, (known,))) == Differ(1, ((0, 1),))
