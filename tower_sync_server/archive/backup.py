"""Copies of the tower's database: SQLite's by its own backup, PostgreSQL's by pg_dump.

A copy is made while cases come in, read from end to end, and only then given its name. Of the
photos none is made: they lie once under their hashes, in a folder or an S3 that is backed up by
other means, and what a restored tower lacks its devices send again.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import sqlalchemy as sa

from tower_sync_server.archive.files import sync_folder, translated
from tower_sync_server.database.engine import connect, sqlite_dsn
from tower_sync_server.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

NAME = re.compile(r"archive-\d{8}T\d{6}Z\.(db|dump)")
"""Of a copy: when it was made; .dump is PostgreSQL's."""
PAGES = 256
"""Copied in one step, so that whoever writes is never kept waiting for long."""
TRIAL = "edgecase_trial"
"""Name of the database that a dump is restored into, and that goes again."""
_NOT_ALLOWED = "42501"
"""PostgreSQL's state for a privilege that is missing."""


def back_up(dsn: str, folder: Path, now: datetime, keep: int) -> Path:
    """Copy the database into `folder` and forget the oldest copies.

    Args:
        dsn: SQLAlchemy's address of it; others may write to it meanwhile.
        folder: made where it isn't there, for its owner alone.
        now: UTC, for the name.
        keep: copies that stay, this one among them; at least 1.

    Returns:
        The copy.

    Raises:
        OperatorError: the database is damaged or out of reach, or the folder can't be written.
        DiskFullError: no room.
    """
    url = sa.make_url(dsn)
    lite = url.get_backend_name() == "sqlite"
    suffix = "db" if lite else "dump"
    draft = folder / f".draft.{suffix}"
    path = folder / f"archive-{now:%Y%m%dT%H%M%SZ}.{suffix}"
    with translated():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        try:
            _copy_sqlite(str(url.database), draft) if lite else _dump(url, draft)
            check(draft)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(path)
            sync_folder(folder)
            for old in copies(folder)[: -max(1, keep)]:
                old.unlink()
        finally:
            draft.unlink(missing_ok=True)
    return path


def copies(folder: Path) -> list[Path]:
    """The copies that are there, oldest first."""
    found = (path for path in folder.glob("archive-*") if NAME.fullmatch(path.name))
    return sorted(found, key=lambda path: path.stem)


def check(path: Path) -> None:
    """Read all of a copy.

    Raises:
        OperatorError: it is damaged, or none of ours.
    """
    if path.suffix == ".dump":
        # As SQL, which goes nowhere: every block is read and unpacked.
        _run(["pg_restore", f"--file={os.devnull}", str(path)], {})
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            said = db.execute("PRAGMA integrity_check").fetchone()[0]
            db.execute("SELECT count(*) FROM revisions").fetchone()
    except sqlite3.Error as e:
        raise OperatorError(f"{path} is no database of a tower: {e}.") from e
    if said != "ok":
        raise OperatorError(f"{path} is damaged: {said}.", "Look at the one before it.")


@contextmanager
def restored(path: Path, dsn: str) -> Iterator[sa.Engine | None]:
    """Restore a copy beside the database that runs, as a trial; it goes again at the end.

    Args:
        path: the copy.
        dsn: of the database that runs; a dump is restored on its server.

    Yields:
        The restored database; None where the tower may make none on that server.

    Raises:
        OperatorError: the copy is damaged, or can't be restored.
    """
    check(path)
    place = _on_server(path, dsn) if path.suffix == ".dump" else _beside(path)
    with translated(), place as engine:
        yield engine


@contextmanager
def _beside(path: Path) -> Iterator[sa.Engine]:
    with TemporaryDirectory(dir=path.parent, prefix=".trial-") as place:
        trial = Path(place) / "archive.db"
        copyfile(path, trial)
        engine = connect(sqlite_dsn(trial))
        try:
            yield engine
        finally:
            engine.dispose()


@contextmanager
def _on_server(path: Path, dsn: str) -> Iterator[sa.Engine | None]:
    """One that an earlier trial left, cut off as it was, goes first."""
    url = sa.make_url(dsn)
    if url.get_backend_name() != "postgresql":
        raise OperatorError(f"{path} is PostgreSQL's, and store.dsn names none to try it on.")
    server = connect(dsn).execution_options(isolation_level="AUTOCOMMIT")
    drop = sa.text(f"DROP DATABASE IF EXISTS {TRIAL} WITH (FORCE)")
    trial = url.set(database=TRIAL)
    try:
        if not _make(server, drop):
            yield None
            return
        address, secret = _address(trial)
        _run(
            ["pg_restore", "--no-owner", "--exit-on-error", f"--dbname={address}", str(path)],
            secret,
        )
        engine = connect(trial.render_as_string(hide_password=False))
        try:
            yield engine
        finally:
            engine.dispose()
            with server.connect() as connection:
                connection.execute(drop)
    finally:
        server.dispose()


def _make(server: sa.Engine, drop: sa.TextClause) -> bool:
    """Make the empty database of a trial; False where the tower's role may make none."""
    try:
        with server.connect() as connection:
            connection.execute(drop)
            connection.execute(sa.text(f"CREATE DATABASE {TRIAL}"))
    except sa.exc.DBAPIError as e:
        if getattr(e.orig, "sqlstate", None) == _NOT_ALLOWED:
            return False
        raise OperatorError(f"No database can be made for the trial: {e.orig}") from e
    return True


def _copy_sqlite(source: str, draft: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(source, timeout=10)) as db,
            closing(sqlite3.connect(draft)) as target,
        ):
            db.backup(target, pages=PAGES, sleep=0.01)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, whole by itself
    except sqlite3.Error as e:
        raise OperatorError(f"{source} can't be copied: {e}.", "Is the disk failing?") from e


def _dump(url: sa.URL, draft: Path) -> None:
    address, secret = _address(url)
    _run(["pg_dump", "--format=custom", "--no-owner", f"--file={draft}", address], secret)


def _address(url: sa.URL) -> tuple[str, Mapping[str, str]]:
    """The password goes by the environment: arguments can be read by everybody."""
    address = url.set(drivername="postgresql", password=None).render_as_string()
    return address, {} if url.password is None else {"PGPASSWORD": str(url.password)}


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - a list, with a program of ours in front
            command, env={**os.environ, **environment}, capture_output=True, check=False
        )
    except FileNotFoundError as e:
        hint = "sudo apt install postgresql-client, of the server's version or a newer one"
        raise OperatorError(f"{command[0]} isn't installed.", hint) from e
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise OperatorError(f"{command[0]} failed: {said[-500:]}", "Is store.dsn right?")
