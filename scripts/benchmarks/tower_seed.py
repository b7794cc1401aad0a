"""An archive of many cases, as rows alone: for measuring how the tower behaves when it is full."""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tests.fakes.drafts import photo, record
from tests.fakes.keeps import Bench, opened
from tests.fakes.parcels import SentCase
from tests.fakes.seeding import case_of
from tower_sync_server.archive.search import ROOM

if TYPE_CHECKING:
    from pathlib import Path

BASE = 2_000
"""Cases that are taken in one by one; the others repeat them, with their own numbers and times."""
BEGIN = datetime(2024, 11, 20, tzinfo=UTC)
MINUTES = 1
"""Between two cases: a million of them are two years."""
DEVICES = 50
COPIES = {
    "parcels": (
        "device, case_id, rev, kind, image, sha256, size, media_type, stored_us",
        "device, {id}, rev, kind, image, sha256, size, media_type, stored_us",
    ),
    "revisions": ("device, case_id, rev, body", "device, {id}, rev, body"),
    "cases": (
        "device, case_id, rev, seq, status, profile, taken_us, received_us, place, words",
        "device, {id}, rev, seq + :seqs, status, profile, taken_us + :later, received_us,"
        " place + :later * :room, words",
    ),
}


def seed(folder: Path, count: int, dsn: str = "") -> None:
    """Fill an archive in `folder` with `count` cases, one a minute."""
    with opened(folder, dsn) as keep:
        _take_in(Bench(keep), min(count, BASE))
        with keep.engine.connect() as db:
            for first in range(BASE, count, BASE):
                _repeat(db, first)
                db.commit()
                if first % (50 * BASE) == 0:
                    print(f"{first} cases are made", file=sys.stderr)
            _index(db)
            db.commit()


def _take_in(bench: Bench, count: int) -> None:
    images = (record(photo(1)),)
    chunks = []
    for number in range(count):
        made = case_of(number + 1, images).case
        created = (BEGIN + timedelta(minutes=MINUTES * number)).isoformat()
        seen = [{"label": p.label, "shown": p.shown} for p in made.predictions]
        more: dict[str, Any] = {
            "created": created,
            "status": made.status.value,
            "profile": made.profile,
            "form": dict(made.form),
            "summary": {"text": made.summary.text, "author": "template", "verified": True},
            "predictions": [{**p, "confidence": 0.5} for p in seen],
        }
        case = SentCase(
            id=_id(random.Random(number)),  # noqa: S311 - no secret
            seq=number // DEVICES + 1,
            photo=b"x",
            more=more,
        )
        chunks.append((f"device-{number % DEVICES}", case.case().chunk(0)))
        if len(chunks) == 200 or number + 1 == count:
            for device in {name for name, _ in chunks}:
                bench.say_all([c for name, c in chunks if name == device], device)
            chunks = []


def _id(chance: random.Random) -> str:
    """Ids end with twelve zeros, where the copies have their number."""
    digits = f"{chance.getrandbits(80):020x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-000000000000"


def _repeat(db: sa.Connection, first: int) -> None:
    """Take the first cases in again, later by as many minutes."""
    values = {
        "later": first * MINUTES * 60 * 10**6,
        "seqs": first // DEVICES,
        "tail": f"{first:012d}",
        "room": ROOM,
    }
    for table, (columns, wanted) in COPIES.items():
        rows = wanted.format(id="substr(case_id, 1, 24) || :tail")
        sql = f"INSERT INTO {table} ({columns}) SELECT {rows} FROM {table}"  # noqa: S608
        sql += " WHERE case_id LIKE '%-000000000000'"
        text = sa.text(sql)
        db.execute(text, {name: values[name] for name in text.compile().params})


def _index(db: sa.Connection) -> None:
    """Labels and words of the copies."""
    db.execute(
        sa.text(
            "INSERT INTO case_labels (label, taken_us, no) SELECT l.label, c.taken_us, c.no"
            " FROM cases c JOIN cases o ON o.case_id = substr(c.case_id, 1, 24) || '000000000000'"
            " AND o.device = c.device JOIN case_labels l ON l.no = o.no WHERE c.no <> o.no"
        )
    )
    if db.dialect.name == "sqlite":
        db.execute(sa.text("INSERT INTO case_search (case_search) VALUES ('rebuild')"))
        db.execute(sa.text("ANALYZE"))
        return
    db.execute(sa.text("ANALYZE"))
