"""Pages of cases: which ones, in which order, and where the next page begins."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from edge.errors import BadRequestError
from edge.store.cases import COLUMNS, EVERYTHING, sidecar_of
from edge.store.times import to_us
from models.case import Case, Status

if TYPE_CHECKING:
    from sqlite_utils import Database

MAX_LIMIT = 200
MAX_WORDS = 8


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases; everything that is set must hold."""

    status: Status | None = None
    """Where they stand; `deleted` shows the deleted ones alone."""
    label: str | None = None
    """A label people are shown."""
    profile: str | None = None
    """Which profile judged them."""
    since: datetime | None = None
    """Created then or later."""
    until: datetime | None = None
    """Created before."""
    q: str | None = None
    """Words of which each begins (a single letter: is) one of the form, the summary, the labels."""
    include_deleted: bool = False
    """True: the deleted ones among the others."""

    def __post_init__(self) -> None:
        """Refuse times that mean nothing."""
        for name in ("since", "until"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise BadRequestError(f"{name} has no offset.", "Write it as 2026-11-20T09:00Z.")


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases, newest first."""

    cases: tuple[Case, ...]
    """In the order of their numbers, highest first: a wrong clock doesn't hide a case."""
    next: str | None
    """What to send for the page after this; None at the end."""


def page(db: Database, which: Filter, cursor: str | None, limit: int) -> Page:
    """Read one page.

    Raises:
        BadRequestError: the cursor is not one of ours, or the limit is out of range.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise BadRequestError(f"limit is {limit}.", f"Ask for 1 to {MAX_LIMIT}.")
    sql, parameters = query(which, decode_cursor(cursor), full_text=has_full_text(db))
    seqs = [row[0] for row in db.execute(sql, {**parameters, "limit": limit + 1})]
    marks = ", ".join("?" * min(limit, len(seqs)))
    rows = db.execute(
        f"SELECT {COLUMNS} FROM cases WHERE seq IN ({marks}) ORDER BY seq DESC", seqs[:limit]
    )
    cases = tuple(sidecar_of(row).case for row in rows)
    return Page(cases, encode_cursor(seqs[limit - 1]) if len(seqs) > limit else None)


def after(db: Database, seq: int) -> Case | None:
    """The case with the lowest number above this one."""
    row = db.execute(
        f"SELECT {COLUMNS} FROM cases WHERE seq > ? ORDER BY seq LIMIT 1", (seq,)
    ).fetchone()
    return None if row is None else sidecar_of(row).case


def query(which: Filter, before: int | None, *, full_text: bool) -> tuple[str, dict[str, Any]]:
    """Decide the SQL that gives the numbers of a page's cases, with its parameters."""
    tables = "listing l"
    conditions = ["l.label = :label"]
    values: dict[str, Any] = {"label": which.label or EVERYTHING}
    order = "l.seq"
    if which.q is not None and which.q.strip():
        order = "t.rowid"
        tables = "case_text t CROSS JOIN listing l ON l.seq = t.rowid"
        condition, words = _search(which.q, full_text=full_text)
        conditions.append(condition)
        values |= words
    for condition, parameters in (*_plain(which), *_bounds(which, before, order)):
        conditions.append(condition)
        values |= parameters
    where = " AND ".join(conditions)
    return f"SELECT l.seq FROM {tables} WHERE {where} ORDER BY {order} DESC LIMIT :limit", values


def _plain(which: Filter) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    if which.status is not None:
        found.append(("l.status = :status", {"status": which.status.value}))
    elif not which.include_deleted:
        found.append(("l.status <> :deleted", {"deleted": Status.DELETED.value}))
    if which.profile is not None:
        found.append(("l.profile = :profile", {"profile": which.profile}))
    if which.since is not None:
        found.append(("l.created >= :since", {"since": to_us(which.since)}))
    if which.until is not None:
        found.append(("l.created < :until", {"until": to_us(which.until)}))
    return found


def _bounds(which: Filter, before: int | None, order: str) -> list[tuple[str, dict[str, Any]]]:
    """Where the numbers of the page can lie: with it, a few recent cases are found at once.

    Times and numbers grow together as long as the clock was right, and only then is this narrow.
    """
    found: list[tuple[str, dict[str, Any]]] = []
    if before is not None:
        found.append((f"{order} < :before", {"before": before}))
    if which.since is not None:
        first = "(SELECT min(seq) FROM cases INDEXED BY cases_created WHERE created >= :since)"
        found.append((f"{order} >= {first}", {}))
    if which.until is not None:
        last = "(SELECT max(seq) FROM cases INDEXED BY cases_created WHERE created < :until)"
        found.append((f"{order} <= {last}", {}))
    return found


def _search(q: str, *, full_text: bool) -> tuple[str, dict[str, Any]]:
    words = [w for w in q.replace("\0", " ").split() if any(c.isalnum() for c in w)][:MAX_WORDS]
    if not words:
        return "0", {}
    if full_text:
        return "case_text MATCH :q", {"q": " ".join(_term(word) for word in words)}
    escaped = [w.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for w in words]
    likes = " AND ".join(f"t.text LIKE :q{n} ESCAPE '\\'" for n in range(len(words)))
    return likes, {f"q{n}": f"%{word}%" for n, word in enumerate(escaped)}


def _term(word: str) -> str:
    """A word for FTS5, as data; from two characters on it is the beginning of one."""
    return '"' + word.replace('"', '""') + ('"*' if len(word) > 1 else '"')


def has_full_text(db: Database) -> bool:
    """Whether the texts are in an FTS5 table, and not in a plain one."""
    row = db.execute("SELECT sql FROM sqlite_master WHERE name = 'case_text'").fetchone()
    return "fts5" in row[0]


def counts(db: Database) -> dict[str, int]:
    """Status → how many cases stand there."""
    found = dict.fromkeys((status.value for status in Status), 0)
    found.update(
        db.execute(
            "SELECT status, count(*) FROM listing WHERE label = ? GROUP BY status", (EVERYTHING,)
        ).fetchall()
    )
    return found


def encode_cursor(seq: int) -> str:
    """An opaque word for `the cases below this number`."""
    return base64.urlsafe_b64encode(f"c{seq}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> int | None:
    """The number in a cursor; None for the first page.

    Raises:
        BadRequestError: it is not one of ours.
    """
    if not cursor:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        if text[:1] == "c" and text[1:].isdecimal() and len(text) < 20:
            return int(text[1:])
    except (binascii.Error, ValueError):
        pass
    raise BadRequestError("The cursor is not one of ours.", "Send `next` as it came, or nothing.")
