from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.fakes.towers_people import SHELL
from tower_sync_server.database.engine import reading, writing
from tower_sync_server.people.tables import audit
from tower_sync_server.people.words import Action, By

if TYPE_CHECKING:
    from tests.fakes.towers_people import House

CHANGES = [
    "UPDATE audit SET who = 'nobody'",
    "UPDATE audit SET no = 7 WHERE no = 1",
    "DELETE FROM audit",
    "DELETE FROM audit WHERE no = 2",
    "TRUNCATE audit",
    "TRUNCATE audit RESTART IDENTITY CASCADE",
    "INSERT OR REPLACE INTO audit (no, at_us, who, address, action, target, detail, ok)"
    " VALUES (1, 0, 'x', '', '', '', '', 1)",
    "REPLACE INTO audit (no, at_us, who, address, action, target, detail, ok)"
    " VALUES (1, 0, 'x', '', '', '', '', 1)",
    "INSERT INTO audit (no, at_us, who, address, action, target, detail, ok)"
    " VALUES (1, 0, 'x', '', '', '', '', 1) ON CONFLICT (no) DO UPDATE SET who = 'x'",
]


def lines(house: House) -> list[object]:
    with reading(house.bench.keep.engine) as db:
        return [tuple(row) for row in db.execute(sa.select(audit).order_by(audit.c.no))]


@pytest.mark.parametrize("statement", CHANGES)
def test_no_statement_changes_what_was_written(house: House, statement: str) -> None:
    for who in ("eva", "otto"):
        house.audit.add(By(who, "192.0.2.1"), Action.EXPORT)
    before = lines(house)

    with pytest.raises(sa.exc.DBAPIError), house.bench.keep.engine.begin() as db:
        db.exec_driver_sql(statement)

    assert lines(house) == before


def test_the_refusal_says_why(house: House) -> None:
    house.audit.add(SHELL, Action.EXPORT)

    with (
        pytest.raises(sa.exc.DBAPIError, match="can only be added to"),
        house.bench.keep.engine.begin() as db,
    ):
        db.exec_driver_sql("DELETE FROM audit")


def test_adding_is_all_that_goes(house: House) -> None:
    """The control: the same connection can write."""
    with writing(house.bench.keep.engine) as db:
        house.audit.note(db, SHELL, Action.EXPORT)

    assert len(lines(house)) == 1


def test_a_line_is_written_with_what_it_is_about_or_not_at_all(house: House) -> None:
    def fail() -> None:
        with writing(house.bench.keep.engine) as db:
            house.audit.note(db, SHELL, Action.CASE_PURGE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert lines(house) == []


def test_pages_are_newest_first_and_can_be_narrowed_down(house: House) -> None:
    for number in range(5):
        who = "eva" if number % 2 else "otto"
        house.audit.add(By(who, ""), Action.EXPORT, f"t{number}", ok=number != 3)
    first = house.audit.page(None, 2)

    assert [e.target for e in first] == ["t4", "t3"]
    assert [e.ok for e in first] == [True, False]
    assert [e.target for e in house.audit.page(first[-1].no, 10)] == ["t2", "t1", "t0"]
    assert [e.target for e in house.audit.page(None, 10, "eva")] == ["t3", "t1"]
    assert house.audit.page(None, 10, None, "sign-in") == ()


def test_whatever_somebody_calls_themselves_can_be_kept(house: House) -> None:
    evil = "\x00\ud800\n" + "x" * 1000
    house.audit.add(By(evil, evil), Action.SIGN_IN, evil, evil, ok=False)

    (entry,) = house.audit.page(None, 1)

    assert (len(entry.who), len(entry.address), len(entry.target)) == (64, 64, 200)
    assert entry.who.startswith("\ufffd\ufffd\ufffdxxx")
