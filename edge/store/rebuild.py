"""Making the database again from the sidecars; images are only ever looked at here."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.store import cases, device_file, images, outbox, settings, sidecars
from edge.store.database import connect, transaction
from edge.store.files import NewFiles, sync_folder
from edge.store.migrations import migrate
from models.case import Sync

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlite_utils import Database

    from edge.store.layout import Layout
    from edge.store.sidecars import Sidecar

NAMED = 20
"""Problems that are told one by one; of more, only the number."""


def rebuild(layout: Layout, now: datetime) -> list[str]:
    """Make a new database of what the sidecars hold; it is whole, or not there at all.

    What the tower holds is not known any more: everything is queued again, and the tower tells
    what it has by (device, case, rev).

    Returns:
        What could not be read, or is not whole.

    Raises:
        OSError, sqlite3.Error: the disk doesn't let us.
    """
    beside = layout.tmp / "rebuilt.db"
    db = connect(beside, "OFF")
    try:
        db.execute("PRAGMA journal_mode=OFF")  # thrown away where this doesn't come to its end
        migrate(db)
        problems = _restore_device(db, layout)
        with transaction(db):
            problems += _take_in_all(db, layout, now)
    finally:
        db.close()
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.rename(layout.database)
    sync_folder(layout.root)
    return shortened(problems)


def orphans(db: Database, layout: Layout) -> list[Path]:
    """Sidecars without a row: a crash came before their case was acknowledged."""
    known = {f"{row[0]}.json" for row in db.execute("SELECT id FROM cases")}
    return [
        month / name
        for month in sidecars.months(layout)
        for name in os.listdir(month)  # noqa: PTH208 - a hundred thousand names, and no Path for each
        if name.endswith(".json") and name not in known
    ]


def adopt_orphans(db: Database, layout: Layout, now: datetime) -> tuple[int, list[str]]:
    """Make cases of the orphans, on a person's word: whoever sent them may have sent them again.

    Returns:
        How many, and what could not be read or is not whole.
    """
    adopted, problems = 0, []
    for path in orphans(db, layout):
        sidecar, problem = _read(layout, path)
        if problem or sidecar is None:
            problems.append(problem)
            continue
        with transaction(db):
            _renumber(db, layout, sidecar, now)
        adopted += 1
    return adopted, shortened(problems)


def shortened(problems: list[str]) -> list[str]:
    """The first of many problems, and how many more there are."""
    more = len(problems) - NAMED
    return problems if more <= 0 else [*problems[:NAMED], f"and {more} more"]


def _restore_device(db: Database, layout: Layout) -> list[str]:
    try:
        device_file.restore(db, device_file.load(layout))
    except (OSError, ValueError) as e:
        return [f"The device's id and tokens are lost: {e}"]
    return []


def _take_in_all(db: Database, layout: Layout, now: datetime) -> list[str]:
    problems, late = [], []
    for path in sidecars.paths(layout):
        sidecar, problem = _read(layout, path)
        if problem:
            problems.append(problem)
        if sidecar is not None:
            late += _take_in(db, layout, sidecar, now)
    highest = db.execute("SELECT coalesce(max(seq), 0) FROM cases").fetchone()[0]
    floor = int(settings.get(db, settings.NEXT_SEQ) or 1)
    settings.put(db, settings.NEXT_SEQ, str(max(floor, highest + 1)))
    for sidecar in late:
        _renumber(db, layout, sidecar, now)
    return problems


def _take_in(db: Database, layout: Layout, sidecar: Sidecar, now: datetime) -> list[Sidecar]:
    """Add the rows of one case; gives what has to get another number because of it.

    Two have one number where the first was never acknowledged: a crash came before its row was
    committed, and the next case got its number. So the later one keeps it.
    """
    row = db.execute("SELECT 1 FROM cases WHERE seq = ?", (sidecar.case.seq,)).fetchone()
    if row is None:
        _insert(db, layout, sidecar, now)
        return []
    holder = cases.by_seq(db, sidecar.case.seq)
    if holder.case.created > sidecar.case.created:
        return [sidecar]
    cases.delete(db, holder.case)
    _insert(db, layout, sidecar, now)
    return [holder]


def _insert(db: Database, layout: Layout, sidecar: Sidecar, now: datetime) -> None:
    case = replace(sidecar.case, sync=Sync())
    here = images.presence(layout, case.images)
    size = layout.sidecar(case.id, case.created).stat().st_size
    cases.insert(db, replace(sidecar, case=case), here)
    outbox.enqueue(db, case, size, now, here)
    if case.clock_ok:
        settings.saw(db, case.created)


def _renumber(db: Database, layout: Layout, sidecar: Sidecar, now: datetime) -> None:
    """Take a case in under the next free number; that is a new revision."""
    case = replace(sidecar.case, seq=settings.take_seq(db), rev=sidecar.case.rev + 1)
    renumbered = replace(sidecar, case=case)
    with NewFiles(layout.tmp) as files:
        files.add(layout.sidecar(case.id, case.created), sidecars.encode(renumbered))
        files.publish()
    _insert(db, layout, renumbered, now)


def _read(layout: Layout, path: Path) -> tuple[Sidecar | None, str]:
    """A sidecar and what is wrong with it; one that can be read may still miss a photo."""
    found = sidecars.read(path)
    if found.sidecar is None:
        return None, found.problem
    case = found.sidecar.case
    if layout.sidecar(case.id, case.created) != path:
        return None, f"{path.name}: it is not where the file of case {case.id} belongs"
    here = images.presence(layout, case.images)
    missing = sum(1 for presence in here.values() if not presence.original)
    return found.sidecar, f"{path.name}: {missing} of its photos are not here" if missing else ""
