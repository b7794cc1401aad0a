"""Who may do what, as words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
MAX_TARGET = 200
MAX_DETAIL = 500


class Role(StrEnum):
    """What somebody may do; each may do everything that those before it may."""

    VIEWER = "viewer"
    """Looks at cases and devices."""
    REVIEWER = "reviewer"
    """Deletes cases and restores them."""
    TRAINER = "trainer"
    """Takes cases out, to train with."""
    ADMIN = "admin"
    """Everything: purges, people, archives, the audit."""

    def may(self, needed: Role) -> bool:
        """Whether this role is enough where `needed` is asked for."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Action(StrEnum):
    """What the audit knows."""

    SIGN_IN = "sign-in"
    SIGN_OUT = "sign-out"
    USER_ADD = "user-add"
    USER_ROLE = "user-role"
    USER_PASSWORD = "user-password"  # noqa: S105 - a word for what was done
    USER_REMOVE = "user-remove"
    TOKEN_ADD = "token-add"  # noqa: S105 - the same
    TOKEN_REVOKE = "token-revoke"  # noqa: S105 - the same
    CASE_DELETE = "case-delete"
    CASE_RESTORE = "case-restore"
    CASE_PURGE = "case-purge"
    UPLOAD = "upload"
    EXPORT = "export"


class Kind(StrEnum):
    """How somebody is signed in."""

    BROWSER = "browser"
    """With a password, for a while."""
    TOKEN = "token"  # noqa: S105 - a word for how
    """A program, with a token of its own."""
    OPEN = "open"
    """Nobody is asked on this tower."""


@dataclass(frozen=True, slots=True)
class By:
    """Who does something, for the audit."""

    who: str
    """Their name; `shell:` and the system's name of whoever ran a command."""
    address: str
    """From where; "" from the machine's own shell."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in."""

    name: str
    """Lower case; see `NAME`."""
    role: Role
    """What they may do."""
    created: datetime
    """When they were added."""
    changed: datetime
    """When their password was set last."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever sent a request."""

    name: str
    """Their name; "" where nobody is asked."""
    role: Role
    """As it is now."""
    kind: Kind
    """How they are signed in."""
    key: str = ""
    """Of their session."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """Somebody is signed in, or a program may be."""

    id: str
    """The beginning of the key: enough to revoke it."""
    kind: Kind
    """How."""
    label: str
    """What a token is for; "" of a browser."""
    address: str
    """From where it was opened."""
    created: datetime
    """When."""
    seen: datetime
    """The last request, within a minute or so."""
    ends: datetime
    """When it ends at the latest."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit."""

    no: int
    """Its number; they only grow."""
    at: datetime
    """When."""
    who: str
    """Their name; at a failed sign-in, the name that was given."""
    address: str
    """From where."""
    action: str
    """An `Action`, or one of a later version."""
    target: str
    """To what or whom."""
    detail: str
    """How, in words."""
    ok: bool
    """False: it was tried and refused."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long browsers stay signed in."""

    idle_s: float
    """Without a request, seconds."""
    total_s: float
    """In all, seconds."""

    def __post_init__(self) -> None:
        """Refuse what would sign nobody in."""
        if not 0 < self.idle_s <= self.total_s:
            raise ValueError("0 < idle_s <= total_s")
