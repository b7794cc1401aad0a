"""What is in a parcel: the bytes that travel, and what is said about them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.store import images, outbox
from edge.store.outbox import Kind, Parcel

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlite_utils import Database

    from edge.store.layout import Layout

CASE_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a parcel: in memory, or in a file that never changes."""

    sha256: str
    """Of the bytes, hex."""
    size: int
    """Bytes."""
    media_type: str
    """application/json for a case, that of the picture else."""
    source: bytes | Path
    """The bytes, or where they are."""

    def read(self, offset: int, length: int) -> bytes:
        """A piece of it; shorter where the file is.

        Raises:
            OSError: the file can't be read.
        """
        if isinstance(self.source, bytes):
            return self.source[offset : offset + length]
        handle = os.open(self.source, os.O_RDONLY)
        try:
            return os.pread(handle, length, offset)
        finally:
            os.close(handle)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in the outbox."""

    known: frozenset[int]
    """Of the rows that were known: those that still wait. The others are overtaken or settled."""
    more: tuple[tuple[Parcel, Content | None], ...]
    """What to send besides, most urgent first; None where the bytes are not here any more."""


def waiting(db: Database, layout: Layout, known: Collection[int], room: int) -> Waiting:
    """Look what waits: which of the `known` rows, and `room` others."""
    more = outbox.next_up(db, known, room) if room else []
    contents = tuple((parcel, content(db, layout, parcel)) for parcel in more)
    return Waiting(frozenset(outbox.unsettled(db, known)), contents)


def content(db: Database, layout: Layout, parcel: Parcel) -> Content | None:
    """What is in a parcel; None where it isn't here any more."""
    if parcel.kind is Kind.CASE:
        sql = "SELECT body FROM cases WHERE id = ? AND rev = ?"
        row = db.execute(sql, (parcel.case_id, parcel.rev)).fetchone()
        return None if row is None else _in_memory(str(row[0]).encode(), CASE_TYPE)
    if parcel.kind is Kind.THUMB:
        data = images.whole_jpeg(layout.thumb(parcel.sha256))
        return None if data is None else _in_memory(data, "image/jpeg")
    sql = "SELECT media_type, bytes FROM case_images WHERE sha256 = ? LIMIT 1"
    media_type, size = db.execute(sql, (parcel.sha256,)).fetchone()
    path = layout.image(parcel.sha256, media_type)
    return Content(parcel.sha256, size, media_type, path) if path.is_file() else None


def _in_memory(data: bytes, media_type: str) -> Content:
    return Content(hashlib.sha256(data).hexdigest(), len(data), media_type, data)
