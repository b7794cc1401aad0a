"""What the tower is known to hold, for the event loop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from edge.store import receipts, refill, settings
from edge.store.times import from_us, to_us
from sync.digests import Range

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlite_utils import Database

    from edge.store.layout import Layout
    from edge.store.receipts import Own
    from edge.store.refill import Refill
    from sync.comparison import Checked
    from sync.digests import Sum

T = TypeVar("T")

AT_ONCE = 64
"""Cases that are queued again before the next waiting change has its turn."""


class Runs(Protocol):
    """Runs a job on the database."""

    async def __call__(self, job: Callable[[Database], T], /) -> T:
        """Gives what the job gives."""
        ...


@dataclass(frozen=True, slots=True)
class Compared:
    """How far both ends are known to be the same."""

    at: datetime | None
    """When everything was compared last; None: never."""
    unconfirmed: int
    """Cases that the tower said it holds, and no comparison has confirmed yet."""
    lost: int
    """Cases and photos that neither end holds."""


class ReceiptBook:
    """Reads and writes the receipts; see `edge.store.receipts` and `edge.store.refill`."""

    def __init__(
        self, read: Runs, write: Runs, layout: Layout, now: Callable[[], datetime]
    ) -> None:
        """Run jobs with `read` and `write`; `now` gives wall time with its offset."""
        self._read = read
        self._write = write
        self._layout = layout
        self._now = now

    async def ranges(self, *, unconfirmed: bool) -> tuple[Range, ...]:
        """What to compare: everything, or only where something is not confirmed."""
        return await self._read(lambda db: receipts.ranges(db, unconfirmed=unconfirmed))

    async def sums(self, wanted: Sequence[Range]) -> tuple[Sum, ...]:
        """What the tower is believed to hold in these ranges."""
        return await self._read(lambda db: receipts.sums(db, wanted))

    async def own(self, within: Range) -> Own:
        """What this device could send of a narrow range."""
        return await self._read(lambda db: receipts.own(db, within))

    async def agree(self, asked: Sum) -> None:
        """Note that the tower holds the same in a range."""
        await self._write(lambda db: receipts.agree(db, asked, self._now()))

    async def refill_all(self, within: Range) -> Refill:
        """Queue again everything of a range in which the tower holds nothing."""
        done = refill.Refill()
        for first in range(within.first, within.last + 1, AT_ONCE):
            part = Range(first, min(first + AT_ONCE - 1, within.last))
            done += await self._write(partial(self._refill, part))
        return done

    def _refill(self, within: Range, db: Database) -> Refill:
        return refill.refill_all(db, self._layout, within, self._now())

    async def settle(self, asked: Own, answer: Checked) -> Refill:
        """Queue again what is missing of a narrow range; take down what the tower holds of it."""
        return await self._write(
            lambda db: refill.settle(db, self._layout, asked, answer, self._now())
        )

    async def finish(self, wish: int = 0) -> None:
        """Note that everything has been compared, and which wish of the tower that fulfils."""
        now = str(to_us(self._now()))

        def note(db: Database) -> None:
            settings.put(db, receipts.COMPARED, now)
            if wish:
                settings.put(db, receipts.WISH, str(wish))

        await self._write(note)

    async def wish(self) -> int:
        """The number of the tower's last wish that was fulfilled; 0: none ever was."""
        return await self._read(lambda db: int(settings.get(db, receipts.WISH) or 0))

    async def compared(self) -> Compared:
        """How far both ends are known to be the same."""
        return await self._read(_compared)


def _compared(db: Database) -> Compared:
    at = settings.get(db, receipts.COMPARED)
    unconfirmed = db.execute("SELECT count(*) FROM receipts WHERE agreed IS NULL").fetchone()[0]
    return Compared(None if at is None else from_us(int(at)), unconfirmed, receipts.lost(db))
