"""The store: what the rest of the device calls, from its event loop.

One thread writes, a few read; a reader never waits for a writer, nor for the disk's fsync.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from edge.errors import NotFoundError, OperatorError
from edge.store import (
    cases,
    device_file,
    eviction,
    images,
    keys,
    listing,
    opening,
    outbox,
    parcels,
    rebuild,
    room,
    settings,
    staging,
    tokens,
)
from edge.store.database import transaction, unhurried
from edge.store.failures import PAGE, free_bytes, translated
from edge.store.layout import Layout
from edge.store.ledger import Ledger
from edge.store.listing import Filter, Page
from edge.store.opening import OpenReport
from edge.store.receipt_book import ReceiptBook
from edge.store.retention import Evictions, decide_evictions
from edge.store.threads import Threads
from edge.store.waiting_room import Staged, WaitingRoom

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlite_utils import Database

    from edge.draft import CaseDraft
    from edge.ports import Inspection, Photo
    from edge.store.cases import Reference
    from edge.store.database import Synchronous
    from edge.store.images import ImageFile
    from edge.store.outbox import Backlog, Parcel, Travelled
    from edge.store.parcels import Waiting
    from edge.store.receipt_book import Compared
    from edge.store.retention import Holding, Limits
    from edge.store.tokens import Scope, Token
    from models.case import Case

T = TypeVar("T")

AMPLE = 1_000_000_000
"""Free bytes beyond those that are kept from which on a photo is staged behind the answer."""
AT_ONCE = 20
"""Things that are removed before the next waiting change has its turn."""


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """How the store is."""

    free_bytes: int
    """On its disk, for somebody who isn't root."""
    accepting: bool
    """False below the free space that is kept: then nothing new is taken."""
    retention: str
    """Why a limit can't be kept, or ""."""
    opened: OpenReport
    """How it was found at the start."""


class Store:
    """Everything durable, for the event loop. Every method raises `EdgeError`s alone."""

    def __init__(
        self,
        data_dir: Path,
        *,
        now: Callable[[], datetime],
        limits: Limits,
        min_free_bytes: int,
        synchronous: Synchronous = "FULL",
        read_only: bool = False,
    ) -> None:
        """Keep the values; nothing is touched before `open`.

        Args:
            data_dir: the data directory; made by `open`.
            now: wall time with its offset.
            limits: how much is kept.
            min_free_bytes: below this much free space nothing new is taken.
            synchronous: SQLite's pragma; with NORMAL a power cut loses acknowledged cases.
            read_only: look at a store, also one that a daemon has open; nothing is checked,
                made or changed.
        """
        self.layout = Layout(data_dir)
        self._now = now
        self._limits = limits
        self._min_free = min_free_bytes
        self._synchronous: Synchronous = synchronous
        self._read_only = read_only
        self._threads = Threads(self.layout)
        self._retention = ""
        self._lock: int | None = None
        self._db: Database | None = None
        self._ledger: Ledger | None = None
        self._report: OpenReport | None = None
        self._room = WaitingRoom(self._stage)
        self.receipts = ReceiptBook(self._threads.read, self._write, self.layout, now)
        """What the tower is known to hold."""

    async def open(self) -> OpenReport:
        """Open the store; a missing or damaged database is made again from its files.

        Raises:
            DiskFullError, OperatorError: it can't be opened; the hint says what to do.
        """
        self._report = await self._threads.write(self._open)
        return self._report

    async def close(self) -> None:
        """Close it; what waits is done first."""
        await self._room.empty()
        await asyncio.to_thread(self._threads.close)
        if self._db is not None:
            self._db.close()
            self._db = self._ledger = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # Photos that may become cases

    async def stage(self, photo: Photo, inspection: Inspection, profile: str) -> str:
        """Keep a checked photo for a while; gives its id, which nobody can guess.

        It is written behind the answer, unless the disk is nearly full.

        Raises:
            DiskFullError: no room.
        """
        image_id, staged = staging.new_id(), (photo, inspection, profile)
        if self.status().free_bytes - self._min_free < AMPLE:
            await self._stage(image_id, staged)
        else:
            await self._room.enter(image_id, staged)
        return image_id

    async def staged(self, image_id: str) -> tuple[Photo, Inspection, str]:
        """A staged photo, what was found out about it, and the id of its profile.

        Raises:
            NotFoundError: there is none of this id, or its time is over.
        """
        inside = self._room.find(image_id)
        if inside is not None:
            return inside
        kept = self._limits.staged_age
        return await self._threads.read(
            lambda _: staging.get(self.layout, image_id, self._now(), kept)
        )

    # Cases

    async def add(
        self, draft: CaseDraft, photos: Sequence[Photo], idempotency_key: str | None = None
    ) -> tuple[Case, bool]:
        """Make a case; returns when it is durable. See `Ledger.add`."""
        return await self._change(lambda ledger: ledger.add(draft, photos, idempotency_key))

    async def get(self, case_id: str) -> Case:
        """A case, also a deleted one: its status says so.

        Raises:
            NotFoundError: there is none of this id.
        """
        return await self._threads.read(lambda db: cases.read(db, case_id).case)

    async def list(
        self, which: Filter | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page:
        """A page of cases, newest first.

        Raises:
            BadRequestError: the cursor is not one of ours, or the limit is not 1 to 200.
        """
        return await self._threads.read(
            lambda db: listing.page(db, which or Filter(), cursor, limit)
        )

    async def after(self, seq: int) -> Case | None:
        """The case with the lowest number above this one; None where there is none."""
        return await self._threads.read(lambda db: listing.after(db, seq))

    async def counts(self) -> dict[str, int]:
        """Status → how many cases stand there."""
        return await self._threads.read(listing.counts)

    async def revise(
        self, case_id: str, change: Callable[[Case], Case], expected_rev: int | None = None
    ) -> Case:
        """Put a new revision in the place of the case. See `Ledger.revise`."""
        return await self._change(lambda ledger: ledger.revise(case_id, change, expected_rev))

    async def delete(self, case_id: str) -> Case:
        """Delete a case so that it can be restored. See `Ledger.delete`."""
        return await self._change(lambda ledger: ledger.delete(case_id))

    async def restore(self, case_id: str) -> Case:
        """Give a deleted case its status back. See `Ledger.restore`."""
        return await self._change(lambda ledger: ledger.restore(case_id))

    async def image(self, case_id: str, place: int = 0) -> ImageFile:
        """The file of a case's original.

        Raises:
            NotFoundError: there is no such case or photo, or the photo made room for newer ones.
        """
        return await self._threads.read(
            lambda db: images.original(self.layout, _nth(db, case_id, place))
        )

    async def thumbnail(self, case_id: str, place: int = 0) -> ImageFile:
        """The file of a case's thumbnail; the original's, where a power cut took the thumbnail.

        Raises:
            NotFoundError: there is no such case or photo, or neither is here any more.
        """
        return await self._threads.read(
            lambda db: images.thumbnail(self.layout, _nth(db, case_id, place))
        )

    # What the tower doesn't hold yet

    async def pending(self, limit: int = 100) -> tuple[Parcel, ...]:
        """What to send next, oldest first."""
        return await self._threads.read(lambda db: tuple(outbox.pending(db, limit)))

    async def waiting(self, known: Collection[int], room: int) -> Waiting:
        """Look what waits to be sent: which of the `known` parcels, and `room` others."""
        return await self._threads.read(lambda db: parcels.waiting(db, self.layout, known, room))

    async def note_travelled(
        self, *, stored: Sequence[int] = (), sent: Sequence[int] = ()
    ) -> Travelled:
        """Note the tower's receipts, and what is about to be handed over, in one transaction."""
        return await self._note(lambda db: outbox.mark(db, stored, sent, self._now()))

    async def dead_letter(self, parcel: int, reason: str) -> None:
        """Note that the tower refused this parcel for good."""
        await self._write(lambda db: outbox.dead_letter(db, parcel, reason))

    async def revive(self) -> int:
        """Queue again what was refused; gives how many that are."""
        return await self._write(outbox.revive)

    async def dead_letters(self, limit: int = 20) -> tuple[Parcel, ...]:
        """What the tower refused for good, newest first."""
        return await self._threads.read(lambda db: tuple(outbox.dead_letters(db, limit)))

    async def compared(self) -> Compared:
        """How far both ends are known to be the same."""
        return await self.receipts.compared()

    async def no_thumbnail(self, parcel: Parcel) -> None:
        """Settle the parcel of a thumbnail that isn't here any more."""

        def settle(db: Database) -> None:
            outbox.no_thumbnail(db, parcel)
            outbox.mark_stored(db, [parcel.id], self._now())

        await self._write(settle)

    async def last_seq(self) -> int:
        """The highest number that was given to a case; 0 before the first."""
        return await self._threads.read(settings.last_seq)

    async def room(self) -> Mapping[str, int]:
        """Kind → bytes that it takes on the disk."""
        return await asyncio.to_thread(room.taken, self.layout)

    async def backlog(self) -> Backlog:
        """Count what is still only here."""
        return await self._threads.read(outbox.backlog)

    # Tokens

    async def create_token(self, name: str, scopes: Iterable[Scope]) -> tuple[str, Token]:
        """Make a token; this is the only time that it is seen itself."""
        wanted = tuple(scopes)
        return await self._tokens(lambda db: tokens.create(db, name, wanted, self._now()))

    async def tokens(self) -> tuple[Token, ...]:
        """Every token, oldest first, the revoked ones too."""
        return await self._threads.read(lambda db: tuple(tokens.list_all(db)))

    async def revoke_token(self, token_id: str) -> None:
        """Have this token open nothing any more.

        Raises:
            NotFoundError: there is none of this id.
        """
        await self._tokens(lambda db: tokens.revoke(db, token_id, self._now()))

    async def rename_token(self, token_id: str, name: str) -> None:
        """Give a token another name.

        Raises:
            NotFoundError: there is none of this id.
        """
        await self._tokens(lambda db: tokens.rename(db, token_id, name))

    async def verify_token(self, plain: str) -> Token | None:
        """The token that this is; None for one that is unknown or revoked."""
        token = await self._threads.read(lambda db: tokens.verify(db, plain))
        if token is not None and tokens.use_is_news(token, self._now()):
            await self._write(lambda db: tokens.note_use(db, token, self._now()))
        return token

    # Settings

    async def setting(self, key: str) -> str | None:
        """What is remembered under `key`."""
        return await self._threads.read(lambda db: settings.get(db, key))

    async def put_setting(self, key: str, value: str) -> None:
        """Remember `value` under `key`."""
        await self._write(lambda db: settings.put(db, key, value))

    async def change_setting(
        self, key: str, change: Callable[[str | None], tuple[str | None, T]]
    ) -> T:
        """Put what `change` makes of a value in its place, in one transaction."""
        return await self._write(lambda db: settings.change(db, key, change))

    # Housekeeping

    async def saw(self, moment: datetime) -> None:
        """Remember that `moment` has passed; a trusted clock showed it."""
        await self._write(lambda db: settings.saw(db, moment))

    async def purge(self) -> Evictions:
        """Remove what may go; what should go and can't is told here and in `status`."""
        decided = await self._threads.read(self._decide)
        for first in range(0, len(decided.go), AT_ONCE):
            part = decided.go[first : first + AT_ONCE]
            await self._threads.write(partial(self._remove, part))
        await self._write(lambda db: keys.forget_old(db, self._now()))
        self._retention = decided.reason
        return decided

    async def adopt_orphans(self) -> tuple[int, tuple[str, ...]]:
        """Make cases of sidecars without a row, on a person's word. See `rebuild`."""

        def adopt() -> tuple[int, tuple[str, ...]]:
            adopted, problems = rebuild.adopt_orphans(self._writable(), self.layout, self._now())
            return adopted, tuple(problems)

        return await self._threads.write(adopt)

    def status(self) -> StoreStatus:
        """How the store is; doesn't touch the database."""
        if self._report is None:
            raise OperatorError("The store is not open.")
        with translated(self.layout.root):
            free = free_bytes(self.layout.root)
        # With nothing to be kept free there must be room for something.
        return StoreStatus(free, free >= max(self._min_free, PAGE), self._retention, self._report)

    def _open(self) -> OpenReport:
        if self._read_only:
            return opening.look(self.layout)
        opening.make_folders(self.layout)
        self._lock = opening.lock(self.layout)
        opening.sweep(self.layout)
        self._db, report = opening.open_database(self.layout, self._synchronous, self._now())
        self._ledger = Ledger(self._db, self.layout, self._now, self._min_free)
        return report

    def _writable(self) -> Database:
        if self._db is None:
            raise OperatorError("The store is not open for writing.")
        return self._db

    async def _stage(self, image_id: str, staged: Staged) -> None:
        await self._change(lambda ledger: ledger.stage(image_id, *staged))

    async def _change(self, job: Callable[[Ledger], T]) -> T:
        def run() -> T:
            if self._ledger is None:
                raise OperatorError("The store is not open for writing.")
            return job(self._ledger)

        return await self._threads.write(run)

    async def _write(self, job: Callable[[Database], T]) -> T:
        def run() -> T:
            db = self._writable()
            with transaction(db):
                return job(db)

        return await self._threads.write(run)

    async def _note(self, job: Callable[[Database], T]) -> T:
        """Write down how far things have travelled; lost in a power cut, the tower is asked."""

        def run() -> T:
            db = self._writable()
            with unhurried(db):
                return job(db)

        return await self._threads.write(run)

    async def _tokens(self, job: Callable[[Database], T]) -> T:
        """Change tokens, in the database and in the file that outlives it."""

        def run() -> T:
            db = self._writable()
            with transaction(db):
                result = job(db)
                device_file.save(db, self.layout)
                return result

        return await self._threads.write(run)

    def _decide(self, db: Database) -> Evictions:
        now = self._now()
        found = eviction.holdings(db, self.layout, now, self._limits)
        return decide_evictions(found, now, self._limits)

    def _remove(self, going: Sequence[Holding]) -> int:
        return eviction.remove(self._writable(), self.layout, going)


def _nth(db: Database, case_id: str, place: int) -> Reference:
    references = cases.references(db, case_id)
    if not 0 <= place < len(references):
        raise NotFoundError(f"There is no such photo of case {case_id[:40]}.")
    return references[place]
