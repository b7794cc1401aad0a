"""Opening a store, above all one whose database is missing or damaged."""

from __future__ import annotations

import errno
import random
import shutil
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.errors import DiskFullError, OperatorError
from edge.store import rebuild, sidecars
from edge.store.database import connect
from edge.store.layout import Layout
from edge.store.tokens import Scope
from models.case import Case, Feedback, Status
from tests.fakes.drafts import NOON, draft, photo
from tests.fakes.stores import Moved, make, opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.store.store import Store

COUNT = 12


async def fill(folder: Path, count: int = COUNT) -> list[Case]:
    """A store of `count` cases, closed again."""
    async with opened(folder) as store:
        return [await add(store, number) for number in range(count)]


async def add(store: Store, number: int) -> Case:
    case, _ = await store.add(draft([photo(number)], number), [photo(number)])
    return case


def images(folder: Path) -> set[tuple[str, int]]:
    return {(p.name, p.stat().st_size) for p in (folder / "images").glob("*/*")}


def pages(path: Path) -> list[int]:
    """Numbers of the pages that hold the rows of `cases`."""
    db = sqlite3.connect(path)
    try:
        return [r[0] for r in db.execute("SELECT pageno FROM dbstat WHERE name = 'cases'")]
    finally:
        db.close()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(50_000))


def garbage_header(path: Path) -> None:
    path.write_bytes(b"\x13" * 100 + path.read_bytes()[100:])


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def torn_page(path: Path) -> None:
    page = pages(path)[-1]
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 : (page - 1) * 4096 + 512] = random.Random(2).randbytes(512)
    path.write_bytes(data)


def zeroed_page(path: Path) -> None:
    page = pages(path)[-1]
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 : page * 4096] = bytes(4096)
    path.write_bytes(data)


def text_instead(path: Path) -> None:
    path.write_text("not a database")


def foreign(path: Path) -> None:
    path.unlink()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE songs (title)")
    db.close()


def missing(path: Path) -> None:
    path.unlink()


DAMAGES = [
    empty,
    garbage,
    garbage_header,
    truncated,
    torn_page,
    zeroed_page,
    text_instead,
    foreign,
    missing,
]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_lost_database_is_set_aside_and_rebuilt_and_no_image_goes(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    cases = await fill(tmp_path)
    before = images(tmp_path)
    damage(tmp_path / "cases.db")
    damaged = (tmp_path / "cases.db").read_bytes() if damage is not missing else None
    async with opened(tmp_path) as store:
        report = store.status().opened
        assert report.rebuilt
        assert report.reason
        assert (report.cases, report.problems, report.orphans) == (COUNT, (), 0)
        assert [await store.get(case.id) for case in cases] == cases
        assert images(tmp_path) == before
        assert (await add(store, 99)).seq == COUNT + 1
    aside = [p.read_bytes() for p in (tmp_path / "set-aside").glob("*/cases.db")]
    assert aside == ([] if damaged is None else [damaged])
    async with opened(tmp_path) as store:
        assert not store.status().opened.rebuilt


async def test_a_sound_database_is_never_rebuilt(tmp_path: Path) -> None:
    await fill(tmp_path)
    async with opened(tmp_path) as store:
        report = store.status().opened
        assert (report.rebuilt, report.reason, report.cases) == (False, "", COUNT)


async def test_a_new_store_is_not_called_rebuilt(store: Store) -> None:
    assert not store.status().opened.rebuilt


@pytest.mark.parametrize("where", [0, 4, 24])
async def test_a_damaged_write_ahead_log_is_not_silently_ignored(
    tmp_path: Path, where: int
) -> None:
    async with opened(tmp_path / "live") as store:
        cases = [await add(store, number) for number in range(COUNT)]
        shutil.copytree(tmp_path / "live", tmp_path / "cut")
    wal = tmp_path / "cut" / "cases.db-wal"
    data = bytearray(wal.read_bytes())
    data[where : where + 4] = b"\x99" * 4
    wal.write_bytes(data)
    async with opened(tmp_path / "cut") as store:
        assert store.status().opened.rebuilt
        assert [await store.get(case.id) for case in cases] == cases


async def test_a_log_that_was_cut_off_loses_rows_but_they_can_be_adopted(tmp_path: Path) -> None:
    async with opened(tmp_path / "live") as store:
        cases = [await add(store, number) for number in range(COUNT)]
        shutil.copytree(tmp_path / "live", tmp_path / "cut")
    wal = tmp_path / "cut" / "cases.db-wal"
    wal.write_bytes(wal.read_bytes()[: wal.stat().st_size * 2 // 3])
    async with opened(tmp_path / "cut") as store:
        report = store.status().opened
        assert not report.rebuilt
        assert report.orphans == COUNT - report.cases > 0
        assert await store.adopt_orphans() == (report.orphans, ())
        found = {case.id: case for case in (await store.list()).cases}
        assert set(found) == {case.id for case in cases}
        assert sorted(case.seq for case in found.values()) == list(range(1, COUNT + 1))


async def test_a_log_of_zeros_is_an_empty_one(tmp_path: Path) -> None:
    await fill(tmp_path)
    (tmp_path / "cases.db-wal").write_bytes(bytes(64))
    async with opened(tmp_path) as store:
        assert not store.status().opened.rebuilt


async def test_what_people_said_and_deleted_outlives_the_database(tmp_path: Path) -> None:
    cases = await fill(tmp_path, 3)
    said = Feedback(NOON, "ann", "reject", "wrong car")
    async with opened(tmp_path) as store:
        await store.revise(
            cases[0].id, lambda c: replace(c, status=Status.REJECTED, feedback=(said,))
        )
        await store.delete(cases[1].id)
    (tmp_path / "cases.db").unlink()
    async with opened(tmp_path) as store:
        rejected = await store.get(cases[0].id)
        assert (rejected.status, rejected.feedback, rejected.rev) == (Status.REJECTED, (said,), 2)
        assert (await store.get(cases[1].id)).status is Status.DELETED
        assert (await store.restore(cases[1].id)).status is Status.ACCEPTED


async def test_the_device_and_its_tokens_outlive_the_database(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        device = store.status().opened.device_id
        plain, token = await store.create_token("ann's phone", [Scope.CAPTURE])
    (tmp_path / "cases.db").unlink()
    async with opened(tmp_path) as store:
        assert store.status().opened.device_id == device
        assert await store.verify_token(plain) == token


async def test_a_number_is_not_given_twice_even_when_its_case_was_purged_and_the_database_lost(
    tmp_path: Path,
) -> None:
    now = Moved()
    async with opened(tmp_path, now) as store:
        await add(store, 1)
        last = await add(store, 2)
        await store.delete(last.id)
        now.move(days=31)
        await store.purge()
    (tmp_path / "cases.db").unlink()
    async with opened(tmp_path, now) as store:
        assert (await add(store, 3)).seq == 3


async def test_a_sidecar_that_cannot_be_read_is_left_and_told(tmp_path: Path) -> None:
    cases = await fill(tmp_path, 4)
    layout = Layout(tmp_path)
    broken = [layout.sidecar(case.id, case.created) for case in cases[:3]]
    broken[0].write_bytes(b"{")
    broken[1].write_bytes(b'{"case": 1}')
    broken[2].write_bytes(b"[" * 100_000)
    (tmp_path / "cases.db").unlink()
    async with opened(tmp_path) as store:
        report = store.status().opened
        assert report.cases == 1
        assert len(report.problems) == 3
        assert all(any(path.name in p for p in report.problems) for path in broken)
    assert all(path.exists() for path in broken)
    assert len(images(tmp_path)) == 4


async def test_a_sidecar_without_its_photo_is_told(tmp_path: Path) -> None:
    cases = await fill(tmp_path, 2)
    next((tmp_path / "images").glob(f"*/{cases[0].images[0].sha256}.jpg")).unlink()
    (tmp_path / "cases.db").unlink()
    async with opened(tmp_path) as store:
        assert store.status().opened.cases == 2
        assert [cases[0].id in p for p in store.status().opened.problems] == [True]


async def test_of_many_problems_the_first_are_told_and_the_number_of_the_others(
    tmp_path: Path,
) -> None:
    await fill(tmp_path, 1)
    for number in range(30):
        (tmp_path / "sidecars" / "2026-11" / f"{number}.json").write_bytes(b"?")
    (tmp_path / "cases.db").unlink()
    async with opened(tmp_path) as store:
        assert store.status().opened.problems[-1] == "and 10 more"


async def test_a_case_that_was_never_acknowledged_does_not_take_the_number_of_one_that_was(
    tmp_path: Path,
) -> None:
    cases = await fill(tmp_path, 2)
    layout = Layout(tmp_path)
    early = replace(cases[1], id="0" * 8 + cases[1].id[8:], created=cases[0].created)
    path = layout.sidecar(early.id, early.created)
    path.write_bytes(sidecars.encode(sidecars.Sidecar(early)))
    async with opened(tmp_path) as store:
        assert store.status().opened.orphans == 1
    (tmp_path / "cases.db").unlink()
    async with opened(tmp_path) as store:
        assert await store.get(cases[1].id) == cases[1]
        assert (await store.get(early.id)).seq == 3
        assert (await add(store, 7)).seq == 4


async def test_a_rebuild_that_fails_leaves_no_half_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = await fill(tmp_path)
    (tmp_path / "cases.db").unlink()
    calls = iter(range(1000))
    insert = rebuild._insert

    def fails(*args: object) -> None:
        if next(calls) == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        insert(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(rebuild, "_insert", fails)
    store = make(tmp_path)
    with pytest.raises(DiskFullError):
        await store.open()
    await store.close()
    assert not (tmp_path / "cases.db").exists()
    monkeypatch.undo()
    async with opened(tmp_path) as store:
        assert store.status().opened.cases == len(cases)


async def test_what_a_crash_left_half_written_is_removed(tmp_path: Path) -> None:
    await fill(tmp_path, 1)
    (tmp_path / "tmp" / "left").write_bytes(b"half a photo")
    async with opened(tmp_path):
        assert list((tmp_path / "tmp").iterdir()) == []


async def test_only_one_process_writes(tmp_path: Path) -> None:
    async with opened(tmp_path):
        second = make(tmp_path)
        with pytest.raises(OperatorError, match="Another process"):
            await second.open()
        await second.close()
    async with opened(tmp_path):
        pass


async def test_another_process_may_look_while_one_writes_and_after(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        case = await add(store, 1)
        async with opened(tmp_path, read_only=True) as looking:
            assert await looking.get(case.id) == case
            with pytest.raises(OperatorError):
                await add(looking, 2)
    async with opened(tmp_path, read_only=True) as looking:
        assert await looking.get(case.id) == case


async def test_looking_at_nothing_says_so(tmp_path: Path) -> None:
    store = make(tmp_path / "none", read_only=True)
    with pytest.raises(OperatorError, match="no store"):
        await store.open()
    await store.close()
    assert not (tmp_path / "none").exists()


async def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    await fill(tmp_path, 1)
    db = connect(tmp_path / "cases.db", "FULL")
    db.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('edge.store', '0999_future', '')"
    )
    db.close()
    store = make(tmp_path)
    with pytest.raises(OperatorError, match="newer version"):
        await store.open()
    await store.close()
    assert list((tmp_path / "set-aside").iterdir()) == []


async def test_a_row_that_rotted_is_an_operators_matter(tmp_path: Path) -> None:
    cases = await fill(tmp_path, 1)
    db = connect(tmp_path / "cases.db", "FULL")
    db.execute("UPDATE cases SET body = '{'")
    db.close()
    async with opened(tmp_path) as store:
        with pytest.raises(OperatorError):
            await store.get(cases[0].id)


async def test_nobody_else_can_read_what_is_stored(tmp_path: Path) -> None:
    await fill(tmp_path / "data", 1)
    found = [p for p in (tmp_path / "data").rglob("*") if p.is_file()]
    assert len(found) >= 5
    assert all(p.stat().st_mode & 0o077 == 0 for p in found)


async def test_a_folder_that_cannot_be_used_is_the_operators_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = make(tmp_path / "file")
    with pytest.raises(OperatorError):
        await store.open()
    await store.close()
