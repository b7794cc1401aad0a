"""What a comparison found, carried out: what the tower doesn't hold is queued again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.store import images, outbox, receipts
from models.case import SyncPhase
from sync.digests import Item, Range
from sync.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlite_utils import Database

    from edge.store.layout import Layout
    from edge.store.receipts import Own
    from sync.comparison import Checked


@dataclass(slots=True)
class Refill:
    """What came of it."""

    cases: list[str] = field(default_factory=list)
    """Of these something is only here again."""
    parcels: int = 0
    """Things that go again."""
    lost: int = 0
    """Cases and photos that neither end holds, as was not known before."""
    only_there: int = 0
    """Numbers of which the tower holds something and this device nothing."""

    def __iadd__(self, other: Refill) -> Refill:
        """Together."""
        self.cases += other.cases
        self.parcels += other.parcels
        self.lost += other.lost
        self.only_there += other.only_there
        return self


def refill_all(db: Database, layout: Layout, within: Range, now: datetime) -> Refill:
    """Queue again everything of a range in which the tower holds nothing."""
    done = Refill()
    rows = db.execute(
        "SELECT seq FROM receipts WHERE seq BETWEEN ? AND ? ORDER BY seq",
        (within.first, within.last),
    ).fetchall()
    for (seq,) in rows:
        found = receipts.own(db, Range(seq, seq))
        done += _again(db, layout, seq, found.items, now)
        if not _is_here(db, seq):
            done.lost += receipts.lose(db, seq)
            receipts.adopt(db, seq, None, now)
    return done


def settle(db: Database, layout: Layout, asked: Own, answer: Checked, now: datetime) -> Refill:
    """Queue again what is missing of a narrow range, and take down what the tower holds of it."""
    receipts.find_again(db, asked.range, answer.missing)
    mine, theirs = dict(asked.leaves), dict(answer.leaves)
    current = dict(receipts.own(db, asked.range).leaves)
    missing: dict[str, list[Item]] = {}
    for item in answer.missing:
        missing.setdefault(item.case, []).append(item)
    done = Refill()
    for seq in range(asked.range.first, asked.range.last + 1):
        here, there = current.get(seq), theirs.get(seq)
        if here != mine.get(seq):
            continue  # it has changed since it was asked about
        if here != there:
            done += _settle_one(db, layout, seq, missing, there, now)
        elif here is not None:
            receipts.adopt(db, seq, there, now)
    return done


def _settle_one(
    db: Database,
    layout: Layout,
    seq: int,
    missing: dict[str, list[Item]],
    theirs: bytes | None,
    now: datetime,
) -> Refill:
    """One number of which both ends say something else."""
    row = db.execute("SELECT id, sync FROM cases WHERE seq = ?", (seq,)).fetchone()
    if row is None:  # it has made room here
        receipts.adopt(db, seq, theirs, now)
        if theirs is None:
            return Refill(lost=receipts.lose(db, seq))
        return Refill(only_there=1)
    if row[1] != SyncPhase.STORED.value:
        return Refill()  # it is on its way
    done = _again(db, layout, seq, missing.get(row[0], ()), now)
    if not done.cases:
        receipts.adopt(db, seq, theirs, now)
    return done


def _again(db: Database, layout: Layout, seq: int, items: Iterable[Item], now: datetime) -> Refill:
    """Queue parcels of a case that was stored; what isn't here any more is lost."""
    done, parcels = Refill(), []
    for item in items:
        row = db.execute(
            "SELECT rev, length(CAST(body AS BLOB)) FROM cases WHERE seq = ? AND sync = 'stored'",
            (seq,),
        ).fetchone()
        if row is None or row[0] != item.rev:
            return Refill()  # it has changed since, and is on its way
        if item.kind is Kind.CASE:
            parcels.append((outbox.Kind.CASE, "", row[1]))
            continue
        size = _size_here(db, layout, seq, item)
        if size:
            parcels.append((outbox.Kind(item.kind.value), item.sha256, size))
        elif item.kind is Kind.IMAGE:
            done.lost += receipts.lose(db, seq, item.sha256)
    if parcels:
        done.cases = [outbox.enqueue_again(db, seq, parcels, now)]
        done.parcels = len(parcels)
        db.execute("DELETE FROM receipts WHERE seq = ?", (seq,))
    return done


def _size_here(db: Database, layout: Layout, seq: int, item: Item) -> int:
    """Bytes of a photo or thumbnail; 0 where it isn't here any more."""
    if item.kind is Kind.THUMB:
        path = layout.thumb(item.sha256)
        return path.stat().st_size if images.is_whole_jpeg(path) else 0
    sql = "SELECT media_type, bytes FROM case_images WHERE seq = ? AND sha256 = ?"
    row = db.execute(sql, (seq, item.sha256)).fetchone()
    if row is None or not layout.image(item.sha256, row[0]).is_file():
        return 0
    return int(row[1])


def _is_here(db: Database, seq: int) -> bool:
    return db.execute("SELECT 1 FROM cases WHERE seq = ?", (seq,)).fetchone() is not None
