"""Reading the archive: pages of cases, one case, the devices."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sync.messages import Kind
from tower_sync_server.archive.damage import damaged, is_whole, scrubs
from tower_sync_server.archive.query import Filter as Filter  # the word of this module's callers
from tower_sync_server.archive.query import decode_cursor, encode_cursor, query
from tower_sync_server.archive.tables import cases, devices, parcels, quarantine, revisions
from tower_sync_server.database.engine import of_cases, reading, these
from tower_sync_server.database.times import from_us
from tower_sync_server.errors import AmbiguousError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

Here = dict[tuple[str, str], bool]
"""Kind and SHA-256 of a photo → whether what came of it is whole here still."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the tower holds of one photo of a case."""

    sha256: str
    """Of the original."""
    original: bool
    """Whether the photo is here."""
    thumb: bool
    """Whether its thumbnail is."""
    lost: bool = False
    """Whether the photo came and is damaged or gone here; its device is asked for it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the tower says about a case of a device."""

    received: datetime
    """When its first revision came."""
    status: str
    """Where lists have it: as the device says, or `deleted` where people deleted it here."""
    images: tuple[Held, ...]
    """What is here of its photos, in their order."""
    complete: bool
    """Whether every photo is here."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A case as the device sent it, and what the tower says about it."""

    body: Mapping[str, Any]
    """The newest revision; `device` is the one that the broker let in under that name."""
    receipt: Receipt
    """The tower's own."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases, newest first."""

    entries: tuple[Entry, ...]
    """By the time they were taken; where the device's clock was wrong, by their arrival."""
    next: str | None
    """What to send for the page after this; None at the end."""


@dataclass(frozen=True, slots=True)
class BlobAt:
    """A picture."""

    sha256: str
    """Of its bytes: under this it lies in the blobs."""
    media_type: str
    """As the device said."""


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device, as the tower knows it."""

    device: str
    """Its name, as the broker knows it."""
    online: bool
    """Whether the broker has it on the line."""
    first_seen: datetime
    """When it was first heard."""
    last_seen: datetime
    """When it was last heard."""
    cases: int
    """Numbers of cases that ever came here."""
    last_seq: int
    """The highest number of those."""
    gaps: int
    """Numbers below that are missing here."""
    quarantined: int
    """Payloads put aside, because other bytes came under a key that was taken."""
    state: Mapping[str, Any]
    """What it said of itself last: backlog, clock, software."""
    held_back: int = 0
    """Messages of it that were too many since the tower started; the workers count them."""


class Listing:
    """Reads the archive; writes nothing."""

    def __init__(self, engine: sa.Engine) -> None:
        """Use a database that has been migrated."""
        self._engine = engine

    def page(self, which: Filter, cursor: str | None, limit: int) -> Page:
        """Read one page of at most `limit` cases.

        Raises:
            BadRequestError: the cursor is not one of ours.
        """
        with reading(self._engine) as db:
            wanted = query(which, decode_cursor(cursor), limit + 1, db.dialect.name)
            rows = db.execute(wanted).all()
            entries = _entries(db, rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(entries, None if last is None else encode_cursor(last.taken_us, last.no))

    def case(self, case_id: str, device: str | None) -> Entry:
        """Read one case.

        Raises:
            NotFoundError: there is none.
            AmbiguousError: two devices sent one of this id, and `device` is None.
        """
        with reading(self._engine) as db:
            return _entries(db, [_row(db, case_id, device)])[0]

    def blob(self, case_id: str, device: str | None, image: str, kind: Kind) -> BlobAt:
        """Find a photo, or its thumbnail, of a case.

        Raises:
            NotFoundError: the tower doesn't hold it.
            AmbiguousError: two devices sent a case of this id, and `device` is None.
        """
        c = parcels.c
        with reading(self._engine) as db:
            owner = _row(db, case_id, device).device
            key = (c.device == owner, c.case_id == case_id, c.image == image, c.kind == kind.value)
            whole = is_whole()
            wanted = sa.select(c.sha256, c.media_type, whole.label("whole")).where(*key)
            found = db.execute(wanted.order_by(whole.desc(), c.rev).limit(1)).first()
        if found is not None and not found.whole:
            hint = "Its device is asked for it again, and may have it still."
            raise NotFoundError("This picture is damaged or lost here.", hint)
        if found is None:
            hint = "It is still on the device; GET /devices says what waits there."
            raise NotFoundError("This picture has not arrived yet.", hint)
        return BlobAt(found.sha256, found.media_type)

    def devices(self) -> tuple[DeviceRow, ...]:
        """Every device that was ever heard, by name."""
        q = quarantine.c
        aside = sa.select(q.device, sa.func.count()).group_by(q.device)
        with reading(self._engine) as db:
            bad = {row[0]: row[1] for row in db.execute(aside)}
            rows = db.execute(sa.select(devices).order_by(devices.c.device)).all()
        return tuple(_device(row, bad) for row in rows)

    def counts(self) -> Mapping[str, int]:
        """How many cases stand where, by status."""
        counted = sa.select(cases.c.status, sa.func.count()).group_by(cases.c.status)
        with reading(self._engine) as db:
            return {row[0]: row[1] for row in db.execute(counted)}

    def quarantined(self) -> int:
        """How many payloads were put aside."""
        return self._count(quarantine)

    def damaged(self) -> int:
        """How many photos and thumbnails came and are damaged or gone here."""
        return self._count(damaged)

    def scrubbed(self) -> datetime | None:
        """When all pictures were last looked at; None before the first time."""
        with reading(self._engine) as db:
            at = db.execute(sa.select(scrubs.c.finished_us)).scalar()
        return from_us(at) if at else None

    def _count(self, table: sa.Table) -> int:
        with reading(self._engine) as db:
            return int(db.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _row(db: sa.Connection, case_id: str, device: str | None) -> Any:
    c = cases.c
    wanted = sa.select(c.no, c.device, c.case_id, c.rev, c.status, c.taken_us, c.received_us)
    wanted = wanted.where(c.case_id == case_id)
    if device is not None:
        wanted = wanted.where(c.device == device)
    rows = db.execute(wanted.limit(2)).all()
    if not rows:
        raise NotFoundError("There is no such case here.", "GET /cases lists them.")
    if len(rows) > 1:
        raise AmbiguousError("Several devices sent a case of this id.", "Add ?device=NAME.")
    return rows[0]


def _entries(db: sa.Connection, rows: Sequence[Any]) -> tuple[Entry, ...]:
    """Read the bodies of some cases, and what is here of their photos."""
    if not rows:
        return ()
    keys = [(row.device, row.case_id, row.rev) for row in rows]
    r, p = revisions.c, parcels.c
    revs = r.rev.in_(sorted({key[2] for key in keys}))
    bodies = sa.select(revisions).where(of_cases(r.device, r.case_id), revs)
    shown = set(keys)
    found = {
        (b.device, b.case_id): json.loads(b.body)
        for b in db.execute(bodies, these(keys))
        if (b.device, b.case_id, b.rev) in shown
    }
    held = sa.select(p.device, p.case_id, p.kind, p.image, is_whole().label("whole")).where(
        of_cases(p.device, p.case_id), p.kind != Kind.CASE.value
    )
    here: dict[tuple[str, str], Here] = defaultdict(dict)
    for row in db.execute(held, these(keys)):
        of_case, picture = here[row.device, row.case_id], (row.kind, row.image)
        of_case[picture] = of_case.get(picture, False) or bool(row.whole)
    return tuple(
        _entry(row, found[row.device, row.case_id], here[row.device, row.case_id]) for row in rows
    )


def _entry(row: Any, body: dict[str, Any], here: Here) -> Entry:
    names = [image["sha256"] for image in body["images"]]
    photos = [here.get((Kind.IMAGE.value, name)) for name in names]
    thumbs = [here.get((Kind.THUMB.value, name)) for name in names]
    images = tuple(
        Held(name, bool(photo), bool(thumb), lost=photo is False)
        for name, photo, thumb in zip(names, photos, thumbs, strict=True)
    )
    complete = all(held.original for held in images)
    receipt = Receipt(from_us(row.received_us), row.status, images, complete)
    return Entry({**body, "device": row.device}, receipt)


def _device(row: Any, aside: Mapping[str, int]) -> DeviceRow:
    return DeviceRow(
        device=row.device,
        online=bool(row.online),
        first_seen=from_us(row.first_us),
        last_seen=from_us(row.seen_us),
        cases=row.cases,
        last_seq=row.last_seq,
        gaps=row.last_seq - row.cases,
        quarantined=aside.get(row.device, 0),
        state=json.loads(row.state),
    )
