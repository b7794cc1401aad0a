"""What changes the store, step by step; one thread at a time runs it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.errors import BadRequestError, ConflictError, DiskFullError, NotFoundError
from edge.store import cases, images, keys, outbox, settings, sidecars, staging
from edge.store.database import transaction
from edge.store.failures import FULL_HINT, free_bytes, translated
from edge.store.files import NewFiles, sync_folder
from edge.store.sidecars import Sidecar
from models.case import Case, Status, Sync
from models.jsonable import require

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlite_utils import Database

    from edge.draft import CaseDraft
    from edge.ports import Inspection, Photo
    from edge.store.layout import Layout

FIXED = ("id", "device", "seq", "rev", "created", "images")
"""What no change of a case may touch."""
RECENT = 64
"""Staged photos whose files may become a case's without being written twice."""


class Ledger:
    """Stages photos, adds cases, changes them."""

    def __init__(
        self, db: Database, layout: Layout, now: Callable[[], datetime], min_free: int
    ) -> None:
        """Write to `db` and under `layout`, as long as `min_free` bytes stay free."""
        self._db = db
        self._layout = layout
        self._now = now
        self._min_free = min_free
        self._recent: dict[str, str] = {}

    def stage(self, image_id: str, photo: Photo, inspection: Inspection, profile: str) -> None:
        """Keep a checked photo for a while under its id.

        Raises:
            DiskFullError: no room.
        """
        with translated(self._layout.root), NewFiles(self._layout.tmp) as files:
            self._need_room()
            staging.put(files, self._layout, image_id, photo, inspection, profile, self._now())
            files.publish()
        self._recent[photo.sha256] = image_id
        while len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]

    def add(self, draft: CaseDraft, photos: Sequence[Photo], key: str | None) -> tuple[Case, bool]:
        """Make a case; when this returns it is durable.

        Args:
            draft: the case.
            photos: of `draft.images`, in the same order.
            key: the same one with the same content gives the same case.

        Returns:
            The case, and False where the key had already made it.

        Raises:
            ConflictError: the key came before with other content.
            DiskFullError: no room; nothing of it was kept.
        """
        _require_photos(draft, photos)
        now, content = self._now(), keys.content_of(draft)
        with translated(self._layout.root):
            known = None if key is None else keys.find(self._db, key, content, now)
            if known is not None:
                return cases.by_seq(self._db, known).case, False
            self._need_room()
            with NewFiles(self._layout.tmp) as files, transaction(self._db):
                case = draft.numbered(str(uuid.uuid4()), settings.take_seq(self._db))
                size = self._write_files(files, case, photos)
                here = images.presence(self._layout, case.images)
                cases.insert(self._db, Sidecar(case), here)
                outbox.enqueue(self._db, case, size, now, here)
                if key is not None:
                    keys.remember(self._db, key, content, case.seq, now)
                if case.clock_ok:
                    settings.saw(self._db, case.created)
        return case, True

    def revise(
        self, case_id: str, change: Callable[[Case], Case], expected_rev: int | None = None
    ) -> Case:
        """Put a new revision in the place of the case; durable when this returns.

        Args:
            case_id: which.
            change: gives the case as it should be; it must not wait for anything. Setting the
                status to `deleted` deletes it. An equal case is no new revision.
            expected_rev: the revision that the change was made for, where that matters.

        Raises:
            NotFoundError: there is none of this id, or it is deleted.
            ConflictError: the case has moved on from `expected_rev`.
            DiskFullError: no room; the case is as it was.
        """
        with translated(self._layout.root):
            before = cases.read(self._db, case_id)
            if before.deleted is not None:
                raise NotFoundError("This case is deleted.", "Restore it first.")
            if expected_rev not in (None, before.case.rev):
                hint = "Load it again and look at what changed."
                raise ConflictError(f"The case is at revision {before.case.rev}.", hint)
            after = change(before.case)
            if after == before.case:
                return after
            for name in FIXED:
                same = getattr(after, name) == getattr(before.case, name)
                require(same, name, "what no change touches")
            if after.status is Status.DELETED:
                return self._put(before, Sidecar(after, self._now(), before.case.status))
            return self._put(before, Sidecar(after))

    def delete(self, case_id: str) -> Case:
        """Delete a case so that it can be restored; one that is deleted stays as it is.

        Raises:
            NotFoundError: there is none of this id.
        """
        with translated(self._layout.root):
            before = cases.read(self._db, case_id)
        if before.deleted is not None:
            return before.case
        return self.revise(case_id, lambda case: replace(case, status=Status.DELETED))

    def restore(self, case_id: str) -> Case:
        """Give a deleted case its status back; one that isn't deleted stays as it is.

        Raises:
            NotFoundError: there is none of this id (any more).
        """
        with translated(self._layout.root):
            before = cases.read(self._db, case_id)
            if before.restore_to is None:
                return before.case
            return self._put(before, Sidecar(replace(before.case, status=before.restore_to)))

    def _write_files(self, files: NewFiles, case: Case, photos: Sequence[Photo]) -> int:
        """Make photos and sidecar durable; gives the sidecar's bytes."""
        for photo in {photo.sha256: photo for photo in photos}.values():
            staged = staging.holding(self._layout, photo.sha256, self._recent)
            images.put(files, self._layout, photo, staged)
        content = sidecars.encode(Sidecar(case))
        files.add(self._sidecar(case), content)
        files.publish()
        return len(content)

    def _put(self, before: Sidecar, after: Sidecar) -> Case:
        case = replace(after.case, rev=before.case.rev + 1, sync=Sync())
        after = replace(after, case=case)
        content = sidecars.encode(after)
        with NewFiles(self._layout.tmp) as files, transaction(self._db):
            files.add(self._sidecar(case), content)
            files.publish()
            cases.update(self._db, before.case, after)
            outbox.enqueue(self._db, case, len(content), self._now())
        return case

    def _sidecar(self, case: Case) -> Path:
        path = self._layout.sidecar(case.id, case.created)
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700)
            sync_folder(path.parent.parent)
        return path

    def _need_room(self) -> None:
        free = free_bytes(self._layout.root)
        if free < self._min_free:
            left = f"{free / 1e6:.0f} MB are left, {self._min_free / 1e6:.0f} MB are kept free."
            raise DiskFullError(f"The disk is full; nothing was stored. {left}", FULL_HINT)


def _require_photos(draft: CaseDraft, photos: Sequence[Photo]) -> None:
    """Raise `BadRequestError` unless the photos are those of the draft."""
    if [image.sha256 for image in draft.images] != [photo.sha256 for photo in photos]:
        raise BadRequestError("The photos are not those of the case.")
