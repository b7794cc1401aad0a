"""Many cases at once, as rows alone: for measuring how the store behaves when it is full."""

from __future__ import annotations

import random
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from edge.store import cases, settings
from edge.store.cases import Presence
from edge.store.database import connect, transaction
from edge.store.files import NewFiles
from edge.store.layout import Layout
from edge.store.migrations import migrate
from edge.store.opening import make_folders
from edge.store.sidecars import Sidecar, encode
from models.case import Case, Decision, Outcome, Status, Summary
from models.detection import Prediction, Source
from tests.fakes.drafts import LABELS, NOON, draft, photo

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from models.case import ImageRecord

TOWNS = ("Lyon", "Graz", "Turku", "Porto", "Gdańsk", "Bergen", "Ghent", "Brno")
NAMES = ("Ada", "Zoë", "Mirko", "Ines", "Paul", "Oksana", "Liam", "Noor", "Tove", "Emil")
PLACES = {
    Status.ACCEPTED: 80,
    Status.NEEDS_REVIEW: 15,
    Status.REJECTED: 4,
    Status.DELETED: 1,
}


BEGIN = NOON - timedelta(days=100)
"""When the first case is made."""
BASE = 2000
"""Cases that are made one by one; the others repeat them, with their own numbers and times."""


def seed(folder: Path, count: int, *, with_sidecars: bool = False) -> None:
    """Fill an empty store in `folder` with `count` cases, one a minute, all of the same photo."""
    layout = Layout(folder)
    make_folders(layout)
    one = photo(1)
    with NewFiles(layout.tmp) as files:
        files.add(layout.image(one.sha256, one.media_type), one.data)
        files.add(layout.thumb(one.sha256), one.thumbnail)
        files.publish()
    db = connect(layout.database, "OFF")
    try:
        migrate(db)
        with transaction(db):
            here = {one.sha256: Presence(True, len(one.thumbnail))}
            for seq in range(1, min(count, BASE) + 1):
                cases.insert(db, case_of(seq, draft([one]).images), here)
            for first in range(BASE, count, BASE):
                _repeat(db, first, min(BASE, count - first))
            settings.put(db, settings.NEXT_SEQ, str(count + 1))
        if with_sidecars:
            _write_sidecars(db, layout)
    finally:
        db.close()


def _repeat(db: Database, first: int, count: int) -> None:
    """Insert the first `count` cases again, their numbers and minutes later by `first`."""
    values = {"first": first, "count": count, "later": first * 60 * 10**6}
    for table, (into, columns, number) in COPIES.items():
        rows = f"SELECT {columns} FROM {table} WHERE {number} <= :count"
        db.execute(f"INSERT INTO {table} {into} {rows}", values)


_ID = "printf('%08x-0000-4000-8000-%012x', (seq + :first) * 2654435761 % 4294967296, seq + :first)"
_ISO = "strftime('%Y-%m-%dT%H:%M:%S+00:00', (created + :later) / 1000000, 'unixepoch')"
_BODY = f"json_set(body, '$.seq', seq + :first, '$.id', {_ID}, '$.created', {_ISO})"
COPIES = {
    "cases": (
        "",
        f"seq + :first, {_ID}, rev, created + :later, needs_person, sync, sync_at, deleted_at,"
        f" restore_to, {_BODY}",
        "seq",
    ),
    "listing": ("", "label, seq + :first, status, profile, created + :later", "seq"),
    "case_images": (
        "",
        "seq + :first, place, sha256, media_type, bytes, thumb_bytes, evicted",
        "seq",
    ),
    "case_text": ("(rowid, text)", "rowid + :first, text", "rowid"),
}


def _write_sidecars(db: Database, layout: Layout) -> None:
    for row in db.execute(f"SELECT {cases.COLUMNS} FROM cases"):
        sidecar = cases.sidecar_of(row)
        path = layout.sidecar(sidecar.case.id, sidecar.case.created)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(sidecar))


def case_of(seq: int, images: tuple[ImageRecord, ...]) -> Sidecar:
    """The case of that number, the same every time."""
    chance = random.Random(seq)
    status = chance.choices(list(PLACES), list(PLACES.values()))[0]
    boxes = [[chance.uniform(0, 700) for _ in range(4)] for _ in range(chance.randint(0, 6))]
    seen = tuple(
        Prediction(
            chance.choice(LABELS), chance.random(), (x, y, x + w, y + h), Source.DETECTOR, None,
            chance.random() < 0.7,
        )
        for x, y, w, h in boxes
    )  # fmt: skip
    plate = f"{chance.choice('ABCDEFG')}{chance.choice('KLMN')}-{chance.randint(0, 9999):04d}"
    shown = ", ".join(p.label.replace("_", " ") for p in seen if p.shown) or "nothing"
    text = f"Seen on the vehicle: {shown}. A person should look at it before it is repaired."
    reasons = () if status is Status.ACCEPTED else ("The surest one is at 41 %, below 60 %.",)
    outcome = Outcome.ACCEPTED if status is Status.ACCEPTED else Outcome.NEEDS_REVIEW
    base: Case = _BASE_DRAFT.numbered(str(uuid.UUID(int=chance.getrandbits(128))), seq)
    case = replace(
        base,
        images=images,
        created=BEGIN + timedelta(minutes=seq),
        profile=chance.choices(("vehicle-damage", "skin", "crop-pest"), (90, 8, 2))[0],
        status=status,
        predictions=seen,
        decision=Decision(outcome, reasons),
        summary=Summary(text, base.summary.author, True),
        form={
            "client": f"{chance.choice(NAMES)} {chance.choice(TOWNS)}",
            "plate": plate,
            "make": chance.choice(("Volvo", "Skoda", "Fiat", "Renault")),
            "year": chance.randint(1990, 2026),
            "mileage": chance.randint(1, 300_000),
            "notes": f"left at the {chance.choice(TOWNS)} yard",
        },
    )
    if status is not Status.DELETED:
        return Sidecar(case)
    return Sidecar(case, NOON, Status.ACCEPTED)


_BASE_DRAFT = draft([photo(1)])
