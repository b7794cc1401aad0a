"""The rows of a case: the case itself, its place in the list, its text, its images."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edge.errors import NotFoundError, OperatorError
from edge.store.sidecars import Sidecar
from edge.store.times import from_us, to_us
from models.case import Case, Status, Sync, SyncPhase
from models.jsonable import from_json, to_json

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from sqlite_utils import Database

COLUMNS = "body, sync, sync_at, deleted_at, restore_to"
EVERYTHING = ""
"""The label under which every case is listed."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A stored photo, as a case refers to it."""

    sha256: str
    """Of its bytes."""
    media_type: str
    """Which tells its file's name."""
    evicted: bool
    """True once the original has made room for newer ones."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What of an image is on the disk."""

    original: bool
    """Whether the original is."""
    thumb_bytes: int
    """Of its thumbnail; 0 where there is none."""


def insert(db: Database, sidecar: Sidecar, here: Mapping[str, Presence]) -> None:
    """Add the rows of a case; `here` says of each SHA-256 what of that image is on the disk."""
    case = sidecar.case
    values = {"seq": case.seq, "id": case.id, "created": to_us(case.created), **_changing(sidecar)}
    names = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    db.execute(f"INSERT INTO cases ({names}) VALUES ({places})", values)
    for place, image in enumerate(case.images):
        found = here[image.sha256]
        row = (case.seq, place, image.sha256, image.media_type, image.size)
        db.execute(
            "INSERT INTO case_images VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*row, found.thumb_bytes, not found.original),
        )
    _list(db, case)


def update(db: Database, before: Case, sidecar: Sidecar) -> None:
    """Put a new revision in the place of `before`."""
    values = _changing(sidecar)
    assignments = ", ".join(f"{name} = :{name}" for name in values)
    parameters = {**values, "seq": before.seq}
    db.execute(f"UPDATE cases SET {assignments} WHERE seq = :seq", parameters)
    _unlist(db, before)
    _list(db, sidecar.case)


def delete(db: Database, case: Case) -> None:
    """Remove every row of a case."""
    _unlist(db, case)
    for table in ("outbox", "keys", "case_images", "cases"):
        db.execute(f"DELETE FROM {table} WHERE seq = ?", (case.seq,))


def read(db: Database, case_id: str) -> Sidecar:
    """A case with what the store knows of it besides.

    Raises:
        NotFoundError: there is none of this id.
    """
    row = db.execute(f"SELECT {COLUMNS} FROM cases WHERE id = ?", (case_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no case {case_id[:40]}.")
    return sidecar_of(row)


def by_seq(db: Database, seq: int) -> Sidecar:
    """The same, by the case's number, which has to exist."""
    return sidecar_of(db.execute(f"SELECT {COLUMNS} FROM cases WHERE seq = ?", (seq,)).fetchone())


def sidecar_of(row: sqlite3.Row | tuple[Any, ...]) -> Sidecar:
    """Make a case of a row's `COLUMNS`.

    Raises:
        OperatorError: the row has rotted where SQLite can't see it.
    """
    body, phase, sync_at, deleted_at, restore_to = row
    try:
        sync = Sync(SyncPhase(phase), None if sync_at is None else from_us(sync_at))
        case = replace(from_json(Case, json.loads(body)), sync=sync)
        deleted = None if deleted_at is None else from_us(deleted_at)
        return Sidecar(case, deleted, None if restore_to is None else Status(restore_to))
    except ValueError as e:
        hint = "Stop the device, move cases.db* away and start it: it is rebuilt from its files."
        raise OperatorError(f"A row of the database holds no case: {e}", hint) from e


def references(db: Database, case_id: str) -> list[Reference]:
    """The photos of a case, in order; empty where there is no such case."""
    rows = db.execute(
        "SELECT i.sha256, i.media_type, i.evicted FROM case_images i JOIN cases c ON c.seq = i.seq"
        " WHERE c.id = ? ORDER BY i.place",
        (case_id,),
    )
    return [Reference(sha256, media_type, bool(evicted)) for sha256, media_type, evicted in rows]


def needs_person(case: Case) -> bool:
    """True while a person should look at it and nobody has."""
    return case.status is Status.NEEDS_REVIEW and not case.feedback


def shown_labels(case: Case) -> list[str]:
    """What people are shown of it, each once."""
    return list(dict.fromkeys(p.label for p in case.predictions if p.shown))


def text_of(case: Case) -> str:
    """What a search finds the case by: the form, the summary, the labels."""
    typed = (str(value) for value in case.form.values() if value not in (None, "", True, False))
    return "\n".join((*typed, case.summary.text, *shown_labels(case)))


def _changing(sidecar: Sidecar) -> dict[str, Any]:
    case = sidecar.case
    body = to_json(case)
    del body["sync"]  # a receipt and no revision: it has columns of its own
    return {
        "rev": case.rev,
        "needs_person": needs_person(case),
        "sync": case.sync.state.value,
        "sync_at": None if case.sync.at is None else to_us(case.sync.at),
        "deleted_at": None if sidecar.deleted is None else to_us(sidecar.deleted),
        "restore_to": None if sidecar.restore_to is None else sidecar.restore_to.value,
        "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
    }


def _list(db: Database, case: Case) -> None:
    created = to_us(case.created)
    for label in (EVERYTHING, *shown_labels(case)):
        db.execute(
            "INSERT INTO listing VALUES (?, ?, ?, ?, ?)",
            (label, case.seq, case.status.value, case.profile, created),
        )
    db.execute("INSERT INTO case_text (rowid, text) VALUES (?, ?)", (case.seq, text_of(case)))


def _unlist(db: Database, case: Case) -> None:
    for label in (EVERYTHING, *shown_labels(case)):
        db.execute("DELETE FROM listing WHERE label = ? AND seq = ?", (label, case.seq))
    db.execute("DELETE FROM case_text WHERE rowid = ?", (case.seq,))
