"""What remains of cases that people removed on the tower, and what that does to what arrives.

*Removed* is soft: nothing is lost, and lists leave the case out. *Purged* is for good: the rows and
photos are gone, and a row that names the case stays, so that neither a device nor a comparison of
both ends brings it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from tower_sync_server.archive.database import among, insert_missing
from tower_sync_server.archive.tables import metadata

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
"""Blobs that purged cases left; they go unless another case refers to them by then."""


PURGED = sa.select(purged.c.device, purged.c.case_id).where(
    among(purged.c.device, purged.c.case_id)
)
CLAIM = sa.delete(doomed).where(doomed.c.sha256.in_(sa.bindparam("blobs", expanding=True)))


def is_removed(db: sa.Connection, device: str, case_id: str) -> bool:
    """Whether people deleted this case on the tower."""
    return _there(db, removed, device, case_id)


def is_purged(db: sa.Connection, device: str, case_id: str) -> bool:
    """Whether this case is gone for good: whatever comes of it is answered `stored` and dropped."""
    return _there(db, purged, device, case_id)


def purged_of(db: sa.Connection, keys: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Those of the cases, each a device and an id, that are gone for good."""
    return frozenset(tuple(row) for row in db.execute(PURGED, {"keys": list(keys)}))


def claim(db: sa.Connection, blobs: Iterable[str]) -> None:
    """Have these blobs stay: rows of this transaction refer to them."""
    wanted = sorted(set(blobs))
    if wanted:
        db.execute(CLAIM, {"blobs": wanted})


def doom(db: sa.Connection, blobs: Iterable[str], now_us: int) -> None:
    """Have these blobs go, unless something else refers to them."""
    rows = [{"sha256": one, "at_us": now_us} for one in sorted(set(blobs))]
    insert_missing(db, doomed, rows, doomed.c.sha256)


def _there(db: sa.Connection, table: sa.Table, device: str, case_id: str) -> bool:
    c = table.c
    wanted = sa.select(sa.literal(1)).where(c.device == device, c.case_id == case_id)
    return db.scalar(wanted) is not None
