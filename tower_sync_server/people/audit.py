"""The audit: what was done, when, by whom, from where. Rows are only ever added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tower_sync_server.database.engine import reading, writing
from tower_sync_server.database.times import from_us, to_us
from tower_sync_server.people.tables import audit
from tower_sync_server.people.words import MAX_DETAIL, MAX_TARGET, By, Entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tower_sync_server.people.words import Action

MAX_NAME = 64


class Audit:
    """Adds to it and reads it."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        """Use a database that has been migrated; `now` gives wall time with its offset."""
        self._engine = engine
        self._now = now

    def add(
        self, by: By, action: Action, target: str = "", detail: str = "", *, ok: bool = True
    ) -> None:
        """Add a line in a transaction of its own."""
        with writing(self._engine) as db:
            self.note(db, by, action, target, detail, ok=ok)

    def note(  # noqa: PLR0913 - the columns of a line
        self,
        db: sa.Connection,
        by: By,
        action: Action,
        target: str = "",
        detail: str = "",
        *,
        ok: bool = True,
    ) -> None:
        """Add a line in the transaction of what it is about."""
        row = {
            "at_us": to_us(self._now()),
            "who": _plain(by.who)[:MAX_NAME],
            "address": _plain(by.address)[:MAX_NAME],
            "action": action.value,
            "target": _plain(target)[:MAX_TARGET],
            "detail": _plain(detail)[:MAX_DETAIL],
            "ok": int(ok),
        }
        db.execute(sa.insert(audit).values(**row))

    def page(
        self, before: int | None, limit: int, who: str | None = None, action: str | None = None
    ) -> tuple[Entry, ...]:
        """At most `limit` lines, newest first, from the one before number `before` on."""
        c = audit.c
        wanted = sa.select(audit).order_by(c.no.desc()).limit(limit)
        for column, value in ((c.who, who), (c.action, action)):
            if value:
                wanted = wanted.where(column == value)
        if before is not None:
            wanted = wanted.where(c.no < before)
        with reading(self._engine) as db:
            return tuple(_entry(row) for row in db.execute(wanted))


def _entry(row: Any) -> Entry:
    return Entry(
        no=row.no,
        at=from_us(row.at_us),
        who=row.who,
        address=row.address,
        action=row.action,
        target=row.target,
        detail=row.detail,
        ok=bool(row.ok),
    )


def _plain(text: str) -> str:
    """Without what no database keeps: control characters, halves of surrogate pairs."""
    return "".join(c if ord(c) >= 32 and not 0xD800 <= ord(c) < 0xE000 else "\ufffd" for c in text)
