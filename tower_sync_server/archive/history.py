"""How a case came: its revisions, its photos, when each was durable here, who deleted it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sync.messages import Kind
from tower_sync_server.archive.tables import cases, parcels, revisions
from tower_sync_server.archive.tombstones import removed
from tower_sync_server.database.engine import reading
from tower_sync_server.database.times import from_us
from tower_sync_server.errors import AmbiguousError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

UNSAID = frozenset({"rev", "device", "sync"})
"""Changes of these say nothing."""
MOST = 200
"""Revisions that are shown: the newest."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a case."""

    rev: int
    """From 1."""
    stored: datetime
    """When it was durable here."""
    sha256: str
    """Of its bytes, as the device sent them."""
    size: int
    """Bytes."""
    status: str
    """Where the case stood."""
    changed: tuple[str, ...]
    """Which fields are not as in the revision before; none of the first."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A photo or thumbnail that is here."""

    kind: str
    """image or thumb."""
    image: str
    """SHA-256 of the photo."""
    size: int
    """Bytes."""
    stored: datetime
    """When it was durable here."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A deletion on the tower."""

    who: str
    """Who did it."""
    at: datetime
    """When."""


@dataclass(frozen=True, slots=True)
class History:
    """How a case came."""

    revisions: tuple[Revision, ...]
    """Newest first."""
    arrived: tuple[Arrived, ...]
    """In the order of their arrival."""
    removed: Removed | None
    """Where people deleted it on the tower."""


class Histories:
    """Reads them; writes nothing."""

    def __init__(self, engine: sa.Engine) -> None:
        """Use a database that has been migrated."""
        self._engine = engine

    def of(self, case_id: str, device: str | None) -> History:
        """The history of one case.

        Raises:
            NotFoundError: there is none.
            AmbiguousError: two devices sent one of this id, and `device` is None.
        """
        with reading(self._engine) as db:
            owner = _owner(db, case_id, device)
            p, r = parcels.c, revisions.c
            mine = (p.device == owner, p.case_id == case_id)
            texts = sa.select(p.rev, p.stored_us, p.sha256, p.size, r.body).join_from(
                parcels,
                revisions,
                sa.and_(r.device == p.device, r.case_id == p.case_id, r.rev == p.rev),
            )
            texts = texts.where(*mine, p.kind == Kind.CASE.value).order_by(p.rev.desc())
            bodies = db.execute(texts.limit(MOST + 1)).all()
            photos = sa.select(p.kind, p.image, p.size, p.stored_us)
            photos = photos.where(*mine, p.kind != Kind.CASE.value).order_by(p.stored_us, p.image)
            arrived = [Arrived(k, i, s, from_us(t)) for k, i, s, t in db.execute(photos)]
            c = removed.c
            gone = sa.select(c.who, c.at_us).where(c.device == owner, c.case_id == case_id)
            row = db.execute(gone).first()
        deleted = None if row is None else Removed(row.who, from_us(row.at_us))
        return History(_revisions(bodies)[:MOST], tuple(arrived), deleted)


def _owner(db: sa.Connection, case_id: str, device: str | None) -> str:
    wanted = sa.select(cases.c.device).where(cases.c.case_id == case_id)
    if device is not None:
        wanted = wanted.where(cases.c.device == device)
    found = db.scalars(wanted.limit(2)).all()
    if not found:
        raise NotFoundError("There is no such case here.", "GET /cases lists them.")
    if len(found) > 1:
        raise AmbiguousError("Several devices sent a case of this id.", "Add ?device=NAME.")
    return str(found[0])


def _revisions(rows: Any) -> tuple[Revision, ...]:
    """Newest first, each compared with the one after it."""
    read = [(row, json.loads(row.body)) for row in rows]
    before: list[Mapping[str, Any] | None] = [body for _, body in read[1:]]
    return tuple(
        Revision(
            rev=row.rev,
            stored=from_us(row.stored_us),
            sha256=row.sha256,
            size=row.size,
            status=str(body.get("status", "")),
            changed=() if earlier is None else changes(earlier, body),
        )
        for (row, body), earlier in zip(read, [*before, None], strict=True)
    )


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that two revisions don't have in common, by name."""
    names = (before.keys() | after.keys()) - UNSAID
    return tuple(sorted(name for name in names if before.get(name) != after.get(name)))
