"""Who may sign in. Every change is one transaction together with its line of the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tower_sync_server.database.engine import insert_unless_there, reading, writing
from tower_sync_server.database.times import from_us, to_us
from tower_sync_server.errors import BadFieldError, ConflictError, NotFoundError
from tower_sync_server.people.audit import Audit
from tower_sync_server.people.passwords import refuse_weak
from tower_sync_server.people.tables import sessions, users
from tower_sync_server.people.words import NAME, Action, Role, User

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tower_sync_server.people.passwords import Passwords
    from tower_sync_server.people.words import By


class People:
    """Adds, changes and removes users. What changes what they may do signs them out."""

    def __init__(
        self, engine: sa.Engine, now: Callable[[], datetime], passwords: Passwords
    ) -> None:
        """Use a database that has been migrated; `now` gives wall time with its offset."""
        self._engine = engine
        self._now = now
        self._passwords = passwords
        self._audit = Audit(engine, now)

    def all(self) -> tuple[User, ...]:
        """Everybody, by name."""
        with reading(self._engine) as db:
            rows = db.execute(sa.select(users).order_by(users.c.name)).all()
        return tuple(_user(row) for row in rows)

    def add(self, name: str, role: Role, password: str, by: By) -> User:
        """Let somebody sign in from now on.

        Raises:
            BadFieldError: the name or the password can't be taken.
            ConflictError: there is somebody of this name.
        """
        refuse_bad_name(name)
        refuse_weak(password, name)
        now = to_us(self._now())
        row = {"name": name, "role": role.value, "created_us": now, "changed_us": now}
        row["password"] = self._passwords.hash(password)
        with writing(self._engine) as db:
            if not insert_unless_there(db, users, row):
                hint = "`edgecase-tower users list` shows everybody."
                raise ConflictError(f"There is a user {name} already.", hint)
            self._audit.note(db, by, Action.USER_ADD, name, role.value)
        return User(name, role, from_us(now), from_us(now))

    def set_role(self, name: str, role: Role, by: By) -> None:
        """Change what somebody may do.

        Raises:
            NotFoundError: nobody has this name.
            ConflictError: the last admin would be one no more.
        """
        with writing(self._engine) as db:
            admins = _locked_admins(db)
            row = _found(db, name)
            if role is not Role.ADMIN:
                _refuse_last_admin(admins, row)
            db.execute(sa.update(users).where(users.c.no == row.no).values(role=role.value))
            _sign_out(db, row.no)
            self._audit.note(db, by, Action.USER_ROLE, name, f"{row.role} → {role.value}")

    def set_password(self, name: str, password: str, by: By) -> None:
        """Change somebody's password.

        Raises:
            NotFoundError: nobody has this name.
            BadFieldError: the password can't be taken.
        """
        refuse_weak(password, name)
        stored, now = self._passwords.hash(password), to_us(self._now())
        with writing(self._engine) as db:
            row = _found(db, name)
            change = sa.update(users).where(users.c.no == row.no)
            db.execute(change.values(password=stored, changed_us=now))
            _sign_out(db, row.no)
            self._audit.note(db, by, Action.USER_PASSWORD, name)

    def remove(self, name: str, by: By) -> None:
        """Let somebody in no more.

        Raises:
            NotFoundError: nobody has this name.
            ConflictError: they are the last admin.
        """
        with writing(self._engine) as db:
            admins = _locked_admins(db)
            row = _found(db, name)
            _refuse_last_admin(admins, row)
            _sign_out(db, row.no)
            db.execute(sa.delete(users).where(users.c.no == row.no))
            self._audit.note(db, by, Action.USER_REMOVE, name, row.role)

    def knows(self, name: str, password: str) -> bool:
        """Whether this is their password; takes as long for a name that nobody has."""
        stored: str | None = None
        if NAME.fullmatch(name):
            with reading(self._engine) as db:
                stored = db.scalar(sa.select(users.c.password).where(users.c.name == name))
        right = self._passwords.fits(stored, password)
        if right and stored is not None and self._passwords.outdated(stored):
            self._hash_again(name, stored, password)
        return right

    def _hash_again(self, name: str, stored: str, password: str) -> None:
        """Keep it with today's parameters, unless it was changed meanwhile."""
        fresh = self._passwords.hash(password)
        with writing(self._engine) as db:
            mine = (users.c.name == name, users.c.password == stored)
            db.execute(sa.update(users).where(*mine).values(password=fresh))


def refuse_bad_name(name: str) -> None:
    """Refuse what is no name.

    Raises:
        BadFieldError: saying what one is.
    """
    if not NAME.fullmatch(name):
        hint = "Take 1 to 64 of a-z, 0-9 and . _ @ + -, beginning with a letter or digit."
        raise BadFieldError("user: this is no name", hint)


def _found(db: sa.Connection, name: str) -> Any:
    mine = sa.select(users).where(users.c.name == name).with_for_update()
    row = db.execute(mine).first() if NAME.fullmatch(name) else None
    if row is None:
        hint = "`edgecase-tower users list` shows everybody."
        raise NotFoundError("There is no such user.", hint)
    return row


def _locked_admins(db: sa.Connection) -> list[Any]:
    """Lock every admin, so that two of them can't remove each other at once.

    In one order, and before anybody's own row: otherwise each would wait for the other.
    """
    admins = sa.select(users.c.no).where(users.c.role == Role.ADMIN.value).order_by(users.c.no)
    return list(db.execute(admins.with_for_update()).scalars())


def _refuse_last_admin(admins: list[Any], row: Any) -> None:
    if row.role == Role.ADMIN.value and len(admins) < 2:
        message = f"{row.name} is the last admin."
        raise ConflictError(message, "Make somebody else an admin first.")


def _sign_out(db: sa.Connection, user_no: int) -> None:
    db.execute(sa.delete(sessions).where(sessions.c.user_no == user_no))


def _user(row: Any) -> User:
    return User(row.name, Role(row.role), from_us(row.created_us), from_us(row.changed_us))
