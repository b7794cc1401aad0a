"""Copies of the tower's database, on SQLite and on a real PostgreSQL: whole, checked, few."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.fakes.parcels import SentCase
from tower_sync_server.archive import backup
from tower_sync_server.archive.backup import TRIAL, back_up, check, copies, restored
from tower_sync_server.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.keeps import Bench

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


def address(bench: Bench) -> str:
    return bench.keep.engine.url.render_as_string(hide_password=False)


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 * 2] = bytes(len(data) // 3)
    path.write_bytes(data)


def test_a_copy_is_whole_and_its_owners_alone(bench: Bench, tmp_path: Path) -> None:
    bench.send(SentCase())
    path = back_up(address(bench), tmp_path / "backup", NOW, 7)
    check(path)
    assert path.stat().st_mode & 0o077 == 0
    assert path.name.startswith("archive-20261126T030000Z.")
    assert list((tmp_path / "backup").iterdir()) == [path]


def test_what_is_restored_is_what_was_there(bench: Bench, dsn: str, tmp_path: Path) -> None:
    bench.send(SentCase())
    path = back_up(address(bench), tmp_path / "backup", NOW, 7)
    if not dsn:
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("SELECT count(*) FROM revisions").fetchone() == (1,)
        return
    bench.keep.engine.dispose()
    engine = sa.create_engine(dsn)
    with engine.begin() as db:
        db.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    plain = sa.make_url(dsn).set(drivername="postgresql").render_as_string()
    subprocess.run(["pg_restore", "--no-owner", f"--dbname={plain}", path], check=True)
    with engine.begin() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM revisions").scalar() == 1
    engine.dispose()


def databases(dsn: str) -> set[str]:
    engine = sa.create_engine(dsn)
    with engine.connect() as db:
        names = set(db.exec_driver_sql("SELECT datname FROM pg_database").scalars())
    engine.dispose()
    return names


def test_a_copy_is_restored_beside_what_runs_and_goes_again(
    bench: Bench, dsn: str, tmp_path: Path
) -> None:
    bench.send(SentCase())
    path = back_up(address(bench), tmp_path / "backup", NOW, 7)
    bench.send(SentCase(seq=2))
    for _ in range(2):
        with restored(path, address(bench)) as engine:
            assert engine is not None
            with engine.connect() as db:
                assert db.exec_driver_sql("SELECT count(*) FROM revisions").scalar() == 1
    assert list((tmp_path / "backup").iterdir()) == [path]
    if dsn:
        assert TRIAL not in databases(dsn)
    with bench.keep.engine.connect() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM revisions").scalar() == 2


@pytest.mark.parametrize("dsn", ["postgresql"], indirect=True)
def test_what_an_earlier_trial_left_does_not_stand_in_the_way(
    bench: Bench, dsn: str, tmp_path: Path
) -> None:
    bench.send(SentCase())
    path = back_up(address(bench), tmp_path / "backup", NOW, 7)
    server = sa.create_engine(dsn, isolation_level="AUTOCOMMIT")
    with server.connect() as db:
        db.exec_driver_sql(f"CREATE DATABASE {TRIAL}")
    with restored(path, dsn) as engine:
        assert engine is not None
    server.dispose()


@pytest.mark.parametrize("dsn", ["postgresql"], indirect=True)
def test_where_the_tower_may_make_no_database_the_dump_is_only_read(
    bench: Bench, dsn: str, tmp_path: Path
) -> None:
    path = back_up(address(bench), tmp_path / "backup", NOW, 7)
    server = sa.create_engine(dsn, isolation_level="AUTOCOMMIT")
    with server.connect() as db:
        db.exec_driver_sql("DROP ROLE IF EXISTS modest")
        db.exec_driver_sql("CREATE ROLE modest LOGIN")
    modest = sa.make_url(dsn).set(username="modest").render_as_string()
    with restored(path, modest) as engine:
        assert engine is None
    server.dispose()


def test_a_dump_that_rotted_is_not_restored(bench: Bench, tmp_path: Path) -> None:
    for number in range(20):
        bench.send(SentCase(seq=number + 1))
    path = back_up(address(bench), tmp_path / "backup", NOW, 7)
    damage(path)
    with pytest.raises(OperatorError), restored(path, address(bench)):
        pass


def test_a_copy_that_rotted_is_noticed(bench: Bench, tmp_path: Path) -> None:
    for _ in range(20):
        bench.send(SentCase())
    path = back_up(address(bench), tmp_path / "backup", NOW, 7)
    damage(path)
    with pytest.raises(OperatorError):
        check(path)


def test_the_oldest_go(bench: Bench, tmp_path: Path) -> None:
    for day in range(5):
        back_up(address(bench), tmp_path / "backup", NOW + timedelta(days=day), 3)
    assert [path.name[8:16] for path in copies(tmp_path / "backup")] == [
        "20261128",
        "20261129",
        "20261130",
    ]


def test_what_is_no_database_of_a_tower_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE other (a)")
    with pytest.raises(OperatorError, match="no database of a tower"):
        check(path)


def test_a_server_that_is_not_there_leaves_the_copies_that_are(tmp_path: Path) -> None:
    good = tmp_path / "archive-20261126T030000Z.dump"
    good.write_bytes(b"x")
    with pytest.raises(OperatorError, match="pg_dump"):
        back_up(f"postgresql+psycopg://tower:secret@/x?host={tmp_path}", tmp_path, NOW, 1)
    assert list(tmp_path.iterdir()) == [good]


def test_the_password_of_the_database_is_no_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []
    monkeypatch.setattr(backup, "_run", lambda command, secret: called.append((command, secret)))
    back_up("postgresql+psycopg://tower:geheim@db/x", tmp_path, NOW, 1)
    command, secret = called[0]
    assert "geheim" not in " ".join(command)
    assert secret == {"PGPASSWORD": "geheim"}


def test_where_pg_dump_is_missing_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperatorError) as said:
        back_up("postgresql+psycopg://tower@db/x", tmp_path / "backup", NOW, 1)
    assert "postgresql-client" in said.value.hint
