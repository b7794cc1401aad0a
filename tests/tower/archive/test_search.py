"""Words, and several values at once, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic import command

from tests.fakes.parcels import SentCase
from tower_sync_server.archive import search, words
from tower_sync_server.archive.listing import Filter, Listing
from tower_sync_server.database.engine import connect, reading, sqlite_dsn, writing
from tower_sync_server.migrations.upgrade import _config, migrate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.keeps import Bench

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)


def case(seq: int = 1, minute: int = 0, **more: Any) -> SentCase:
    created = (NINE + timedelta(minutes=minute)).isoformat()
    return SentCase(seq=seq, more={"created": created, **more})


def said(text: str) -> dict[str, Any]:
    return {"summary": {"text": text, "author": "template", "verified": True}}


def send(bench: Bench, *cases: SentCase, device: str = "gate") -> list[str]:
    for one in cases:
        bench.say(one.case().chunk(0), device)
    return [one.id for one in cases]


def ids(bench: Bench, **which: Any) -> list[str]:
    found = bench.listing.page(Filter(**which), None, 50)
    return [str(entry.body["id"]) for entry in found.entries]


def test_a_case_is_found_by_its_labels_summary_form_and_device(bench: Bench) -> None:
    form = {"client": "Zoë Åström", "year": 1998, "more": {"deep": ["Lyon yard"]}}
    (one,) = send(bench, case(form=form, predictions=[{"label": "tire_flat"}], **said("Left wing")))
    send(bench, case(2, 1, form={}, predictions=[], **said("nothing")), device="yard")

    for q in ("tire flat", "LEFT", "zoe astrom", "1998", "deep lyon", "gate", "win le", "Åstr"):
        assert ids(bench, q=q) == ([] if q == "deep lyon" else [one]), q


def test_every_word_has_to_be_there(bench: Bench) -> None:
    send(bench, case(form={"plate": "AB-1234"}, **said("a dent")))

    assert ids(bench, q="dent scooter") == []
    assert ids(bench, q="b") == []  # a single letter is a word, and not the beginning of one


def test_the_newest_is_found_first_whenever_it_arrived(bench: Bench) -> None:
    made = send(bench, *(case(n, minute, **said("ding")) for n, minute in ((1, 5), (2, 9), (3, 7))))

    assert ids(bench, q="ding") == [made[1], made[2], made[0]]


def test_pages_of_hits_follow_each_other_even_at_one_moment(bench: Bench) -> None:
    made = send(bench, *(case(n, 0, **said("ding")) for n in range(1, 8)))
    seen: list[str] = []
    cursor = None
    for _ in range(10):
        page = bench.listing.page(Filter(q="ding"), cursor, 3)
        seen += [entry.body["id"] for entry in page.entries]
        cursor = page.next
        if cursor is None:
            break

    assert seen == made[::-1]


def test_values_and_words_together_narrow_the_list(bench: Bench) -> None:
    one, two, three = send(
        bench,
        case(1, 1, profile="skin", status="accepted", **said("red ring")),
        case(2, 2, profile="skin", status="accepted", **said("blue ring")),
        case(3, 3, profile="crop", status="accepted", **said("red ring")),
    )
    (four,) = send(bench, case(1, 4, profile="skin", **said("red ring")), device="yard")

    assert ids(bench, profile="skin", q="red") == [four, one]
    assert ids(bench, profile="skin", device="gate") == [two, one]
    assert ids(bench, profile="skin", device="gate", status="accepted", q="ring red") == [one]
    assert ids(bench, label="dent", device="gate", q="red") == [three, one]
    since, until = NINE + timedelta(minutes=2), NINE + timedelta(minutes=3)
    assert ids(bench, device="gate", q="ring", since=since, until=until) == [two]
    assert ids(bench, device="gate", label="scratch") == []


def test_a_value_is_met_whole_and_never_by_typing_it(bench: Bench) -> None:
    send(bench, case(form={}, **said("x")), device="gate-1")

    assert ids(bench, device="gate", profile="vehicle-damage") == []
    assert ids(bench, q=words.LIVE) == []
    assert ids(bench, q=words.mark("device", "gate-1")) == []


def test_a_later_revision_is_found_by_its_own_words_alone(bench: Bench) -> None:
    first = case(form={"plate": "old"}, **said("first"))
    later = SentCase(id=first.id, rev=2, more={**first.more, "form": {"plate": "new"}, **said("x")})
    send(bench, first, later)

    assert ids(bench, q="first") == []
    assert ids(bench, q="new") == [first.id]


def test_deleted_cases_are_found_only_when_asked_for(bench: Bench) -> None:
    (gone,) = send(bench, case(status="deleted", **said("ring")))

    assert ids(bench, q="ring") == []
    assert ids(bench, q="ring", status="deleted") == [gone]


@pytest.mark.parametrize("q", ['"', "a* OR b", "' & !x:*", "\0", "NEAR(", "\\", "💥", "-" * 50])
def test_whatever_is_typed_is_no_error(bench: Bench, q: str) -> None:
    send(bench, case())

    assert ids(bench, q=q) == []


def test_a_query_of_spaces_narrows_nothing(bench: Bench) -> None:
    (one,) = send(bench, case())

    assert ids(bench, q="  ") == [one]


def test_a_text_without_end_is_looked_through_for_a_while(bench: Bench) -> None:
    notes = " ".join(f"word{n}" for n in range(60_00))
    (one,) = send(bench, case(form={"notes": notes}, **said("x")))

    assert ids(bench, q="word7") == [one]
    assert ids(bench, q="word5999") == []


def test_thousands_of_cases_of_one_moment_have_places_of_their_own(tmp_path: Path) -> None:
    """What a stuck clock does."""
    engine = connect(sqlite_dsn(tmp_path / "archive.db"))
    migrate(engine)
    row = "INSERT INTO cases (device, case_id, rev, seq, status, profile, taken_us, received_us,"
    row += " place) VALUES ('gate', :id, 1, 1, 'x', 'x', 5, 5, :place)"
    with writing(engine) as db:
        for round_ in range(5):
            places = search.places(db, [5] * 700)
            values = [{"id": f"{round_}-{p}", "place": p} for p in places]
            db.execute(sa.text(row), values)

    with reading(engine) as db:
        found = list(db.scalars(sa.text("SELECT place FROM cases ORDER BY no")))
    engine.dispose()
    assert len(set(found)) == 3500
    assert found == sorted(found)


@pytest.mark.parametrize("taken", [0, -(10**16), 10**18])
def test_any_moment_has_a_place_that_a_database_can_number(taken: int) -> None:
    assert -(1 << 63) <= search.first_place(taken) < (1 << 63) - search.ROOM


def test_cases_that_came_before_the_index_are_found_in_it(tmp_path: Path, dsn: str) -> None:
    engine = connect(dsn or sqlite_dsn(tmp_path / "archive.db"))
    one = case(7, **said("ring"))
    body = one.case().payload
    with writing(engine) as db:
        config = _config()
        config.attributes["connection"] = db
        command.upgrade(config, "0001")
        db.execute(
            sa.text("INSERT INTO revisions (device, case_id, rev, body) VALUES ('gate',:id,1,:b)"),
            {"id": one.id, "b": body},
        )
        db.execute(
            sa.text(
                "INSERT INTO cases (device, case_id, rev, seq, status, profile, taken_us,"
                " received_us) VALUES ('gate', :id, 1, 7, 'needs_review', 'vehicle-damage', 5, 5)"
            ),
            {"id": one.id},
        )
        db.execute(
            sa.text(
                "INSERT INTO devices (device, first_us, seen_us, online, state)"
                " VALUES ('gate', 1, 1, true, '{}')"
            )
        )

    migrate(engine)

    listing = Listing(engine)
    found = listing.page(Filter(q="ring", device="gate"), None, 5).entries
    (device,) = listing.devices()
    engine.dispose()
    assert [entry.body["id"] for entry in found] == [one.id]
    assert (device.cases, device.last_seq, device.gaps) == (1, 7, 6)


def test_numbers_that_two_cases_share_are_counted_once(bench: Bench) -> None:
    send(bench, case(1), case(1), case(4))

    (row,) = bench.listing.devices()

    assert (row.cases, row.last_seq, row.gaps) == (2, 4, 2)
