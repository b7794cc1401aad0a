"""What the archive holds of a device, by ranges of its cases' numbers; see `sync.digests`.

Nothing is kept for this: a question is a query over the index of numbers, whichever worker it
reaches, and asking it again gives the same answer.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sync import topics
from sync.digest_codec import decode_question
from sync.digests import (
    Answer,
    Compare,
    Content,
    Held,
    Item,
    Question,
    Range,
    compare,
    leaf,
    sum_of,
)
from sync.messages import Kind
from tower_sync_server.archive.damage import is_whole
from tower_sync_server.archive.tables import cases, parcels
from tower_sync_server.archive.tombstones import purged, purged_of
from tower_sync_server.database.engine import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Row = tuple[Any, ...]
"""Number, id and newest revision of a case; kind, photo and SHA-256 of one of its parcels."""
IMAGE, THUMB = Kind.IMAGE.value, Kind.THUMB.value
GONE = ""
"""Stands for the SHA-256 of a case that people removed for good: it is not to come again."""


class Digests:
    """Answers what devices ask in a comparison; reads the archive, writes nothing."""

    def __init__(self, engine: sa.Engine) -> None:
        """Use a database that has been migrated."""
        self._engine = engine

    def take(self, topic: str, payload: bytes) -> tuple[str, Answer]:
        """The device that asked, and the answer.

        Raises:
            BadNameError, WireError: it is no question.
            UnavailableError: the database can't be reached now.
        """
        device = topics.parse_digest(topic)
        return device, self.answer(device, decode_question(payload))

    def answer(self, device: str, question: Question) -> Answer:
        """What this device has to know."""
        with reading(self._engine) as db:
            if isinstance(question, Compare):
                ranges = [one.range for one in question.sums]
                here = [sum_of(within, _leaves(db, device, within)) for within in ranges]
                return compare(question.number, question.sums, here)
            missing = _missing(db, device, question.items)
            return Held(question.number, missing, tuple(_leaves(db, device, question.range)))


def _leaves(db: sa.Connection, device: str, within: Range) -> Sequence[tuple[int, bytes]]:
    """Number and leaf of what is held, by number."""
    found: dict[int, list[Content]] = {}
    for (seq, case, rev), rows in groupby(_rows(db, device, within), key=itemgetter(0, 1, 2)):
        found.setdefault(seq, []).append(_content(case, rev, rows))
    for seq, case in _gone(db, device, within):
        found.setdefault(seq, []).append(Content(case, 0, GONE))
    return [(seq, leaf(found[seq])) for seq in sorted(found)]


def _rows(db: sa.Connection, device: str, within: Range) -> Iterable[Row]:
    """Number, id and newest revision of each case, with every parcel that counts."""
    c, p = cases.c, parcels.c
    mine = sa.and_(p.device == c.device, p.case_id == c.case_id)
    newest = sa.or_(p.kind != Kind.CASE.value, p.rev == c.rev)
    found = db.execute(
        sa.select(c.seq, c.case_id, c.rev, p.kind, p.image, p.sha256)
        .select_from(cases.join(parcels, sa.and_(mine, newest)))
        .where(c.device == device, c.seq.between(within.first, within.last), is_whole())
        .order_by(c.seq, c.case_id)
    )
    return map(tuple, found)  # a row is slow to take apart, and there are many


def _gone(db: sa.Connection, device: str, within: Range) -> Iterable[tuple[int, str]]:
    """Number and id of the cases that people removed for good."""
    c = purged.c
    found = sa.select(c.seq, c.case_id).where(
        c.device == device, c.seq.between(within.first, within.last)
    )
    return [(row.seq, row.case_id) for row in db.execute(found)]


def _content(case: str, rev: int, rows: Iterable[Row]) -> Content:
    sha256, images, thumbs = "", [], []
    for *_, kind, image, held in rows:
        if kind == IMAGE:
            images.append(image)
        elif kind == THUMB:
            thumbs.append(image)
        else:
            sha256 = held
    return Content(case, rev, sha256, frozenset(images), frozenset(thumbs))


def _missing(db: sa.Connection, device: str, items: Sequence[Item]) -> tuple[int, ...]:
    """Indices of the parcels that are not held; nothing is missing of what was removed for good."""
    c = parcels.c
    wanted = sorted({item.case for item in items})
    gone = {case for _, case in purged_of(db, [(device, case) for case in wanted])}
    rows = db.execute(
        sa.select(c.case_id, c.rev, c.kind, c.image, c.sha256).where(
            c.device == device, c.case_id.in_(wanted), is_whole()
        )
    ).all()
    held = {(row.case_id, row.rev, row.sha256) for row in rows if row.kind == Kind.CASE.value}
    photos = {(row.case_id, row.kind, row.image) for row in rows}
    return tuple(
        n
        for n, item in enumerate(items)
        if item.case not in gone and not _is_held(item, held, photos)
    )


def _is_held(
    item: Item, held: set[tuple[str, int, str]], photos: set[tuple[str, str, str]]
) -> bool:
    if item.kind is Kind.CASE:
        return (item.case, item.rev, item.sha256) in held
    return (item.case, item.kind.value, item.sha256) in photos
