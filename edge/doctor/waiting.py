"""The doctor's look at what others should know by now and don't: the tower, and the webhook."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from edge.doctor.findings import Finding, fine, warn
from edge.store import listing, outbox, settings
from edge.store.database import connect
from edge.store.layout import Layout
from edge.store.times import from_us
from edge.uplink.bundle import join
from edge.webhooks.webhooks import CURSOR
from edge.webhooks.words import place_of

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from edge.config import Settings
    from edge.store.outbox import Backlog

LONG = timedelta(days=2)
"""For so long a device may well be without a link."""
SOON = timedelta(minutes=15)
"""After so long a webhook that is reachable has been told."""


@dataclass(frozen=True, slots=True)
class Untold:
    """What the webhook hasn't taken yet."""

    cases: int
    """How many."""
    since: datetime | None
    """When the oldest of them was made."""


def waiting(found: Settings, now: datetime) -> list[Finding]:
    """Is anything kept waiting for the tower or the webhook?

    Args:
        found: the settings.
        now: by the wall clock.
    """
    path = Layout(found.store.data_dir).database
    if not path.exists():
        return []
    try:
        backlog, untold = _read(path)
    except sqlite3.Error:  # the look at the database has said why
        return []
    tower = join(found.sync, found.store.data_dir).settings.host
    to_tower = [judge_outbox(backlog, now)] if tower else []
    to_webhook = [judge_webhook(untold, found.webhooks.url, now)] if found.webhooks.url else []
    return [*to_tower, *to_webhook]


def judge_outbox(backlog: Backlog, now: datetime) -> Finding:
    """Decide how it is with what is only here."""
    if backlog.dead:
        text = f"the tower refused {backlog.dead} for good; they stay here"
        return warn("outbox", text, "edgecase sync retry, once GET /sync says why and it is mended")
    if not backlog.cases:
        return fine("outbox", "the tower has every case")
    text = f"{_cases(backlog.cases)} not on the tower yet"
    since = None if backlog.oldest_us is None else from_us(backlog.oldest_us)
    if since is not None and now - since > LONG:
        text += f", the first for {(now - since).days} days"
        return warn("outbox", text, "journalctl -u edgecase LOGGER=edge.uplink.uplink")
    return fine("outbox", text)


def judge_webhook(untold: Untold, url: str, now: datetime) -> Finding:
    """Decide how it is with what the webhook should have been told."""
    place = place_of(url)
    if not untold.cases:
        return fine("webhook", f"{place} knows every case")
    text = f"{place} hasn't taken {_cases(untold.cases)}"
    if untold.since is not None and now - untold.since > SOON:
        return warn("webhook", f"{text}, the first of {untold.since:%F %R}", f"curl -v {place}")
    return fine("webhook", text)


def _read(path: Path) -> tuple[Backlog, Untold]:
    with closing(connect(path, "FULL", read_only=True)) as db:
        return outbox.backlog(db), _untold(db)


def _untold(db: Database) -> Untold:
    """Nothing where the webhook was never started: it begins with the next case."""
    told = settings.get(db, CURSOR)
    if told is None or not told.isdecimal():
        return Untold(0, None)
    first = listing.after(db, int(told))
    return Untold(settings.last_seq(db) - int(told), first.created if first else None)


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count} cases"
