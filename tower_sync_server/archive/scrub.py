"""Looks through all pictures: are they there, and are their bytes those of their names?

What is not is set aside, named in `damage.damaged`, and asked for again when its device compares
both ends. The look is slow on purpose, and goes on where it was interrupted.
"""

from __future__ import annotations

import errno
import hashlib
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sync.messages import Kind
from tower_sync_server.archive.damage import NAMES, damaged, mend, scrubs
from tower_sync_server.archive.tables import parcels
from tower_sync_server.database.engine import insert_unless_there, reading, writing
from tower_sync_server.database.times import from_us, to_us
from tower_sync_server.errors import NotFoundError, OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from tower_sync_server.archive.blobs import Blobs

MANY = 100
"""Pictures between two notes of how far it is."""
SUSPICIOUS = 20
"""Of those: with so many gone it is rather the disk that isn't there."""
WHOLE, MISSING, DAMAGED = "whole", "missing", "damaged"

P = parcels.c
KEY = (P.device, P.case_id, P.rev, P.kind, P.image)


@dataclass(slots=True)
class Found:
    """What a look came to."""

    looked: int = 0
    """Pictures that were looked at."""
    bad: Counter[str] = field(default_factory=Counter)
    """`missing` and `damaged`, of those that weren't known to be."""
    whole_again: int = 0
    """Pictures that were known to be, and no longer are."""
    devices: set[str] = field(default_factory=set)
    """Whose pictures are newly bad."""
    finished: bool = False
    """Whether all pictures have been looked at since the look began."""


class Pace:
    """So many bytes a second, on average."""

    def __init__(
        self,
        bytes_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Use `clock`, seconds, and `sleep`."""
        self._bytes_s = bytes_s
        self._clock = clock
        self._sleep = sleep
        self._free_at = clock()

    def spend(self, count: int) -> None:
        """Wait as long as reading so many bytes ought to have taken."""
        now = self._clock()
        self._free_at = max(now, self._free_at) + count / self._bytes_s
        self._sleep(self._free_at - now)


class Scrub:
    """Looks through them; one process at a time."""

    def __init__(
        self, engine: sa.Engine, blobs: Blobs, now: Callable[[], datetime], pace: Pace
    ) -> None:
        """Use a database that has been migrated; `now` gives wall time with its offset."""
        self._engine = engine
        self._blobs = blobs
        self._now = now
        self._pace = pace

    def next_at(self, every: timedelta) -> datetime | None:
        """When to begin anew, `every` so long; None where a look is under way, or none ever was."""
        with reading(self._engine) as db:
            row = db.execute(sa.select(scrubs)).first()
        return None if row is None or row.after else from_us(row.begun_us) + every

    def run(self, go_on: Callable[[], bool] = lambda: True, *, believe: bool = False) -> Found:
        """Go on where the last look stopped, or begin, as long as `go_on` says so.

        Args:
            go_on: asked after every hundred pictures.
            believe: also where nearly everything is gone.

        Raises:
            OperatorError: nearly everything is gone, or the disk is failing.
            UnavailableError: the database or the blobs can't be reached now.
        """
        found = Found()
        self._look_again(found)
        after = self._begin()
        while page := self._page(after):
            bad = [(row, what) for row in page if (what := self._look(row.sha256)) != WHOLE]
            if len(bad) >= SUSPICIOUS and not believe:
                hint = "Is store.blobs mounted, and the right one? If they are lost: --believe."
                raise OperatorError(f"{len(bad)} of {len(page)} pictures are not there.", hint)
            after = tuple(page[-1][: len(KEY)])
            self._note(bad, after, len(page), found)
            if not go_on():
                return found
        self._finish()
        found.finished = True
        return found

    def _look_again(self, found: Found) -> None:
        """Look at those that are known to be bad: somebody may have put them back."""
        columns = [damaged.c[name] for name in NAMES]
        with reading(self._engine) as db:
            known = db.execute(sa.select(*columns, damaged.c.sha256)).all()
        for row in known:
            if self._look(row.sha256) == WHOLE:
                with writing(self._engine) as db:
                    mend(db, (row.device, row.case_id, row.kind, row.image))
                found.whole_again += 1

    def _begin(self) -> tuple[Any, ...] | None:
        """The last key that was looked at; None where it begins."""
        with writing(self._engine) as db:
            row = db.execute(sa.select(scrubs)).first()
            if row is not None and row.after:
                return tuple(json.loads(row.after))
            values = {"begun_us": to_us(self._now()), "looked": 0, "after": ""}
            if not insert_unless_there(db, scrubs, {"no": 1, "finished_us": 0, **values}):
                db.execute(sa.update(scrubs).values(**values))
        return None

    def _page(self, after: tuple[Any, ...] | None) -> Sequence[Any]:
        """The next pictures, in the order of their keys."""
        wanted = sa.select(*KEY, P.sha256).where(P.kind != Kind.CASE.value)
        if after is not None:
            wanted = wanted.where(sa.tuple_(*KEY) > sa.tuple_(*after))
        with reading(self._engine) as db:
            return db.execute(wanted.order_by(*KEY).limit(MANY)).all()

    def _look(self, sha256: str) -> str:
        """How a blob is. One that seems damaged is read twice: memory errs, too."""
        seen = self._read(sha256)
        return self._read(sha256) if seen == DAMAGED else seen

    def _read(self, sha256: str) -> str:
        hashed = hashlib.sha256()
        try:
            for piece in self._blobs.read(sha256):
                hashed.update(piece)
                self._pace.spend(len(piece))
        except NotFoundError:
            return MISSING
        except OperatorError as e:
            if isinstance(e.__cause__, OSError) and e.__cause__.errno == errno.EIO:
                return DAMAGED  # the disk can't read this one
            raise
        return WHOLE if hashed.hexdigest() == sha256 else DAMAGED

    def _note(
        self, bad: Sequence[tuple[Any, str]], after: tuple[Any, ...], looked: int, found: Found
    ) -> None:
        """Set aside what is damaged, then write down what was found and how far the look is.

        In this order: a blob that comes again in between is only asked for once more.
        """
        for row, what in bad:
            if what == DAMAGED:
                self._blobs.set_aside(row.sha256)
        with writing(self._engine) as db:
            for row, what in bad:
                if self._name(db, row, what):
                    found.bad[what] += 1
                    found.devices.add(row.device)
            done = {"after": json.dumps(after), "looked": scrubs.c.looked + looked}
            db.execute(sa.update(scrubs).values(**done))
        found.looked += looked

    def _name(self, db: sa.Connection, row: Any, what: str) -> bool:
        """Name a picture; False where it was named, or its row is gone or another by now."""
        same = (column == value for column, value in zip(KEY, row, strict=False))
        there = sa.select(P.sha256).where(*same, P.sha256 == row.sha256)
        if db.execute(there).first() is None:
            return False
        key = {name: getattr(row, name) for name in NAMES}
        values = {**key, "sha256": row.sha256, "what": what, "at_us": to_us(self._now())}
        return insert_unless_there(db, damaged, values)

    def _finish(self) -> None:
        with writing(self._engine) as db:
            db.execute(sa.update(scrubs).values(after="", finished_us=to_us(self._now())))
