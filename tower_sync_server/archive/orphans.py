"""Finds blobs that no row refers to: published by workers that were killed before they committed.

They are not removed here but named in `tombstones.doomed`; whoever removes those looks again, and
a worker that comes to refer to one meanwhile takes its name out. They are old by then: after a
database was restored from a backup, photos that came since have no rows until devices are heard.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sync.messages import Kind
from tower_sync_server.archive.files import MODE, translated
from tower_sync_server.archive.tables import parcels, quarantine
from tower_sync_server.archive.tombstones import doom
from tower_sync_server.database.engine import reading, writing
from tower_sync_server.database.times import to_us

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from tower_sync_server.archive.blobs import Blobs

PASSES = "0123456789abcdef"
"""Rows are read once for each of these first digits: so much less has to be in memory at once."""
MANY = 500
"""Blobs that are named in one transaction."""
LOCK = 0x45444745_4F525048
"""PostgreSQL's number for "somebody is looking for orphans"."""


class Orphans:
    """Looks for them; any number of towers may, one at a time does."""

    def __init__(
        self,
        engine: sa.Engine,
        blobs: Blobs,
        lock: Path,
        min_age_s: float,
        now: Callable[[], datetime],
    ) -> None:
        """Use a database that has been migrated.

        Args:
            engine: the database.
            blobs: where photos lie.
            lock: a file here, for towers on one SQLite.
            min_age_s: younger ones are left alone, seconds.
            now: wall time with its offset.
        """
        self._engine = engine
        self._blobs = blobs
        self._lock = lock
        self._min_age_s = min_age_s
        self._now = now

    def find(self) -> int:
        """Have every old blob go that nothing refers to; gives how many those are.

        Raises:
            TowerError: the database or the blobs can't be read now.
        """
        with self._alone() as first:
            return self._find() if first else 0

    def _find(self) -> int:
        old = sorted(b.sha256 for b in self._blobs.every() if b.age_s > self._min_age_s)
        count = 0
        for digit, names in groupby(old, key=lambda name: name[:1]):
            wanted = list(names)
            held = self._referred_to(digit)
            lost = [name for name in wanted if bytes.fromhex(name) not in held]
            for first in range(0, len(lost), MANY):
                with writing(self._engine) as db:
                    doom(db, lost[first : first + MANY], to_us(self._now()))
            count += len(lost)
        return count

    def _referred_to(self, digit: str) -> set[bytes]:
        """The blobs whose names begin with this digit and that rows refer to."""
        held: set[bytes] = set()
        end = chr(ord(digit) + 1)
        with reading(self._engine) as db:
            for table, more in (
                (parcels, (parcels.c.kind != Kind.CASE.value,)),
                (quarantine, ()),
            ):
                c = table.c.sha256
                rows = db.execution_options(yield_per=10_000).scalars(
                    sa.select(c).where(c >= digit, c < end, *more)
                )
                held |= {bytes.fromhex(name) for name in rows}
        return held

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether nobody else is at it."""
        if self._engine.dialect.name == "postgresql":
            with reading(self._engine) as db:
                yield bool(db.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(LOCK))))
            return
        with translated():
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT, MODE)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(handle)
