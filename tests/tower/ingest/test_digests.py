"""What the tower answers in a comparison of both ends."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from sync import topics
from sync.digest_codec import encode_question
from sync.digests import (
    Check,
    Compare,
    Content,
    Differ,
    Held,
    Item,
    Range,
    Sum,
    leaf,
    sum_of,
    wide_ranges,
)
from sync.messages import Kind, Stored
from tests.fakes.keeps import NOW
from tests.fakes.parcels import SentCase, noise, sha
from tower_sync_server.archive.removal import Removal
from tower_sync_server.archive.tombstones import purged
from tower_sync_server.ingest.digests import GONE, Digests
from tower_sync_server.ingest.ingest import Answer, Ingest
from tower_sync_server.people.words import By

if TYPE_CHECKING:
    from tests.fakes.keeps import Bench


def content(case: SentCase) -> Content:
    """What the tower holds of a case once it holds everything."""
    images = frozenset([case.image])
    return Content(case.id, case.rev, sha(case.case().payload), images, images)


def items(case: SentCase) -> tuple[Item, ...]:
    return (
        Item(case.id, case.rev, Kind.CASE, sha(case.case().payload)),
        Item(case.id, case.rev, Kind.THUMB, case.image),
        Item(case.id, case.rev, Kind.IMAGE, case.image),
    )


def cases(count: int) -> list[SentCase]:
    return [SentCase(seq=n, photo=noise(2000, n), thumb=noise(50, -n)) for n in range(1, count + 1)]


def sums(known: list[SentCase], *ranges: Range) -> tuple[Sum, ...]:
    """What a device says that holds these."""
    return tuple(
        sum_of(
            within,
            [(c.seq, leaf([content(c)])) for c in known if within.first <= c.seq <= within.last],
        )
        for within in ranges
    )


@pytest.fixture
def digests(bench: Bench) -> Digests:
    return Digests(bench.keep.engine)


def test_what_is_the_same_on_both_ends_does_not_differ(bench: Bench, digests: Digests) -> None:
    known = cases(20)
    for case in known:
        bench.send(case)
    asked = sums(known, Range(1, 10), Range(11, 1024))
    assert digests.answer("gate", Compare(5, asked)) == Differ(5, ())


def test_a_case_that_is_not_here_makes_its_range_differ_alone(
    bench: Bench, digests: Digests
) -> None:
    known = cases(20)
    for case in known[:-1]:
        bench.send(case)
    asked = sums(known, Range(1, 10), Range(11, 20))
    assert digests.answer("gate", Compare(5, asked)) == Differ(5, ((1, 9),))


def test_nothing_at_all_is_said_to_be_nothing(digests: Digests) -> None:
    asked = sums(cases(3), Range(1, 3), Range(4, 6))
    assert digests.answer("gate", Compare(1, asked)) == Differ(1, ((0, 0),))


@pytest.mark.parametrize("lacks", [Kind.THUMB, Kind.IMAGE, Kind.CASE])
def test_each_part_of_a_case_counts(bench: Bench, digests: Digests, lacks: Kind) -> None:
    (case,) = cases(1)
    for parcel in case.parcels():
        if parcel.header.address.kind is not lacks:
            bench.say(parcel.chunk(0))
    differs = digests.answer("gate", Compare(1, sums([case], Range(1, 1))))
    assert differs.counts  # type: ignore[union-attr]
    held = digests.answer("gate", Check(2, Range(1, 1), items(case)))
    assert [items(case)[n].kind for n in held.missing] == [lacks]  # type: ignore[union-attr]


def test_a_later_revision_counts_and_the_earlier_one_no_more(
    bench: Bench, digests: Digests
) -> None:
    (case,) = cases(1)
    bench.send(case)
    later = replace(case, rev=2, more={"status": "rejected"})
    assert digests.answer("gate", Compare(1, sums([later], Range(1, 9)))) == Differ(1, ((0, 1),))
    held = digests.answer("gate", Check(2, Range(1, 9), items(later)))
    assert held == Held(2, (0,), ((1, leaf([content(case)])),))
    bench.say(later.case().chunk(0))
    assert digests.answer("gate", Compare(3, sums([later], Range(1, 9)))) == Differ(3, ())
    assert digests.answer("gate", Compare(4, sums([case], Range(1, 9)))) == Differ(4, ((0, 1),))


def test_other_bytes_under_a_key_are_missing(bench: Bench, digests: Digests) -> None:
    (case,) = cases(1)
    bench.send(case)
    other = replace(case, more={"status": "rejected"})
    held = digests.answer("gate", Check(2, Range(1, 9), items(other)))
    assert held.missing == (0,)  # type: ignore[union-attr]


def test_a_photo_counts_under_whatever_revision_it_came(bench: Bench, digests: Digests) -> None:
    (case,) = cases(1)
    bench.send(replace(case, rev=3))
    now = replace(case, rev=4)
    held = digests.answer("gate", Check(2, Range(1, 9), items(now)))
    assert held.missing == (0,)  # type: ignore[union-attr]


def test_the_cases_of_another_device_are_not_counted(bench: Bench, digests: Digests) -> None:
    (case,) = cases(1)
    bench.send(case, "gate")
    assert digests.answer("yard", Compare(1, sums([case], Range(1, 9)))) == Differ(1, ((0, 0),))
    assert digests.answer("yard", Check(2, Range(1, 9), items(case))) == Held(2, (0, 1, 2), ())


def test_what_people_removed_for_good_is_not_missing_and_has_a_leaf(
    bench: Bench, digests: Digests
) -> None:
    (case,) = cases(1)
    with bench.keep.engine.begin() as db:
        row = {"device": "gate", "case_id": case.id, "seq": 1, "rev": 1, "at_us": 1, "who": "ann"}
        db.execute(sa.insert(purged).values(row))
    gone = leaf([Content(case.id, 0, GONE)])
    assert digests.answer("gate", Check(2, Range(1, 9), items(case))) == Held(2, (), ((1, gone),))
    adopted = (sum_of(Range(1, 9), [(1, gone)]),)
    assert digests.answer("gate", Compare(3, adopted)) == Differ(3, ())


def test_a_case_that_a_person_purged_is_not_asked_for_again_and_a_deleted_one_is_the_same(
    bench: Bench, digests: Digests
) -> None:
    gone, hidden = cases(2)
    for case in (gone, hidden):
        bench.send(case)
    removal = Removal(bench.keep.engine, bench.keep.blobs, lambda: NOW)
    for case in (gone, hidden):
        removal.delete(case.id, "gate", By("ann", ""))
    asked = sums([gone, hidden], Range(1, 9))
    assert digests.answer("gate", Compare(1, asked)) == Differ(1, ())
    removal.purge(gone.id, "gate", By("ann", ""))
    held = digests.answer("gate", Check(2, Range(1, 9), (*items(gone), *items(hidden))))
    assert isinstance(held, Held)
    assert held.missing == ()
    adopted = sum_of(Range(1, 9), held.leaves)
    assert digests.answer("gate", Compare(3, (adopted,))) == Differ(3, ())
    assert [ack for ack in bench.send(gone) if not isinstance(ack, Stored)] == []
    assert digests.answer("gate", Compare(4, (adopted,))) == Differ(4, ())


def test_two_cases_of_one_number_have_one_leaf(bench: Bench, digests: Digests) -> None:
    one, other = cases(1)[0], replace(cases(1)[0], id=str(uuid.uuid4()), photo=noise(999, 9))
    for case in (one, other):
        bench.send(case)
    held = digests.answer("gate", Check(2, Range(1, 9), ()))
    assert held == Held(2, (), ((1, leaf([content(other), content(one)])),))


def test_the_ingest_answers_a_question_of_the_device_of_the_topic(
    bench: Bench, digests: Digests
) -> None:
    keep = bench.keep
    ingest = Ingest(keep.archive, keep.blobs, keep.spool, bench.ingest._limits, digests)
    question = Compare(7, sums(cases(1), Range(1, 9)))
    said = ingest.take(topics.digest("gate"), encode_question(question))
    assert said == Answer("gate", Differ(7, ((0, 0),)))
    assert ingest.take(topics.digest("gate"), b"\x00") is None
    assert ingest.tally["differ"] == 1


def test_a_question_costs_one_query_for_each_range(bench: Bench, digests: Digests) -> None:
    counted: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            counted.append(statement)

    sa.event.listen(bench.keep.engine, "before_cursor_execute", note)
    digests.answer("gate", Compare(1, sums([], *wide_ranges(range(8)))))
    assert len(counted) <= 2 * 8
