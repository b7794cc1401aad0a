"""What the tower is known to hold: a leaf for each number, and what a comparison makes of it.

A receipt is written when the tower holds all of a case. It outlives the case on this device, so
that a digest says the same however much has made room since. What it says has to be confirmed by a
comparison before anything of the case may leave the device.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.store import settings
from edge.store.times import to_us
from sync.digests import MAX_ITEMS, WIDE, Content, Item, Range, Sum, leaf, sum_of, wide_ranges
from sync.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlite_utils import Database

COMPARED = "compared"
"""Setting: when both ends were compared last, microseconds since 1970."""
WISH = "wish"
"""Setting: number of the last wish of the tower to compare that was fulfilled."""


@dataclass(frozen=True, slots=True)
class Own:
    """What this device could send of a narrow range."""

    range: Range
    """The range, or its beginning where there is much in it."""
    items: tuple[Item, ...]
    """Everything of the cases that the tower said it holds."""
    leaves: tuple[tuple[int, bytes], ...]
    """Number and leaf, as they are noted here."""


def note(db: Database, seq: int) -> None:
    """Note that the tower holds all of a case; nothing has confirmed it yet."""
    found = content_of(db, seq)
    db.execute(
        "INSERT INTO receipts (seq, leaf, agreed) VALUES (:seq, :leaf, NULL)"
        " ON CONFLICT (seq) DO UPDATE SET leaf = :leaf, agreed = NULL",
        {"seq": seq, "leaf": leaf([found])},
    )


def note_all(db: Database) -> None:
    """Note every case that is `stored`: a database of an earlier version has no receipts."""
    for (seq,) in db.execute("SELECT seq FROM cases WHERE sync = 'stored'").fetchall():
        note(db, seq)


def content_of(db: Database, seq: int) -> Content:
    """What the tower holds of a case of which it holds everything."""
    case_id, rev, body = db.execute(
        "SELECT id, rev, body FROM cases WHERE seq = ?", (seq,)
    ).fetchone()
    images = _images(db, seq)
    lost = {r[0] for r in db.execute("SELECT sha256 FROM lost WHERE seq = ?", (seq,))}
    return Content(
        case_id,
        rev,
        hashlib.sha256(str(body).encode()).hexdigest(),
        frozenset(sha256 for sha256, _ in images if sha256 not in lost),
        frozenset(sha256 for sha256, thumb in images if thumb),
    )


def ranges(db: Database, *, unconfirmed: bool) -> tuple[Range, ...]:
    """What to compare: everything, or only where something has not been confirmed yet."""
    if unconfirmed:
        sql = f"SELECT DISTINCT (seq - 1) / {WIDE} FROM receipts WHERE agreed IS NULL ORDER BY 1"
        return wide_ranges(row[0] for row in db.execute(sql).fetchall())
    highest = db.execute("SELECT coalesce(max(seq), 0) FROM receipts").fetchone()[0]
    top = max(highest, settings.last_seq(db))
    return wide_ranges(range(-(-top // WIDE)))


def sums(db: Database, wanted: Iterable[Range]) -> tuple[Sum, ...]:
    """What the tower is believed to hold in these ranges."""
    return tuple(sum_of(within, _leaves(db, within)) for within in wanted)


def own(db: Database, within: Range) -> Own:
    """What this device could send of a narrow range."""
    items: list[Item] = []
    last = within.last
    rows = db.execute(
        "SELECT seq, id, rev, body FROM cases WHERE seq BETWEEN ? AND ? AND sync = 'stored'"
        " ORDER BY seq",
        (within.first, within.last),
    ).fetchall()
    for seq, case_id, rev, body in rows:
        of_case = _items(db, seq, case_id, rev, body)
        if items and len(items) + len(of_case) > MAX_ITEMS:
            last = seq - 1
            break
        items += of_case[:MAX_ITEMS]
    chosen = Range(within.first, last)
    return Own(chosen, tuple(items), tuple(_leaves(db, chosen)))


def agree(db: Database, asked: Sum, now: datetime) -> bool:
    """Note that the tower holds the same in a range, unless something has changed here since."""
    if sums(db, [asked.range]) != (asked,):
        return False
    db.execute(
        "UPDATE receipts SET agreed = ? WHERE seq BETWEEN ? AND ? AND agreed IS NULL",
        (to_us(now), asked.range.first, asked.range.last),
    )
    return True


def adopt(db: Database, seq: int, theirs: bytes | None, now: datetime) -> None:
    """Take down what the tower holds of a number, so that the same is told only once."""
    if theirs is None:
        db.execute("DELETE FROM receipts WHERE seq = ?", (seq,))
        return
    db.execute(
        "INSERT INTO receipts (seq, leaf, agreed) VALUES (:seq, :leaf, :now)"
        " ON CONFLICT (seq) DO UPDATE SET leaf = :leaf, agreed = :now",
        {"seq": seq, "leaf": theirs, "now": to_us(now)},
    )


def lose(db: Database, seq: int, sha256: str = "") -> int:
    """Note that neither end holds a photo, or the case itself; 1 where that is news."""
    sql = "INSERT INTO lost (seq, sha256) VALUES (?, ?) ON CONFLICT DO NOTHING"
    return int(db.execute(sql, (seq, sha256)).rowcount > 0)


def find_again(db: Database, within: Range, missing: Iterable[Item]) -> None:
    """Forget that photos of a range are lost, unless they are still missing."""
    still = {item.sha256 for item in missing if item.kind is Kind.IMAGE}
    sql = "SELECT seq, sha256 FROM lost WHERE seq BETWEEN ? AND ? AND sha256 <> ''"
    for seq, sha256 in db.execute(sql, (within.first, within.last)).fetchall():
        if sha256 not in still:
            db.execute("DELETE FROM lost WHERE seq = ? AND sha256 = ?", (seq, sha256))


def lost(db: Database) -> int:
    """How much was found on neither end."""
    return int(db.execute("SELECT count(*) FROM lost").fetchone()[0])


def _leaves(db: Database, within: Range) -> Sequence[tuple[int, bytes]]:
    sql = "SELECT seq, leaf FROM receipts WHERE seq BETWEEN ? AND ? ORDER BY seq"
    return [(seq, bytes(one)) for seq, one in db.execute(sql, (within.first, within.last))]


def _images(db: Database, seq: int) -> list[tuple[str, bool]]:
    """SHA-256 of each photo of a case, and whether it has a thumbnail."""
    sql = "SELECT sha256, max(thumb_bytes) > 0 FROM case_images WHERE seq = ? GROUP BY sha256"
    return [(sha256, bool(thumb)) for sha256, thumb in db.execute(sql, (seq,))]


def _items(db: Database, seq: int, case_id: str, rev: int, body: str) -> list[Item]:
    items = [Item(case_id, rev, Kind.CASE, hashlib.sha256(str(body).encode()).hexdigest())]
    for sha256, thumb in _images(db, seq):
        items += [Item(case_id, rev, Kind.THUMB, sha256)] * thumb
        items.append(Item(case_id, rev, Kind.IMAGE, sha256))
    return items
