from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from sync.messages import Kind
from tests.fakes.parcels import SentCase
from tower_sync_server.archive.listing import Filter, decode_cursor, encode_cursor
from tower_sync_server.errors import AmbiguousError, BadRequestError, NotFoundError

if TYPE_CHECKING:
    from tests.fakes.keeps import Bench

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)


def at(hour: int, **more: Any) -> dict[str, Any]:
    return {"created": NINE.replace(hour=hour).isoformat(), **more}


def send(bench: Bench, *cases: SentCase, device: str = "gate") -> list[str]:
    """Only the cases themselves; their ids."""
    for case in cases:
        bench.say(case.case().chunk(0), device)
    return [case.id for case in cases]


def ids(bench: Bench, which: Filter = Filter()) -> list[str]:  # noqa: B008 - frozen
    return [str(e.body["id"]) for e in bench.listing.page(which, None, 50).entries]


def test_the_newest_comes_first_whenever_it_arrived(bench: Bench) -> None:
    made = send(bench, *(SentCase(seq=h, more=at(h)) for h in (9, 11, 10)))

    assert ids(bench) == [made[1], made[2], made[0]]


def test_a_case_with_a_wrong_clock_stands_where_it_arrived(bench: Bench) -> None:
    lost = {"created": "1970-01-01T00:00:10+00:00", "clock_ok": False}
    made = send(bench, SentCase(more=at(9)), SentCase(seq=2, more=lost))

    assert ids(bench) == [made[1], made[0]]


def test_pages_follow_each_other_without_a_gap_even_at_one_moment(bench: Bench) -> None:
    made = send(bench, *(SentCase(seq=n, more=at(9)) for n in range(1, 8)))
    seen, cursor = [], None
    for _ in range(10):
        page = bench.listing.page(Filter(), cursor, 3)
        seen += [e.body["id"] for e in page.entries]
        cursor = page.next
        if cursor is None:
            break

    assert seen == made[::-1]


def test_filters_narrow_the_list(bench: Bench) -> None:
    plain, skin, rejected = send(
        bench,
        SentCase(seq=1, more=at(9)),
        SentCase(seq=2, more=at(10, profile="skin", predictions=[])),
        SentCase(seq=3, more=at(11, status="rejected")),
    )
    (yard,) = send(bench, SentCase(seq=1, more=at(12)), device="yard")

    assert ids(bench, Filter(profile="skin")) == [skin]
    assert ids(bench, Filter(status="rejected")) == [rejected]
    assert ids(bench, Filter(label="dent")) == [yard, rejected, plain]
    assert ids(bench, Filter(label="dent", device="gate")) == [rejected, plain]
    assert ids(bench, Filter(label="scratch")) == []  # seen, but not shown to people
    assert ids(bench, Filter(since=NINE.replace(hour=10), until=NINE.replace(hour=11))) == [skin]


def test_deleted_cases_are_listed_only_when_asked_for(bench: Bench) -> None:
    (gone,) = send(bench, SentCase(more={"status": "deleted"}))

    assert ids(bench) == []
    assert ids(bench, Filter(status="deleted")) == [gone]


def test_labels_of_an_older_revision_are_forgotten(bench: Bench) -> None:
    case = SentCase()
    send(bench, case, SentCase(id=case.id, rev=2, more={"predictions": []}))

    assert ids(bench, Filter(label="dent")) == []


def test_a_case_says_what_is_here_of_its_photos(bench: Bench) -> None:
    case = SentCase()
    send(bench, case)
    bench.say(case.thumbnail().chunk(0))

    receipt = bench.listing.case(case.id, None).receipt

    assert not receipt.complete
    assert [(h.sha256, h.original, h.thumb) for h in receipt.images] == [(case.image, False, True)]


def test_an_id_that_two_devices_use_has_to_be_asked_for_by_device(bench: Bench) -> None:
    case = SentCase()
    send(bench, case)
    send(bench, case, device="yard")

    with pytest.raises(AmbiguousError):
        bench.listing.case(case.id, None)
    assert bench.listing.case(case.id, "yard").body["device"] == "yard"


def test_what_is_not_here_is_not_found(bench: Bench) -> None:
    case = SentCase()
    send(bench, case)

    with pytest.raises(NotFoundError):
        bench.listing.case(SentCase().id, None)
    with pytest.raises(NotFoundError, match="not arrived"):
        bench.listing.blob(case.id, None, case.image, Kind.IMAGE)


def test_gaps_in_the_numbers_of_a_device_are_counted(bench: Bench) -> None:
    send(bench, *(SentCase(seq=n) for n in (1, 2, 5)))

    (row,) = bench.listing.devices()

    assert (row.cases, row.last_seq, row.gaps) == (3, 5, 2)


@pytest.mark.parametrize("cursor", ["x", "!!", "MTI", "MToyOjM", "é", "A" * 400])
def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    with pytest.raises(BadRequestError):
        decode_cursor(cursor)


def test_a_cursor_comes_back_as_it_went() -> None:
    assert decode_cursor(encode_cursor(-5, 7)) == (-5, 7)


DOUBT = {"at": NINE.isoformat(), "model": "m@1.1.0", "missed": ["dent"], "added": ["rust"]}


def test_cases_that_a_model_being_tried_doubts_are_found(bench: Bench) -> None:
    made = send(
        bench,
        SentCase(seq=1, more={**at(9), "second_opinions": [DOUBT]}),
        SentCase(seq=2, more={**at(10), "second_opinions": []}),
    )
    later = SentCase(id=made[1], seq=2, rev=2, more={**at(10), "second_opinions": [DOUBT]})

    assert ids(bench, Filter(flag="doubted")) == [made[0]]
    send(bench, later)
    assert ids(bench, Filter(flag="doubted")) == [made[1], made[0]]
    assert ids(bench, Filter(flag="doubted", label="no such")) == []
