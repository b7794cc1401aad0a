"""Who is signed in: a random token there, its SHA-256 here, and an end to everything."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tower_sync_server.database.engine import reading, writing
from tower_sync_server.database.times import from_us, to_us
from tower_sync_server.errors import NotFoundError, UnavailableError
from tower_sync_server.people.audit import Audit
from tower_sync_server.people.tables import sessions, users
from tower_sync_server.people.words import Action, By, Kind, Role, SessionRow, Visitor

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tower_sync_server.people.words import Lifetimes

SECOND = 1_000_000
SEEN_EVERY_US = 60 * SECOND
"""Between two notes that somebody is still there: a request need not write."""
MAX_PER_USER = 50
"""Sessions of one user; the oldest ends when another begins."""
ID_LENGTH = 12
"""Characters of a key that name a session."""
PREFIX = "ect_"
"""Tokens of programs begin with it, so that a leaked one can be found by looking."""
MAX_TOKEN = 200


class Sessions:
    """Opens, finds and ends sessions."""

    def __init__(
        self, engine: sa.Engine, now: Callable[[], datetime], lifetimes: Lifetimes
    ) -> None:
        """Use a database that has been migrated; `now` gives wall time with its offset."""
        self._engine = engine
        self._now = now
        self._lifetimes = lifetimes
        self._audit = Audit(engine, now)

    def open(self, name: str, by: By) -> str:
        """Sign a browser in; gives the token, which is kept nowhere.

        Raises:
            NotFoundError: nobody has this name (any more).
        """
        lifetimes = self._lifetimes
        times = (int(lifetimes.idle_s * SECOND), int(lifetimes.total_s * SECOND))
        token = secrets.token_urlsafe(32)
        with writing(self._engine) as db:
            self._insert(db, token, name, Kind.BROWSER, "", by, times)
            self._audit.note(db, by, Action.SIGN_IN)
        return token

    def add_token(self, name: str, label: str, days: float, by: By) -> str:
        """Make a token for a program that acts for a user; gives it, and it is kept nowhere.

        Raises:
            NotFoundError: nobody has this name.
        """
        token = PREFIX + secrets.token_urlsafe(32)
        whole = int(days * 24 * 3600 * SECOND)
        with writing(self._engine) as db:
            self._insert(db, token, name, Kind.TOKEN, label, by, (whole, whole))
            self._audit.note(db, by, Action.TOKEN_ADD, name, f"{key_of(token)[:ID_LENGTH]} {label}")
        return token

    def visitor(self, token: str) -> Visitor | None:
        """Who holds this token; None: nobody (any more)."""
        if not 0 < len(token) <= MAX_TOKEN:
            return None
        key, now = key_of(token), to_us(self._now())
        c = sessions.c
        joined = sa.join(sessions, users, c.user_no == users.c.no)
        wanted = sa.select(users.c.name, users.c.role, c.kind, c.seen_us).select_from(joined)
        alive = (c.key == key, c.ends_us > now, c.seen_us + c.idle_us > now)
        with reading(self._engine) as db:
            row = db.execute(wanted.where(*alive)).first()
        if row is None:
            return None
        if now - row.seen_us > SEEN_EVERY_US:
            self._saw(key, now)
        return Visitor(row.name, Role(row.role), Kind(row.kind), key)

    def _saw(self, key: str, now: int) -> None:
        """Note that somebody is still there; where that can't be written now, the next time."""
        with contextlib.suppress(UnavailableError), writing(self._engine) as db:
            db.execute(sa.update(sessions).where(sessions.c.key == key).values(seen_us=now))

    def close(self, visitor: Visitor, by: By) -> None:
        """End the session somebody is asking with."""
        with writing(self._engine) as db:
            db.execute(sa.delete(sessions).where(sessions.c.key == visitor.key))
            self._audit.note(db, by, Action.SIGN_OUT)

    def of(self, name: str, kind: Kind | None = None) -> tuple[SessionRow, ...]:
        """The sessions of somebody, newest first."""
        c = sessions.c
        wanted = sa.select(sessions).join_from(sessions, users, c.user_no == users.c.no)
        wanted = wanted.where(users.c.name == name, c.ends_us > to_us(self._now()))
        if kind is not None:
            wanted = wanted.where(c.kind == kind.value)
        with reading(self._engine) as db:
            return tuple(_row(row) for row in db.execute(wanted.order_by(c.created_us.desc())))

    def revoke(self, name: str, session_id: str, by: By) -> None:
        """End one of somebody's sessions, or take a program's token back.

        Raises:
            NotFoundError: there is none that begins like this.
        """
        c = sessions.c
        mine = sa.select(users.c.no).where(users.c.name == name).scalar_subquery()
        fits = sa.func.substr(c.key, 1, ID_LENGTH) == session_id
        with writing(self._engine) as db:
            gone = db.execute(sa.delete(sessions).where(c.user_no == mine, fits).returning(c.kind))
            if gone.first() is None:
                hint = "`edgecase-tower users tokens NAME` lists them."
                raise NotFoundError("There is no such session.", hint)
            self._audit.note(db, by, Action.TOKEN_REVOKE, name, session_id)

    def forget_ended(self) -> None:
        """Drop the rows of sessions that are over."""
        c, now = sessions.c, to_us(self._now())
        with writing(self._engine) as db:
            over = sa.or_(c.ends_us <= now, c.seen_us + c.idle_us <= now)
            db.execute(sa.delete(sessions).where(over))

    def _insert(  # noqa: PLR0913 - the columns of a row
        self,
        db: sa.Connection,
        token: str,
        name: str,
        kind: Kind,
        label: str,
        by: By,
        times: tuple[int, int],
    ) -> None:
        now, (idle, total) = to_us(self._now()), times
        no = db.scalar(sa.select(users.c.no).where(users.c.name == name).with_for_update())
        if no is None:
            hint = "`edgecase-tower users list` shows everybody."
            raise NotFoundError("There is no such user.", hint)
        row = {"key": key_of(token), "user_no": no, "kind": kind.value, "label": label}
        moments = {"created_us": now, "seen_us": now, "idle_us": idle, "ends_us": now + total}
        db.execute(sa.insert(sessions).values(**row, **moments, address=by.address[:64]))
        c = sessions.c
        mine = sa.select(c.key).where(c.user_no == no, c.kind == Kind.BROWSER.value)
        old = mine.order_by(c.created_us.desc(), c.key).offset(MAX_PER_USER)
        db.execute(sa.delete(sessions).where(c.key.in_(db.scalars(old).all())))


def key_of(token: str) -> str:
    """Under what a token is kept: it has 256 random bits, so no salt and no slow hash is needed."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _row(row: Any) -> SessionRow:
    return SessionRow(
        id=row.key[:ID_LENGTH],
        kind=Kind(row.kind),
        label=row.label,
        address=row.address,
        created=from_us(row.created_us),
        seen=from_us(row.seen_us),
        ends=from_us(row.ends_us),
    )
