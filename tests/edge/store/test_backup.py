"""Copies of the database: whole, checked, few."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from edge.errors import OperatorError
from edge.store import backup
from edge.store.backup import back_up, check, copies
from tests.fakes.drafts import draft, photo
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


async def with_cases(folder: Path, count: int = 3) -> Path:
    async with opened(folder) as store:
        for number in range(count):
            one = photo(number)
            await store.add(draft([one], number), [one])
        return store.layout.database


async def test_a_copy_holds_every_case_and_is_its_owners_alone(tmp_path: Path) -> None:
    database = await with_cases(tmp_path / "data")
    path = back_up(database, tmp_path / "backup", NOW, 7)
    assert check(path) == 3
    assert path.stat().st_mode & 0o077 == 0
    assert [p.name for p in (tmp_path / "backup").iterdir()] == ["cases-20261126T030000Z.db"]


async def test_a_copy_is_made_while_cases_come_in(tmp_path: Path) -> None:
    async with opened(tmp_path / "data") as store:
        one = photo(1)
        await store.add(draft([one], 1), [one])
        path = back_up(store.layout.database, tmp_path / "backup", NOW, 7)
        two = photo(2)
        await store.add(draft([two], 2), [two])
    assert check(path) == 1


async def test_a_store_opens_from_a_copy(tmp_path: Path) -> None:
    database = await with_cases(tmp_path / "data")
    path = back_up(database, tmp_path / "backup", NOW, 7)
    for name in ("cases.db", "cases.db-wal", "cases.db-shm"):
        (tmp_path / "data" / name).unlink(missing_ok=True)
    path.rename(database)
    async with opened(tmp_path / "data") as store:
        assert not store.status().opened.rebuilt
        assert len((await store.list()).cases) == 3


async def test_the_oldest_go(tmp_path: Path) -> None:
    database = await with_cases(tmp_path / "data", 1)
    for day in range(5):
        back_up(database, tmp_path / "backup", NOW + timedelta(days=day), 3)
    names = [path.name[6:14] for path in copies(tmp_path / "backup")]
    assert names == ["20261128", "20261129", "20261130"]


async def test_a_damaged_database_leaves_the_copies_that_are_there(tmp_path: Path) -> None:
    database = await with_cases(tmp_path / "data", 40)
    good = back_up(database, tmp_path / "backup", NOW, 1)
    data = bytearray(database.read_bytes())
    data[8192:20480] = bytes(12288)
    database.write_bytes(data)
    with pytest.raises(OperatorError):
        back_up(database, tmp_path / "backup", NOW + timedelta(days=1), 1)
    assert copies(tmp_path / "backup") == [good]
    assert [p.name for p in (tmp_path / "backup").iterdir()] == [good.name]


async def test_a_copy_that_rotted_is_noticed(tmp_path: Path) -> None:
    path = back_up(await with_cases(tmp_path / "data", 40), tmp_path / "backup", NOW, 1)
    data = bytearray(path.read_bytes())
    data[8192:20480] = bytes(12288)
    path.write_bytes(data)
    with pytest.raises(OperatorError):
        check(path)


def test_what_is_no_database_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE other (a)")
    db.close()
    with pytest.raises(OperatorError, match="no database of EdgeCase"):
        check(path)


async def test_a_cut_in_the_middle_leaves_no_half_copy_under_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(path: Path) -> int:
        raise KeyboardInterrupt

    database = await with_cases(tmp_path / "data", 1)
    monkeypatch.setattr(backup, "check", cut)
    with pytest.raises(KeyboardInterrupt):
        back_up(database, tmp_path / "backup", NOW, 1)
    assert copies(tmp_path / "backup") == []
