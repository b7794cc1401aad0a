"""Finds cases by words and by several values at once, in the order of the lists.

Both databases keep the words and marks of `archive.words` with a case. PostgreSQL has a GIN index
of them. SQLite has an FTS5 table whose row numbers are the cases' places: they grow with the time a
case was taken, so that the newest hits are read first and reading ends with the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tower_sync_server.archive import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tower_sync_server.archive.facts import Facts

ROOM = 1 << 11
"""Places of one microsecond; where it has more cases, they take those of the next."""
LAST_US = (1 << 52) - (1 << 20)
"""Moments beyond, in the year 2112, share their places."""
DELETED = "deleted"
STEP = 1000
"""Cases that are indexed at once when all are."""

fts = sa.table("case_search", sa.column("rowid"), sa.column("words"))
_cases = sa.table(
    "cases",
    *(sa.column(n) for n in ("no", "device", "case_id", "rev", "status", "profile", "taken_us")),
    sa.column("place"),
    sa.column("words", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql")),
)
_TAKEN = sa.select(_cases.c.place).where(_cases.c.place.in_(sa.bindparam("places", expanding=True)))
_INDEX = sa.text("INSERT INTO case_search (rowid, words) VALUES (:place, :words)")
_FORGET = sa.text(
    "INSERT INTO case_search (case_search, rowid, words) VALUES ('delete', :place, :words)"
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a case is found by."""

    words: tuple[str, ...]
    """Words of its text, and of its device's name."""
    marks: tuple[str, ...]
    """Of its device, status, profile, labels and flags."""
    live: bool
    """Whether it isn't deleted."""

    @property
    def all(self) -> list[str]:
        """Words and marks."""
        return [*self.words, *self.marks, *([words.LIVE] if self.live else [])]


def found(device: str, facts: Facts) -> Found:
    """What a case of these facts is found by."""
    known = tuple(dict.fromkeys((*facts.words, *words.words(device))))
    marks = words.marks_of(device, facts.status, facts.profile, facts.labels, facts.flags)
    return Found(known, marks, facts.status != DELETED)


def as_value(dialect: str, what: Found) -> Any:
    """The value of `cases.words`."""
    if dialect == "sqlite":
        return " ".join(what.all)
    return " ".join(f"'{word}'" for word in what.all)  # a tsvector: no word holds a quote


def first_place(taken_us: int) -> int:
    """The first of the places of a moment."""
    return min(max(taken_us, -LAST_US), LAST_US) * ROOM


def places(db: sa.Connection, taken: Sequence[int]) -> list[int | None]:
    """A free place for each of these moments; None where the database needs none."""
    if db.dialect.name != "sqlite":
        return [None] * len(taken)
    firsts = [first_place(moment) for moment in taken]
    used = set(db.scalars(_TAKEN, {"places": list(set(firsts))}))
    free = {first: _behind(db, first) if first in used else first for first in set(firsts)}
    chosen: list[int | None] = []
    for first in firsts:
        chosen.append(free[first])
        free[first] += 1
    return chosen


def _behind(db: sa.Connection, first: int) -> int:
    """The next place after those of the same moment."""
    c = _cases.c.place
    while True:
        last = sa.select(sa.func.max(c)).where(c >= first, c < first + ROOM)
        highest: int | None = db.scalar(last)
        if highest is None:
            return first
        if highest + 1 < first + ROOM - STEP:  # so that a batch has room, too
            return highest + 1
        first += ROOM


def index(db: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Index cases whose `place` and `words` are in their rows already."""
    if db.dialect.name == "sqlite" and rows:
        db.execute(_INDEX, [{"place": r["place"], "words": r["words"]} for r in rows])


def forget(db: sa.Connection, place: int | None, text: str | None) -> None:
    """Take a case out of the index; the words have to be those that are in its row."""
    if db.dialect.name == "sqlite" and place is not None and text is not None:
        db.execute(_FORGET, {"place": place, "words": text})


def match(dialect: str, q: str, marks: Sequence[str]) -> str | None:
    """What to ask the index for: all marks, and words that begin like those of `q`.

    None where no case can fit.
    """
    terms = words.asked(q)
    if q.strip() and not terms:
        return None
    quote, begins, both = ('"', "*", " ") if dialect == "sqlite" else ("'", ":*", " & ")
    exact = [f"{quote}{mark}{quote}" for mark in marks]
    open_ended = [f"{quote}{w}{quote}" + begins * (len(w) >= words.PREFIXED) for w in terms]
    return both.join([*exact, *open_ended])


def in_postgres(column: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
    """The condition that the words in this column fit."""
    return column.op("@@")(sa.cast(sa.bindparam(None, text, sa.Text), postgresql.TSQUERY))


def in_sqlite(text: str) -> sa.ColumnElement[bool]:
    """The condition for `fts`."""
    return sa.text("case_search MATCH :match").bindparams(match=text)  # type: ignore[return-value]


def index_again(db: sa.Connection) -> None:
    """Index every case that has no words yet, from its newest revision."""
    from tower_sync_server.archive.facts import read_facts  # noqa: PLC0415  facts stand above

    r = sa.table("revisions", *(sa.column(n) for n in ("device", "case_id", "rev", "body")))
    c = _cases.c
    joined = _cases.join(
        r, sa.and_(r.c.device == c.device, r.c.case_id == c.case_id, r.c.rev == c.rev)
    )
    wanted = sa.select(c.no, c.device, c.taken_us, r.c.body).select_from(joined)
    wanted = wanted.order_by(c.no).limit(STEP)
    last = 0
    while rows := db.execute(wanted.where(c.no > last)).all():
        last = rows[-1].no
        for row, place in zip(rows, places(db, [row.taken_us for row in rows]), strict=True):
            facts = read_facts(row.body)
            what = found(row.device, facts)
            values = {"place": place, "words": as_value(db.dialect.name, what)}
            db.execute(sa.update(_cases).where(c.no == row.no).values(**values))
            index(db, [values])
