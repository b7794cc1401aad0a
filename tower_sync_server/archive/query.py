"""Decides what to ask the database for a page of cases, and where the next page begins."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tower_sync_server.archive import search, words
from tower_sync_server.archive.search import DELETED
from tower_sync_server.archive.tables import case_labels, cases
from tower_sync_server.database.times import to_us
from tower_sync_server.errors import BadRequestError

MAX_CURSOR = 100


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases; everything that is set must hold."""

    device: str | None = None
    """Who sent it."""
    status: str | None = None
    """Where it stands; None: everything but the deleted ones."""
    label: str | None = None
    """A label people are shown."""
    profile: str | None = None
    """Which profile judged it."""
    since: datetime | None = None
    """Taken then or later."""
    until: datetime | None = None
    """Taken before."""
    flag: str | None = None
    """What else asks for a look: `doubted`."""
    q: str | None = None
    """Words of which each begins (a single letter: is) one of its labels, summary, form, device."""


def query(
    which: Filter, before: tuple[int, int] | None, limit: int, dialect: str = "sqlite"
) -> sa.Select[Any]:
    """Decide what to ask the database for a page.

    One value has an index of its own that is in the order of the list. Several values, and words,
    are looked up in the index of words.
    """
    values = [which.device, which.status, which.label, which.profile]
    worded = which.flag is not None or (which.q and which.q.strip())
    if worded or sum(value is not None for value in values) > 1:
        return _by_words(which, before, limit, dialect)
    return _by_value(which, before, limit)


def _by_value(which: Filter, before: tuple[int, int] | None, limit: int) -> sa.Select[Any]:
    c = cases.c
    taken, no = c.taken_us, c.no
    wanted = _columns()
    if which.label is not None:
        taken, no = case_labels.c.taken_us, case_labels.c.no
        joined = sa.join(case_labels, cases, case_labels.c.no == c.no)
        wanted = wanted.select_from(joined).where(case_labels.c.label == which.label)
    exact = ((c.device, which.device), (c.status, which.status), (c.profile, which.profile))
    for column, value in exact:
        if value is not None:
            wanted = wanted.where(column == value)
    if which.status is None:
        wanted = wanted.where(c.status != DELETED)
    wanted = _within(wanted, which, taken)
    if before is not None:
        wanted = wanted.where(sa.tuple_(taken, no) < sa.tuple_(*before))
    return wanted.order_by(taken.desc(), no.desc()).limit(limit)


def _by_words(
    which: Filter, before: tuple[int, int] | None, limit: int, dialect: str
) -> sa.Select[Any]:
    c = cases.c
    text = search.match(dialect, which.q or "", _marks(which))
    if text is None:
        return _columns().where(sa.false()).limit(limit)
    if dialect != "sqlite":
        wanted = _within(_columns().where(search.in_postgres(c.words, text)), which, c.taken_us)
        if before is not None:
            wanted = wanted.where(sa.tuple_(c.taken_us, c.no) < sa.tuple_(*before))
        return wanted.order_by(c.taken_us.desc(), c.no.desc()).limit(limit)
    place = search.fts.c.rowid
    joined = sa.join(search.fts, cases, c.place == place)
    wanted = _columns().select_from(joined).where(search.in_sqlite(text))
    if which.since is not None:
        wanted = wanted.where(place >= search.first_place(to_us(which.since)))
    if which.until is not None:
        wanted = wanted.where(place < search.first_place(to_us(which.until)))
    if before is not None:
        last = sa.select(c.place).where(c.no == before[1]).scalar_subquery()
        wanted = wanted.where(place < sa.func.coalesce(last, search.first_place(before[0])))
    return wanted.order_by(place.desc()).limit(limit)


def _columns() -> sa.Select[Any]:
    c = cases.c
    return sa.select(c.no, c.device, c.case_id, c.rev, c.status, c.taken_us, c.received_us)


def _within(wanted: sa.Select[Any], which: Filter, taken: sa.Column[Any]) -> sa.Select[Any]:
    if which.since is not None:
        wanted = wanted.where(taken >= to_us(which.since))
    if which.until is not None:
        wanted = wanted.where(taken < to_us(which.until))
    return wanted


def _marks(which: Filter) -> list[str]:
    exact = [
        (name, getattr(which, name))
        for name in ("device", "status", "label", "profile", "flag")
        if getattr(which, name) is not None
    ]
    live = [words.LIVE] if which.status is None else []
    return [*(words.mark(name, value) for name, value in exact), *live]


def encode_cursor(taken_us: int, no: int) -> str:
    """An opaque word for `the cases after this one`."""
    return base64.urlsafe_b64encode(f"{taken_us}:{no}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> tuple[int, int] | None:
    """What is in a cursor; None for the first page.

    Raises:
        BadRequestError: it is not one of ours.
    """
    if not cursor:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor[:MAX_CURSOR] + "=" * (-len(cursor) % 4)).decode()
        taken, no = text.split(":")
        if len(text) < 40:
            return int(taken), int(no)
    except (binascii.Error, ValueError):
        pass
    raise BadRequestError("The cursor is not one of ours.", "Send `next` as it came, or nothing.")
