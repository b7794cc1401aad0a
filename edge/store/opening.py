"""Opening a store: folders, lock, a look at the database, a new one where it is damaged."""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.errors import OperatorError
from edge.store import device_file, settings
from edge.store.database import SUFFIXES, UNBEGUN, Synchronous, connect, damage
from edge.store.files import sync_folder
from edge.store.migrations import migrate
from edge.store.rebuild import orphans, rebuild

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlite_utils import Database

    from edge.store.layout import Layout


@dataclass(frozen=True, slots=True)
class OpenReport:
    """How the store was found."""

    device_id: str
    """A UUID that is this device's for good."""
    cases: int
    """How many there are, the deleted ones too."""
    rebuilt: bool = False
    """True: the database was missing or damaged and has been made again from the sidecars."""
    reason: str = ""
    """What was wrong with it."""
    set_aside: str = ""
    """The folder where the damaged one lies now; "" where there was none."""
    orphans: int = 0
    """Sidecars without a row: cases that were never acknowledged. `adopt_orphans` takes them in."""
    problems: tuple[str, ...] = ()
    """What could not be read, or is not whole; nothing of it was removed."""
    latest: datetime | None = None
    """The latest trusted wall time at which something was stored: no honest clock is before it."""


def lock(layout: Layout) -> int:
    """Become the one process that writes here.

    Returns:
        A file descriptor; closing it gives the lock back, and so does the end of the process.

    Raises:
        OperatorError: another process is.
    """
    handle = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        os.close(handle)
        hint = "Stop it, or give this one another store.data_dir."
        raise OperatorError(f"Another process uses {layout.root}.", hint) from e
    return handle


def make_folders(layout: Layout) -> None:
    """Make what isn't there yet, durably."""
    if not (layout.thumbs / "ff").exists() or not layout.inbox.exists():
        for folder in layout.folders():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (layout.root, layout.images, layout.thumbs, layout.sidecars):
            sync_folder(folder)


def sweep(layout: Layout) -> None:
    """Remove what a crash left half-written. Needs the lock."""
    for left in layout.tmp.iterdir():
        left.unlink()


def look(layout: Layout) -> OpenReport:
    """Describe a store that is only read.

    Raises:
        OperatorError: there is none, or it has to be opened for writing first.
    """
    if not layout.database.exists():
        raise OperatorError(f"There is no store in {layout.root}.", "Start the device first.")
    db = connect(layout.database, "FULL", read_only=True)
    try:
        if not db["cases"].exists():
            raise OperatorError(f"{layout.database} holds no cases.", "Start the device first.")
        device_id = settings.get(db, settings.DEVICE_ID) or ""
        return OpenReport(device_id, db["cases"].count, latest=settings.latest(db))
    finally:
        db.close()


def open_database(
    layout: Layout, synchronous: Synchronous, now: datetime
) -> tuple[Database, OpenReport]:
    """Open the database; a missing or damaged one is made again first. Needs the lock.

    Raises:
        OSError, sqlite3.Error: the disk doesn't let us.
        OperatorError: a newer version of the program has been here.
    """
    reason, aside, problems = damage(layout.database), None, []
    # Where nothing was ever stored, nothing is lost: this is the first start, or it was cut short.
    fresh = reason in UNBEGUN and not any(layout.sidecars.iterdir())
    if reason and not fresh:
        aside = set_aside(layout, now)
        problems = rebuild(layout, now)
    with contextlib.ExitStack() as undo:
        db = connect(layout.database, synchronous)
        undo.callback(db.close)
        migrate(db)
        device_id = device_file.ensure_identity(db, layout)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sync_folder(layout.root)
        report = OpenReport(
            device_id=device_id,
            cases=db["cases"].count,
            rebuilt=bool(reason) and not fresh,
            reason="" if fresh else reason,
            set_aside="" if aside is None else str(aside),
            orphans=len(orphans(db, layout)),
            problems=tuple(problems),
            latest=settings.latest(db),
        )
        undo.pop_all()
    return db, report


def set_aside(layout: Layout, now: datetime) -> Path | None:
    """Move the database away, with all that SQLite keeps beside it; None where there was none."""
    present = [path for path in _database_files(layout) if path.exists()]
    if not present:
        return None
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    taken = sum(1 for path in layout.set_aside.glob(f"{stamp}*"))
    folder = layout.set_aside / (f"{stamp}-{taken + 1}" if taken else stamp)
    folder.mkdir(mode=0o700)
    for path in present:
        path.rename(folder / path.name)
    for changed in (folder, layout.set_aside, layout.root):
        sync_folder(changed)
    return folder


def _database_files(layout: Layout) -> Iterator[Path]:
    for suffix in SUFFIXES:
        yield layout.database.with_name(layout.database.name + suffix)
