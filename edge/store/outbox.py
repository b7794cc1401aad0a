"""What the tower doesn't hold yet: a row for each thing to send, kept until all of a case is there.

A rejected case travels like any other: its status says what people thought of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from edge.store import receipts
from edge.store.times import to_us
from models.case import Status, SyncPhase

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from sqlite_utils import Database

    from edge.store.cases import Presence
    from models.case import Case


THESE = "(SELECT value FROM json_each(?))"
"""Numbers that come as one parameter, however many they are."""


class Kind(StrEnum):
    """What is sent."""

    CASE = "case"
    THUMB = "thumb"
    IMAGE = "image"


class Phase(StrEnum):
    """How far it is."""

    QUEUED = "queued"
    SENT = "sent"
    STORED = "stored"
    DEAD = "dead"


KINDS, PHASES = {kind.value: kind for kind in Kind}, {phase.value: phase for phase in Phase}
"""What rows call them."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One thing to send."""

    id: int
    """Of the row."""
    case_id: str
    """Whose."""
    rev: int
    """Of the case when this was queued."""
    kind: Kind
    """The case itself, a thumbnail or an original."""
    sha256: str
    """Of the original; "" for a case."""
    size: int
    """Bytes, about."""
    phase: Phase
    """How far it is."""
    attempts: int
    """How often it was handed to the transport."""
    reason: str
    """Why the tower refused it, also once it was queued again; else ""."""
    late: bool = False
    """Whether it is of a rejected case, and goes after all others."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is still only here."""

    cases: int
    """Cases of which something is."""
    parcels: int
    """Things to send."""
    size: int
    """Their bytes, about."""
    dead: int
    """Things the tower refused for good."""
    oldest_us: int | None
    """When the oldest of them was queued, microseconds since 1970; None where there is none."""


@dataclass(frozen=True, slots=True)
class Travelled:
    """Cases that have come further by what was noted, by id."""

    stored: Sequence[str]
    """The tower holds all of these now."""
    sent: Sequence[str]
    """Something of these is on its way now."""


def enqueue(
    db: Database,
    case: Case,
    size: int,
    now: datetime,
    here: Mapping[str, Presence] | None = None,
) -> None:
    """Queue a revision; an older one that waits is dropped, since its content is gone.

    Args:
        db: inside a transaction.
        case: at its new revision.
        size: bytes of the case itself, about.
        now: wall time.
        here: for a new case: SHA-256 → what of the image is on the disk. Images travel once.
    """
    older = (case.seq, Kind.CASE.value, case.rev)
    db.execute("DELETE FROM outbox WHERE seq = ? AND kind = ? AND rev < ?", older)
    parcels = [(Kind.CASE, "", size)]
    for image, found in [(i, here[i.sha256]) for i in case.images] if here is not None else []:
        parcels += [(Kind.THUMB, image.sha256, found.thumb_bytes)] * bool(found.thumb_bytes)
        parcels += [(Kind.IMAGE, image.sha256, image.size)] * found.original
    late = case.status is Status.REJECTED
    db.execute("UPDATE outbox SET late = ? WHERE seq = ?", (late, case.seq))
    _insert(db, (case.seq, case.rev, late), parcels, now)


def enqueue_again(
    db: Database, seq: int, parcels: Iterable[tuple[Kind, str, int]], now: datetime
) -> str:
    """Queue parcels of a case that the tower has lost; gives the case's id.

    They count as sent before, so that the tower is asked before anything goes again.
    """
    sql = "SELECT c.id, c.rev, l.status FROM cases c JOIN listing l ON l.seq = c.seq"
    case_id, rev, status = db.execute(f"{sql} AND l.label = '' WHERE c.seq = ?", (seq,)).fetchone()
    _insert(db, (seq, rev, status == Status.REJECTED.value), parcels, now, attempts=1)
    db.execute(
        "UPDATE cases SET sync = ?, sync_at = NULL WHERE seq = ?", (SyncPhase.QUEUED.value, seq)
    )
    return str(case_id)


def _insert(
    db: Database,
    case: tuple[int, int, bool],
    parcels: Iterable[tuple[Kind, str, int]],
    now: datetime,
    attempts: int = 0,
) -> None:
    """Add rows for parcels (kind, SHA-256, bytes) of a case (number, revision, late)."""
    for kind, sha256, length in parcels:
        db.execute(
            "INSERT INTO outbox"
            " (seq, rev, late, kind, sha256, bytes, created, state, attempts)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*case, kind.value, sha256, length, to_us(now), Phase.QUEUED.value, attempts),
        )


def pending(db: Database, limit: int) -> list[Parcel]:
    """What to send next, oldest first: queued, or sent without a receipt."""
    return _parcels(db, "o.state IN ('queued', 'sent') ORDER BY o.id LIMIT ?", (limit,))


def next_up(db: Database, known: Collection[int], room: int) -> list[Parcel]:
    """The `room` most urgent ones besides the `known`.

    Rejected cases go after all others; of both, all texts and thumbnails before any original.
    """
    which = f"o.state IN ('queued', 'sent') AND o.id NOT IN {THESE}"
    order = "ORDER BY o.late, o.kind = 'image', o.id LIMIT ?"
    return _parcels(db, f"{which} {order}", (json.dumps(list(known)), room))


def unsettled(db: Database, known: Collection[int]) -> list[int]:
    """Those of the `known` that still wait; the others are overtaken, stored or dead."""
    sql = f"SELECT id FROM outbox WHERE id IN {THESE} AND state IN ('queued', 'sent')"
    return [row[0] for row in db.execute(sql, (json.dumps(list(known)),))]


def mark(db: Database, stored: Sequence[int], sent: Sequence[int], now: datetime) -> Travelled:
    """Note the tower's receipts for some parcels, and that others were handed over."""
    return Travelled(
        mark_stored(db, stored, now) if stored else (),
        mark_sent(db, sent, now) if sent else (),
    )


def mark_sent(db: Database, ids: Sequence[int], now: datetime) -> list[str]:
    """Note that these were handed to the transport.

    Returns:
        The ids of the cases that are on their way by this.
    """
    chosen = (json.dumps(list(ids)),)
    db.execute(
        "UPDATE outbox SET state = 'sent', attempts = attempts + 1"
        f" WHERE id IN {THESE} AND state IN ('queued', 'sent')",
        chosen,
    )
    rows = db.execute(
        "UPDATE cases SET sync = ?, sync_at = ? WHERE sync = ?"
        f" AND seq IN (SELECT seq FROM outbox WHERE id IN {THESE}) RETURNING id",
        (SyncPhase.SENT.value, to_us(now), SyncPhase.QUEUED.value, *chosen),
    )
    return [row[0] for row in rows.fetchall()]


def mark_stored(db: Database, ids: Sequence[int], now: datetime) -> list[str]:
    """Note the tower's receipts; once it holds all of a case, the case is `stored`.

    Returns:
        The ids of the cases that are `stored` by this.
    """
    chosen = (json.dumps(list(ids)),)
    # Revisions that were overtaken meanwhile have no row.
    marked = f"UPDATE outbox SET state = 'stored' WHERE id IN {THESE} RETURNING seq"
    touched = (json.dumps(sorted({row[0] for row in db.execute(marked, chosen).fetchall()})),)
    left = f"SELECT DISTINCT seq FROM outbox WHERE seq IN {THESE} AND state <> 'stored'"
    whole = set(json.loads(touched[0])) - {row[0] for row in db.execute(left, touched)}
    if not whole:
        return []
    done = (json.dumps(sorted(whole)),)
    db.execute(f"DELETE FROM outbox WHERE seq IN {THESE}", done)
    stored = db.execute(
        f"UPDATE cases SET sync = ?, sync_at = ? WHERE seq IN {THESE} RETURNING seq, id",
        (SyncPhase.STORED.value, to_us(now), *done),
    ).fetchall()
    for seq, _ in sorted(stored):
        receipts.note(db, seq)
    return [case_id for _, case_id in sorted(stored)]


def dead_letter(db: Database, parcel: int, reason: str) -> None:
    """Note that the tower refused this for good; its case stays here, unsynced."""
    db.execute("UPDATE outbox SET state = 'dead', reason = ? WHERE id = ?", (reason, parcel))


def dead_letters(db: Database, limit: int) -> list[Parcel]:
    """What the tower refused for good, newest first."""
    return _parcels(db, "o.state = 'dead' ORDER BY o.id DESC LIMIT ?", (limit,))


def revive(db: Database) -> int:
    """Queue again what was refused, once; how many that are. The reasons stay."""
    return int(db.execute("UPDATE outbox SET state = 'queued' WHERE state = 'dead'").rowcount)


def no_thumbnail(db: Database, parcel: Parcel) -> None:
    """Note that a thumbnail is not here any more; one can be made again of the original."""
    sql = "UPDATE case_images SET thumb_bytes = 0 WHERE sha256 = ?"
    db.execute(sql, (parcel.sha256,))


def backlog(db: Database) -> Backlog:
    """Count what is still only here."""
    row = db.execute(
        "SELECT count(DISTINCT seq), count(*), coalesce(sum(bytes), 0),"
        " coalesce(sum(state = 'dead'), 0), min(created) FROM outbox WHERE state <> 'stored'"
    ).fetchone()
    return Backlog(*row)


def _parcels(db: Database, which: str, values: tuple[object, ...]) -> list[Parcel]:
    rows = db.execute(
        "SELECT o.id, c.id, o.rev, o.kind, o.sha256, o.bytes, o.state, o.attempts, o.reason, o.late"
        f" FROM outbox o JOIN cases c ON c.seq = o.seq WHERE {which}",
        values,
    )
    return [
        Parcel(i, case, rev, KINDS[kind], sha256, size, PHASES[phase], attempts, reason, bool(late))
        for i, case, rev, kind, sha256, size, phase, attempts, reason, late in rows
    ]
