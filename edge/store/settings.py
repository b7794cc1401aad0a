"""The few things the device remembers besides its cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from edge.store.times import from_us, to_us

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlite_utils import Database

T = TypeVar("T")

DEVICE_ID = "device_id"
"""A UUID that is this device's for good."""
NEXT_SEQ = "next_seq"
"""The number of the next case; it never goes back, so that no number is given twice."""
LATEST = "latest"
"""The latest wall time, as a trusted clock showed it, at which something was stored."""


def get(db: Database, key: str) -> str | None:
    """What is remembered under `key`."""
    row = db.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def put(db: Database, key: str, value: str) -> None:
    """Remember `value` under `key`."""
    db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, value))


def change(db: Database, key: str, how: Callable[[str | None], tuple[str | None, T]]) -> T:
    """Put what `how` makes of a value in its place (None: nothing), inside a transaction."""
    value, result = how(get(db, key))
    if value is None:
        db.execute("DELETE FROM settings WHERE key = ?", (key,))
    else:
        put(db, key, value)
    return result


def last_seq(db: Database) -> int:
    """The number of the newest case; 0 before the first."""
    return int(get(db, NEXT_SEQ) or 1) - 1


def take_seq(db: Database) -> int:
    """The next number, inside the transaction that uses it: no gaps, from 1."""
    seq = int(get(db, NEXT_SEQ) or 1)
    put(db, NEXT_SEQ, str(seq + 1))
    return seq


def latest(db: Database) -> datetime | None:
    """The latest trusted wall time at which something was stored."""
    value = get(db, LATEST)
    return None if value is None else from_us(int(value))


def saw(db: Database, moment: datetime) -> None:
    """Learn that `moment` has passed."""
    if to_us(moment) > int(get(db, LATEST) or 0):
        put(db, LATEST, str(to_us(moment)))
