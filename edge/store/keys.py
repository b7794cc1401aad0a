"""Idempotency keys: the same key and content again gives the same case."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING

from edge.errors import ConflictError
from edge.store.times import to_us

if TYPE_CHECKING:
    from datetime import datetime

    from sqlite_utils import Database

    from edge.draft import CaseDraft

KEPT = timedelta(days=7)
"""How long a key is remembered."""


def content_of(draft: CaseDraft) -> str:
    """SHA-256 of what a client sent: the photos, the form, the profile, the device.

    Not of what the models made of it, nor of the time: they are others when it is sent again.
    """
    photos = [(image.sha256, image.shot) for image in draft.images]
    sent = [draft.profile, draft.device, dict(draft.form), photos]
    return hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()


def find(db: Database, key: str, content: str, now: datetime) -> int | None:
    """The number of the case this key has made; None where it is new.

    Raises:
        ConflictError: it came with other content.
    """
    row = db.execute(
        "SELECT content, seq FROM keys WHERE key = ? AND created > ?", (key, to_us(now - KEPT))
    ).fetchone()
    if row is None:
        return None
    if row[0] != content:
        hint = "Use a new Idempotency-Key for a new case."
        raise ConflictError("This Idempotency-Key came before with something else.", hint)
    return int(row[1])


def remember(db: Database, key: str, content: str, seq: int, now: datetime) -> None:
    """Keep the key together with its case."""
    db.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?)", (key, content, seq, to_us(now)))


def forget_old(db: Database, now: datetime) -> None:
    """Drop the keys that nobody will send again."""
    db.execute("DELETE FROM keys WHERE created <= ?", (to_us(now - KEPT),))
