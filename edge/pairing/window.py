"""The pairing window: when it is open, and what a code that somebody sends does to it. No I/O.

Its time is the seconds since boot and not the wall clock, which jumps on a device without a battery
for it; a window of an earlier boot is closed.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from enum import StrEnum

from edge.pairing.code import hash_of
from edge.store.tokens import Scope
from models.jsonable import InvalidWordError, from_json, require, to_json

OPEN_S = 300.0
"""How long a window stays open."""
TRIES = 10
"""Wrong codes that lock it."""
KEY = "pairing"
"""Under which the store remembers it."""
FOR_A_PHONE = (Scope.VIEW, Scope.CAPTURE)
"""What a phone may do where nothing else is said."""


class Phase(StrEnum):
    """How the window is."""

    CLOSED = "closed"
    OPEN = "open"
    LOCKED = "locked"
    """Too many wrong codes: closed until somebody who may opens it again."""


class Tried(StrEnum):
    """What came of a code."""

    RIGHT = "right"
    WRONG = "wrong"
    CLOSED = "closed"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time that every process of this machine agrees on."""

    boot: str
    """Id of the boot."""
    seconds: float
    """Since then."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window that was opened: one code, for one phone."""

    code: str
    """SHA-256 of the code."""
    boot: str
    """Id of the boot in which it was opened."""
    until: float
    """Seconds since that boot at which it closes."""
    scopes: tuple[Scope, ...] = FOR_A_PHONE
    """What the phone will be allowed."""
    name: str = ""
    """Whose phone it is, where that was said when it was opened."""
    wrong: int = 0
    """Wrong codes so far."""

    def __post_init__(self) -> None:
        """A window lets somebody do something."""
        require(bool(self.scopes), "scopes", f"some of {[s.value for s in Scope]}")
        require(len(self.name) <= 64, "name", "at most 64 characters", self.name)
        require(self.wrong >= 0, "wrong", "a count", self.wrong)


def opened(
    code: str, now: Moment, scopes: tuple[Scope, ...] = FOR_A_PHONE, name: str = ""
) -> Window:
    """The window that this code opens now."""
    return Window(hash_of(code), now.boot, now.seconds + OPEN_S, scopes, name)


def phase(window: Window | None, now: Moment) -> Phase:
    """How it is now."""
    if window is None:
        return Phase.CLOSED
    if window.wrong >= TRIES:
        return Phase.LOCKED
    return Phase.OPEN if left(window, now) > 0 else Phase.CLOSED


def left(window: Window, now: Moment) -> float:
    """Seconds until it closes."""
    return max(0.0, window.until - now.seconds) if window.boot == now.boot else 0.0


def attempt(window: Window | None, code: str, now: Moment) -> tuple[Window | None, Tried]:
    """Decide on a code that somebody sent.

    Returns:
        The window after it (a right code is spent: None), and what came of it.
    """
    how = phase(window, now)
    if window is None or how is not Phase.OPEN:
        return window, Tried.LOCKED if how is Phase.LOCKED else Tried.CLOSED
    if secrets.compare_digest(hash_of(code), window.code):
        return None, Tried.RIGHT
    after = replace(window, wrong=window.wrong + 1)
    return after, Tried.LOCKED if after.wrong >= TRIES else Tried.WRONG


def to_text(window: Window | None) -> str | None:
    """As the store remembers it."""
    return None if window is None else json.dumps(to_json(window))


def from_text(text: str | None) -> Window | None:
    """What the store remembers; what can't be read is a closed window."""
    try:
        return None if text is None else from_json(Window, json.loads(text), KEY)
    except (ValueError, InvalidWordError):
        return None
