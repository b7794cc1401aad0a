"""Deleting cases on the tower: softly, back again, or for good. Each is one transaction.

A case that is removed for good leaves a tombstone, so that neither its device nor a comparison of
both ends brings it back. Its blobs are removed after that, unless another case has the same ones:
`tombstones.doomed` names them until it is done, whatever stops the tower in between.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sync.messages import Kind
from tower_sync_server.archive.catalogue import Revised, relist, unlist
from tower_sync_server.archive.damage import damaged
from tower_sync_server.archive.facts import read_facts
from tower_sync_server.archive.search import DELETED
from tower_sync_server.archive.tables import cases, parcels, quarantine, revisions
from tower_sync_server.archive.tombstones import doom, doomed, purged, removed
from tower_sync_server.database.engine import insert_unless_there, reading, writing
from tower_sync_server.database.times import to_us
from tower_sync_server.errors import AmbiguousError, ConflictError, NotFoundError
from tower_sync_server.people.audit import Audit
from tower_sync_server.people.words import Action

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tower_sync_server.archive.blobs import Blobs
    from tower_sync_server.people.words import By

MANY = 500
"""Blobs that are looked at together."""
LATELY_US = 24 * 3600 * 1_000_000
"""No worker takes this long between writing a blob and committing its row."""


class Removal:
    """Deletes, restores and purges cases, and removes the blobs that nothing refers to then."""

    def __init__(self, engine: sa.Engine, blobs: Blobs, now: Callable[[], datetime]) -> None:
        """Use a database that has been migrated; `now` gives wall time with its offset."""
        self._engine = engine
        self._blobs = blobs
        self._now = now
        self._audit = Audit(engine, now)

    def delete(self, case_id: str, device: str | None, by: By) -> None:
        """Leave a case out of lists. Doing it again changes nothing.

        Raises:
            NotFoundError: there is none.
            AmbiguousError: two devices sent one of this id, and `device` is None.
        """
        with writing(self._engine) as db:
            row = _found(db, case_id, device)
            key = {"device": row.device, "case_id": case_id}
            values = {**key, "at_us": to_us(self._now()), "who": by.who[:64]}
            if not insert_unless_there(db, removed, values):
                return
            _show(db, row, DELETED)
            self._audit.note(db, by, Action.CASE_DELETE, f"{row.device}/{case_id}")

    def restore(self, case_id: str, device: str | None, by: By) -> None:
        """Undo that: lists show what the device says of it. Doing it again changes nothing.

        Raises:
            NotFoundError: there is none.
            AmbiguousError: two devices sent one of this id, and `device` is None.
            ConflictError: its device deleted it, and only its device can restore it.
        """
        with writing(self._engine) as db:
            row = _found(db, case_id, device)
            r = removed.c
            mine = sa.delete(removed).where(r.device == row.device, r.case_id == case_id)
            if db.execute(mine.returning(r.case_id)).first() is not None:
                _show(db, row, None)
                self._audit.note(db, by, Action.CASE_RESTORE, f"{row.device}/{case_id}")
            elif row.status == DELETED:
                hint = "Restore it there; the tower follows."
                raise ConflictError("This case was deleted on its device.", hint)

    def purge(self, case_id: str, device: str | None, by: By) -> None:
        """Remove a deleted case and its photos for good.

        Raises:
            NotFoundError: there is none.
            AmbiguousError: two devices sent one of this id, and `device` is None.
            ConflictError: it isn't deleted.
        """
        with writing(self._engine) as db:
            _wait_for_workers(db)
            row = _found(db, case_id, device)
            if row.status != DELETED:
                hint = "DELETE it first: that can be undone, this can't."
                raise ConflictError("This case is not deleted.", hint)
            blobs = _blobs_of(db, row.device, case_id)
            unlist(db, row)
            for table in (parcels, revisions, quarantine, removed, damaged):
                c = table.c
                db.execute(sa.delete(table).where(c.device == row.device, c.case_id == case_id))
            now = to_us(self._now())
            key = {"device": row.device, "case_id": case_id}
            rest = {"seq": row.seq, "rev": row.rev, "at_us": now, "who": by.who[:64]}
            db.execute(sa.insert(purged).values(**key, **rest))
            doom(db, blobs, now)
            self._audit.note(db, by, Action.CASE_PURGE, f"{row.device}/{case_id}")
        self.sweep()

    def sweep(self) -> int:
        """Remove the blobs that purged cases left, where nothing else refers to them.

        Returns:
            How many were removed.
        """
        c, now = doomed.c, to_us(self._now())
        with reading(self._engine) as db:
            wanted = db.scalars(sa.select(c.sha256).where(c.at_us >= 0).limit(MANY)).all()
            if not wanted:
                return 0
            kept = _referred_to(db, wanted)
        with writing(self._engine) as db:
            _wait_for_workers(db)  # whoever refers to one from now on finds its row
            still = sa.select(c.sha256).where(c.sha256.in_(wanted), c.at_us >= 0)
            gone = [sha256 for sha256 in db.scalars(still).all() if sha256 not in kept]
            for sha256 in gone:
                self._blobs.remove(sha256)
            db.execute(sa.delete(doomed).where(c.sha256.in_(sorted(kept))))
            db.execute(sa.delete(doomed).where(c.at_us < 0, c.at_us > LATELY_US - now))
            db.execute(sa.update(doomed).where(c.sha256.in_(gone)).values(at_us=-now))
        return len(gone)


def _found(db: sa.Connection, case_id: str, device: str | None) -> Any:
    """The row of a case in the lists, which nobody else changes until this is over."""
    wanted = sa.select(cases).where(cases.c.case_id == case_id)
    if device is not None:
        wanted = wanted.where(cases.c.device == device)
    rows = db.execute(wanted.limit(2).with_for_update()).all()
    if not rows:
        raise NotFoundError("There is no such case here.", "GET /cases lists them.")
    if len(rows) > 1:
        raise AmbiguousError("Several devices sent a case of this id.", "Add ?device=NAME.")
    return rows[0]


def _show(db: sa.Connection, row: Any, status: str | None) -> None:
    """Have lists show a case with this status; None: with the one that its device gave it."""
    r = revisions.c
    mine = (r.device == row.device, r.case_id == row.case_id, r.rev == row.rev)
    facts = read_facts(db.execute(sa.select(r.body).where(*mine)).scalar_one())
    relist(db, row, Revised(row.device, replace(facts, status=status) if status else facts))


def _blobs_of(db: sa.Connection, device: str, case_id: str) -> list[str]:
    """Every blob that belongs to a case: photos, thumbnails, and what is in quarantine."""
    p, q = parcels.c, quarantine.c
    photos = sa.select(p.sha256).where(
        p.device == device, p.case_id == case_id, p.kind != Kind.CASE.value
    )
    aside = sa.select(q.sha256).where(q.device == device, q.case_id == case_id)
    return list(db.scalars(sa.union(photos, aside)))


def _referred_to(db: sa.Connection, blobs: Any) -> frozenset[str]:
    """Those of the blobs that a case still has, or the quarantine. Reads all rows: it is rare."""
    p, q = parcels.c, quarantine.c
    held = sa.select(p.sha256).where(p.sha256.in_(blobs), p.kind != Kind.CASE.value)
    aside = sa.select(q.sha256).where(q.sha256.in_(blobs))
    return frozenset(db.scalars(sa.union(held, aside)))


def _wait_for_workers(db: sa.Connection) -> None:
    """Begin when no worker is between inserting and committing, and keep them from it meanwhile.

    SQLite has one writer anyway. There, what is deleted is overwritten too.
    """
    if db.dialect.name == "postgresql":
        db.exec_driver_sql("LOCK TABLE parcels, quarantine IN SHARE ROW EXCLUSIVE MODE")
    else:
        db.exec_driver_sql("PRAGMA secure_delete=ON")
