"""What remains of cases that people removed on the tower, and what that does to what arrives.

*Removed* is soft: nothing is lost, and lists leave the case out. *Purged* is for good: the rows and
photos are gone, and a row that names the case stays, so that neither a device nor a comparison of
both ends brings it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from tower_sync_server.database.base import metadata
from tower_sync_server.database.engine import insert_missing, of_cases, these

if TYPE_CHECKING:
    from collections.abc import Iterable

removed = Table(
    "removed",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("case_id", String(36), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("who", String(64), nullable=False),
)
"""Cases that people deleted on the tower and may restore."""

purged = Table(
    "purged",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("case_id", String(36), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("who", String(64), nullable=False),
    Index(None, "device", "seq"),
)
"""Cases that are gone for good: their number and newest revision, for comparisons, and no more."""

doomed = Table(
    "doomed",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
)
"""Blobs that nothing referred to when they were named; they go unless something does by then.

`at_us` is when they were named; below 0 it is when they were removed. Such a row stays for a while,
for workers that had written the blob before that and commit after it.
"""


PURGED = sa.select(purged.c.device, purged.c.case_id).where(
    of_cases(purged.c.device, purged.c.case_id)
)
THESE = doomed.c.sha256.in_(sa.bindparam("blobs", expanding=True))
CLAIM = sa.delete(doomed).where(THESE).returning(doomed.c.sha256, doomed.c.at_us)
NAME_AGAIN = sa.delete(doomed).where(THESE, doomed.c.at_us < 0)


def is_removed(db: sa.Connection, device: str, case_id: str) -> bool:
    """Whether people deleted this case on the tower."""
    return _there(db, removed, device, case_id)


def is_purged(db: sa.Connection, device: str, case_id: str) -> bool:
    """Whether this case is gone for good: whatever comes of it is answered `stored` and dropped."""
    return _there(db, purged, device, case_id)


def purged_of(db: sa.Connection, keys: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Those of the cases, each a device and an id, that are gone for good."""
    wanted = set(keys)
    found = {(row.device, row.case_id) for row in db.execute(PURGED, these(wanted))}
    return frozenset(found & wanted)


def claim(db: sa.Connection, blobs: Iterable[str]) -> frozenset[str]:
    """Have these blobs stay: rows of this transaction refer to them.

    Returns:
        Those that were removed lately: they may be gone, and the transaction must not be kept then.
    """
    wanted = sorted(set(blobs))
    if not wanted:
        return frozenset()
    rows = db.execute(CLAIM, {"blobs": wanted})
    return frozenset(sha256 for sha256, at_us in rows if at_us < 0)


def doom(db: sa.Connection, blobs: Iterable[str], now_us: int) -> None:
    """Have these blobs go, unless something else refers to them."""
    wanted = sorted(set(blobs))
    if wanted:
        db.execute(NAME_AGAIN, {"blobs": wanted})
    rows = [{"sha256": one, "at_us": now_us} for one in wanted]
    insert_missing(db, doomed, rows, doomed.c.sha256)


def _there(db: sa.Connection, table: sa.Table, device: str, case_id: str) -> bool:
    c = table.c
    wanted = sa.select(sa.literal(1)).where(c.device == device, c.case_id == case_id)
    return db.scalar(wanted) is not None
