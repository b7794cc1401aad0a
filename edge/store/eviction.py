"""Looking up what takes room, and removing what may go: files first, then rows."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.store import cases, device_file, settings, staging
from edge.store import images as image_files
from edge.store.database import transaction
from edge.store.retention import Holding, Kind
from edge.store.times import from_us, to_us

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlite_utils import Database

    from edge.store.layout import Layout
    from edge.store.retention import Limits

CONFIRMED = "EXISTS (SELECT 1 FROM receipts r WHERE r.seq = c.seq AND r.agreed IS NOT NULL)"
"""Whether a comparison of both ends has said, since it was stored, that the tower holds it."""
HELD = (
    "CASE WHEN max(c.sync <> 'stored') AND max(c.needs_person) THEN 'unsynced and unreviewed'"
    " WHEN max(c.sync <> 'stored') THEN 'unsynced'"
    f" WHEN NOT min({CONFIRMED}) THEN 'unconfirmed'"
    " WHEN max(c.needs_person) THEN 'unreviewed' ELSE '' END"
)
"""Why the cases of a group must stay; '' where they needn't."""
AGE_FROM = "max(c.created, coalesce(c.sync_at, 0))"
"""A case made under a wrong clock seems ancient: the tower's receipt came when there was a link."""


IMAGE_SIZES = {Kind.IMAGE: "i.bytes * (1 - i.evicted)", Kind.THUMB: "i.thumb_bytes"}


def holdings(db: Database, layout: Layout, now: datetime, limits: Limits) -> Iterator[Holding]:
    """What takes room, as far as it could have to go: of 100,000 cases that is usually nothing."""
    for kind, size in IMAGE_SIZES.items():
        if _total(db, size) > (limits.of_bytes(kind) or 0):
            yield from _images(db, kind, size)
    old = to_us(now - limits.case_age)
    rows = db.execute(
        f"SELECT c.id, {AGE_FROM}, {HELD} FROM cases c"
        f" WHERE c.created <= ? AND {AGE_FROM} <= ? AND c.deleted_at IS NULL GROUP BY c.seq",
        (old, old),
    )
    for case_id, created, held in rows:
        yield Holding(Kind.CASE, case_id, 0, from_us(created), held)
    # What a person deleted goes when its time is over, whether or not the tower ever heard of it.
    for case_id, deleted in db.execute(
        "SELECT id, deleted_at FROM cases WHERE deleted_at IS NOT NULL"
    ):
        yield Holding(Kind.DELETED, case_id, 0, from_us(deleted))
    yield from _on_disk(layout)


def _total(db: Database, size: str) -> int:
    """Bytes of all images, a shared one once."""
    each = f"SELECT max({size}) AS bytes FROM case_images i GROUP BY i.sha256"
    return int(db.execute(f"SELECT coalesce(sum(bytes), 0) FROM ({each})").fetchone()[0])


def _images(db: Database, kind: Kind, size: str) -> Iterator[Holding]:
    rows = db.execute(
        f"SELECT i.sha256, max({size}), max({AGE_FROM}), {HELD}"
        " FROM case_images i JOIN cases c ON c.seq = i.seq"
        f" GROUP BY i.sha256 HAVING max({size}) > 0"
    )
    for sha256, length, created, held in rows:
        yield Holding(kind, sha256, length, from_us(created), held)


def remove(db: Database, layout: Layout, going: Sequence[Holding]) -> int:
    """Remove what was decided, unless it has become needed meanwhile; gives how many went."""
    gone = 0
    for row in going:
        match row.kind:
            case Kind.IMAGE | Kind.THUMB:
                gone += _remove_image(db, layout, row.name, thumb=row.kind is Kind.THUMB)
            case Kind.CASE | Kind.DELETED:
                gone += _remove_case(db, layout, row.name, deleted=row.kind is Kind.DELETED)
            case Kind.STAGED:
                staging.remove(layout, row.name)
                gone += 1
            case Kind.SET_ASIDE:
                shutil.rmtree(layout.set_aside / row.name, ignore_errors=True)
                gone += 1
    return gone


def _on_disk(layout: Layout) -> Iterator[Holding]:
    for image_id, size, written in staging.present(layout):
        yield Holding(Kind.STAGED, image_id, size, datetime.fromtimestamp(written, UTC))
    for folder in layout.set_aside.iterdir():
        size = sum(path.stat().st_size for path in folder.iterdir())
        at = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        yield Holding(Kind.SET_ASIDE, folder.name, size, at)


def _remove_image(db: Database, layout: Layout, sha256: str, *, thumb: bool) -> bool:
    row = db.execute(
        f"SELECT {HELD}, max(i.media_type) FROM case_images i JOIN cases c ON c.seq = i.seq"
        " WHERE i.sha256 = ?",
        (sha256,),
    ).fetchone()
    held, media_type = row
    if held or media_type is None:
        return False
    path = layout.thumb(sha256) if thumb else layout.image(sha256, media_type)
    path.unlink(missing_ok=True)
    change = "thumb_bytes = 0" if thumb else "evicted = 1"
    db.execute(f"UPDATE case_images SET {change} WHERE sha256 = ?", (sha256,))
    return True


def _remove_case(db: Database, layout: Layout, case_id: str, *, deleted: bool) -> bool:
    row = db.execute(
        f"SELECT c.seq, c.deleted_at IS NOT NULL, {HELD} FROM cases c"
        " WHERE c.id = ? GROUP BY c.seq",
        (case_id,),
    ).fetchone()
    if row is None or bool(row[1]) != deleted or (row[2] and not deleted):
        return False
    case = cases.by_seq(db, row[0]).case
    for image in {image.sha256: image for image in case.images}.values():
        shared = db.execute(
            "SELECT 1 FROM case_images WHERE sha256 = ? AND seq <> ? LIMIT 1",
            (image.sha256, case.seq),
        ).fetchone()
        if shared is None:
            image_files.unlink(layout, image.sha256, image.media_type)
    if case.seq == int(settings.get(db, settings.NEXT_SEQ) or 1) - 1:
        device_file.save(db, layout)  # else a rebuilt database could give this number again
    layout.sidecar(case.id, case.created).unlink(missing_ok=True)
    with transaction(db):
        cases.delete(db, case)
    return True
