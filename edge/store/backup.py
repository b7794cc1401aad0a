"""Copies of the database, beside photos and sidecars that are safe by themselves.

A copy is made while the daemon writes, checked, and only then given its name. Of the photos none is
made: they lie once under their hashes, and `edgecase cases export` carries them elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from typing import TYPE_CHECKING

from edge.errors import OperatorError
from edge.store.database import connect
from edge.store.files import sync_folder

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

NAME = re.compile(r"cases-\d{8}T\d{6}Z\.db")
"""Of a copy: when it was made."""


def back_up(database: Path, folder: Path, now: datetime, keep: int) -> Path:
    """Copy the database into `folder` and forget the oldest copies.

    Args:
        database: which; others may write to it meanwhile.
        folder: made where it isn't there.
        now: UTC, for the name.
        keep: copies that stay, this one among them; at least 1.

    Returns:
        The copy.

    Raises:
        OperatorError: the database is damaged, or the folder can't be written.
    """
    draft = folder / ".draft.db"
    path = folder / f"cases-{now:%Y%m%dT%H%M%SZ}.db"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.unlink(missing_ok=True)
        _copy(database, draft)
        check(draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(folder)
        for old in copies(folder)[: -max(1, keep)]:
            old.unlink()
    except (OSError, sqlite3.Error) as e:
        raise OperatorError(
            f"{database} can't be backed up into {folder}: {e}.", "`edgecase doctor` says more."
        ) from e
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    return path


def copies(folder: Path) -> list[Path]:
    """The copies that are there, oldest first."""
    return sorted(path for path in folder.glob("cases-*.db") if NAME.fullmatch(path.name))


def check(path: Path) -> int:
    """Open a copy and read all of it.

    Returns:
        How many cases it holds.

    Raises:
        OperatorError: it is no whole database of ours.
    """
    try:
        db = connect(path, "OFF", read_only=True)
        try:
            said = db.execute("PRAGMA integrity_check").fetchone()[0]
            count = int(db.execute("SELECT count(*) FROM cases").fetchone()[0])
        finally:
            db.close()
    except sqlite3.Error as e:
        raise OperatorError(f"{path} is no database of EdgeCase: {e}.") from e
    if said != "ok":
        raise OperatorError(f"{path} is damaged: {said}.", "Look at the one before it.")
    return count


def _copy(database: Path, draft: Path) -> None:
    """In steps, so that whoever writes is never kept waiting for long."""
    source = connect(database, "FULL", read_only=True)
    try:
        draft.touch(mode=0o600)
        target = sqlite3.connect(draft)
        try:
            source.conn.backup(target, pages=256, sleep=0.01)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, whole by itself
        finally:
            target.close()
    finally:
        source.close()
