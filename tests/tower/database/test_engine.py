from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tower_sync_server.archive.archive import ASIDE, HELD
from tower_sync_server.archive.tables import devices, revisions
from tower_sync_server.archive.tombstones import PURGED, purged, purged_of
from tower_sync_server.database.base import metadata
from tower_sync_server.database.engine import (
    connect,
    insert_unless_there,
    of_cases,
    reading,
    sqlite_dsn,
    these,
    writing,
)
from tower_sync_server.errors import OperatorError, UnavailableError
from tower_sync_server.migrations.upgrade import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROW = {"device": "gate", "first_us": 1, "seen_us": 1, "online": True, "state": "{}"}


@pytest.fixture
def engine(tmp_path: Path, dsn: str) -> Iterator[sa.Engine]:
    engine = connect(dsn or sqlite_dsn(tmp_path / "archive.db"))
    migrate(engine)
    yield engine
    engine.dispose()


def test_the_migrations_make_just_the_tables_that_the_program_knows(engine: sa.Engine) -> None:
    """But for the index of words, which each database has in its own way."""

    def ours(_thing: object, name: str | None, *_: object) -> bool:
        return not str(name).startswith(("case_search", "ix_cases_words"))

    with reading(engine) as db:
        context = MigrationContext.configure(db, opts={"include_object": ours})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(engine: sa.Engine) -> None:
    with writing(engine) as db:
        insert_unless_there(db, devices, ROW)

    migrate(engine)

    with reading(engine) as db:
        assert db.scalar(sa.select(devices.c.device)) == "gate"


def test_an_archive_of_a_newer_program_is_left_alone(engine: sa.Engine) -> None:
    with writing(engine) as db:
        db.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(OperatorError, match="newer"):
        migrate(engine)


def test_every_commit_reaches_the_disk(tmp_path: Path) -> None:
    engine = connect(sqlite_dsn(tmp_path / "archive.db"))
    with reading(engine) as db:
        assert db.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert db.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()


def test_of_two_rows_with_one_key_the_first_stays(engine: sa.Engine) -> None:
    with writing(engine) as db:
        assert insert_unless_there(db, devices, ROW)
        assert not insert_unless_there(db, devices, {**ROW, "state": "other"})
        assert db.scalar(sa.select(devices.c.state)) == "{}"


def test_what_fails_halfway_leaves_nothing(engine: sa.Engine) -> None:
    def write() -> None:
        with writing(engine) as db:
            insert_unless_there(db, devices, ROW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()

    with reading(engine) as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(devices)) == 0


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    """SQLite's: each sees what those before it wrote."""
    engine = connect(sqlite_dsn(tmp_path / "archive.db"))
    migrate(engine)

    def write(number: int) -> None:
        with writing(engine) as db:
            seen = db.scalar(sa.select(sa.func.count()).select_from(devices))
            insert_unless_there(db, devices, {**ROW, "device": f"d{number}-{seen}"})

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with reading(engine) as db:
        names = list(db.scalars(sa.select(devices.c.device)))
    engine.dispose()
    assert sorted(name.partition("-")[2] for name in names) == [str(n) for n in range(8)]


def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    engine = connect(sqlite_dsn(tmp_path / "nowhere" / "archive.db"))

    with pytest.raises(UnavailableError, match="unable to open"), reading(engine):
        pass


@pytest.mark.parametrize("dsn", ["", "nonsense", "nosuch://localhost/x"])
def test_an_address_that_is_none_says_what_to_set(dsn: str) -> None:
    with pytest.raises(OperatorError) as e:
        connect(dsn)

    assert "store.dsn" in e.value.hint


def test_of_many_who_insert_one_key_at_once_one_is_told_that_it_did(engine: sa.Engine) -> None:
    told: list[bool] = []
    ready = threading.Barrier(6)

    def write() -> None:
        ready.wait()
        with writing(engine) as db:
            told.append(insert_unless_there(db, devices, ROW))

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == [False] * 5 + [True]


def test_what_is_asked_for_every_message_and_every_page_is_looked_up_and_never_scanned(
    tmp_path: Path,
) -> None:
    """SQLite reads the whole table where it is asked for a list of row values."""
    engine = connect(sqlite_dsn(tmp_path / "archive.db"))
    migrate(engine)
    r = revisions.c
    asked = [HELD, ASIDE, PURGED, sa.select(revisions).where(of_cases(r.device, r.case_id))]
    keys = these([("gate", "a"), ("yard", "b")])
    with reading(engine) as db:
        for statement in asked:
            text = statement.params(**keys).compile(
                engine, compile_kwargs={"literal_binds": True, "render_postcompile": True}
            )
            plan = [str(row[3]) for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
            assert plan[0].startswith("SEARCH"), plan
            assert "device=? AND case_id=?" in plan[0]
            assert not [step for step in plan if "SCAN" in step and "VIRTUAL" not in step]
    engine.dispose()


def test_rows_of_other_pairs_of_the_same_devices_and_cases_are_left_out(
    engine: sa.Engine,
) -> None:
    with writing(engine) as db:
        for device, case in (("gate", "a"), ("yard", "b")):
            row = {"device": device, "case_id": case, "seq": 1, "rev": 1, "at_us": 1, "who": "x"}
            db.execute(sa.insert(purged).values(**row))
    with reading(engine) as db:
        assert purged_of(db, [("gate", "a"), ("yard", "a"), ("gate", "b")]) == {("gate", "a")}
