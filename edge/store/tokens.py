"""Bearer tokens: random, kept as SHA-256 only, with the scopes they open."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from edge.errors import NotFoundError
from edge.store.times import from_us, to_us
from models.jsonable import require

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

COLUMNS = "id, name, hash, scopes, created, revoked, last_used"
USE_NOTED = timedelta(hours=1)
"""`last_used` is written at most this often: an SD card wears out."""


class Scope(StrEnum):
    """What a token opens; the greater ones don't include the smaller by themselves."""

    VIEW = "view"
    CAPTURE = "capture"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token: everything but the token itself."""

    id: str
    """Short, for people and for revoking."""
    name: str
    """Whose phone it is."""
    hash: str
    """SHA-256 of the token, 64 hex digits."""
    scopes: tuple[Scope, ...]
    """What it opens."""
    created: datetime
    """When it was made."""
    revoked: datetime | None = None
    """Since when it opens nothing any more."""
    last_used: datetime | None = None
    """To the hour."""

    def __post_init__(self) -> None:
        """A token has a name and opens something."""
        require(0 < len(self.name) <= 64, "name", "1..64 characters", self.name)
        require(bool(self.scopes), "scopes", f"some of {[s.value for s in Scope]}")


def create(db: Database, name: str, scopes: Iterable[Scope], now: datetime) -> tuple[str, Token]:
    """Make a token; this is the only time that it is seen itself."""
    plain = secrets.token_urlsafe(32)
    ordered = tuple(scope for scope in Scope if scope in set(scopes))
    token = Token(secrets.token_hex(4), name, hash_of(plain), ordered, now)
    keep(db, token)
    return plain, token


def keep(db: Database, token: Token) -> None:
    """Write the row of a token."""
    scopes = " ".join(scope.value for scope in token.scopes)
    times = (token.created, token.revoked, token.last_used)
    stamps = (None if moment is None else to_us(moment) for moment in times)
    db.execute(
        f"INSERT OR REPLACE INTO tokens ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (token.id, token.name, token.hash, scopes, *stamps),
    )


def list_all(db: Database) -> list[Token]:
    """Every token, oldest first, the revoked ones too."""
    return [_token(row) for row in db.execute(f"SELECT {COLUMNS} FROM tokens ORDER BY created")]


def revoke(db: Database, token_id: str, now: datetime) -> None:
    """Have this token open nothing any more.

    Raises:
        NotFoundError: there is none of this id.
    """
    sql = "UPDATE tokens SET revoked = coalesce(revoked, ?) WHERE id = ?"
    if db.execute(sql, (to_us(now), token_id)).rowcount == 0:
        raise NotFoundError(f"There is no token {token_id[:40]}.")


def forget(db: Database, token_id: str) -> None:
    """Have nobody know of this token any more: what a command had for a moment is no phone."""
    db.execute("DELETE FROM tokens WHERE id = ?", (token_id,))


def rename(db: Database, token_id: str, name: str) -> None:
    """Give this token another name, of 1 to 64 characters.

    Raises:
        NotFoundError: there is none of this id.
    """
    require(0 < len(name) <= 64, "name", "1..64 characters", name)
    sql = "UPDATE tokens SET name = ? WHERE id = ?"
    if db.execute(sql, (name, token_id)).rowcount == 0:
        raise NotFoundError(f"There is no token {token_id[:40]}.")


def verify(db: Database, plain: str) -> Token | None:
    """The token that this is; None for one that is unknown or revoked."""
    row = db.execute(
        f"SELECT {COLUMNS} FROM tokens WHERE hash = ? AND revoked IS NULL", (hash_of(plain),)
    ).fetchone()
    return None if row is None else _token(row)


def use_is_news(token: Token, now: datetime) -> bool:
    """Decide whether `last_used` is worth writing."""
    return token.last_used is None or abs(now - token.last_used) >= USE_NOTED


def note_use(db: Database, token: Token, now: datetime) -> None:
    """Write when it was used."""
    db.execute("UPDATE tokens SET last_used = ? WHERE id = ?", (to_us(now), token.id))


def hash_of(plain: str) -> str:
    """What is kept of a token. It is 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(plain.encode("utf-8", "surrogateescape")).hexdigest()


def _token(row: Any) -> Token:
    token_id, name, digest, scopes, *stamps = row
    created, revoked, used = (None if s is None else from_us(s) for s in stamps)
    known = tuple(Scope(scope) for scope in scopes.split())
    return Token(token_id, name, digest, known, created or from_us(0), revoked, used)
