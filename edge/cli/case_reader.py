"""Reads cases for the command line, beside a daemon that may be writing them."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING

from edge.cli.case_export import Portable
from edge.errors import BadRequestError, NotFoundError, OperatorError
from edge.store import cases, images, listing, parcels
from edge.store.database import connect
from edge.store.layout import Layout
from edge.store.outbox import Kind, Parcel, Phase
from sync.messages import Address, Header
from sync.messages import Kind as Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from sqlite_utils import Database

    from edge.store.listing import Filter
    from models.case import Case

MAX_MATCHES = 5
"""Ids shown when the beginning of one fits several."""


class CaseReader:
    """A store, opened for reading only."""

    def __init__(self, data_dir: Path) -> None:
        """Read the store in `data_dir`.

        Raises:
            NotFoundError: there is none yet.
            OperatorError: this user may not read it, or it is damaged.
        """
        self._layout = Layout(data_dir)
        path = self._layout.database
        try:
            if not path.exists():
                raise NotFoundError(
                    f"There is no store in {data_dir} yet.",
                    "`edgecase run` makes it; is store.data_dir right?",
                )
            self._db = _opened(path)
        except (OSError, sqlite3.Error) as e:
            raise OperatorError(
                f"The store {path} can't be read: {e}.",
                "run this as the user of the daemon (sudo -u edgecase …); a damaged store is "
                "rebuilt when the daemon starts",
            ) from e

    def __enter__(self) -> CaseReader:
        """Nothing more to open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        """Close the database."""
        self._db.close()

    def every(self, which: Filter) -> Iterator[Case]:
        """The cases that fit, newest first, read page by page."""
        cursor: str | None = None
        while True:
            page = listing.page(self._db, which, cursor, listing.MAX_LIMIT)
            yield from page.cases
            cursor = page.next
            if cursor is None:
                return

    def one(self, beginning: str) -> Case:
        """The case whose id begins like this.

        Raises:
            BadRequestError: several do, or it is no id.
            NotFoundError: none does.
        """
        if not re.fullmatch(r"[0-9a-f-]{4,36}", beginning):
            raise BadRequestError(
                f"{beginning[:40]!r} is no id of a case.", "`edgecase cases list` shows them."
            )
        found = self._db.execute(
            "SELECT id FROM cases WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (beginning, beginning + "g", MAX_MATCHES),
        ).fetchall()
        if not found:
            raise NotFoundError(
                f"There is no case {beginning}.", "`edgecase cases list` shows them."
            )
        if len(found) > 1:
            ids = ", ".join(row[0] for row in found)
            raise BadRequestError(f"{beginning} fits several cases.", f"{ids}, …")
        return cases.read(self._db, str(found[0][0])).case

    def parcels(self, case: Case) -> tuple[list[Portable], int]:
        """What the uplink sends of a case, the case itself last; how many photos are missing."""
        rows = self._db.execute(
            "SELECT kind, sha256, rev FROM outbox WHERE seq = ? ORDER BY id DESC", (case.seq,)
        )
        revs = {(kind, sha256): rev for kind, sha256, rev in rows}  # the oldest: as it was queued
        wanted = [
            (kind, image.sha256, place)
            for place, image in enumerate(case.images, start=1)
            for kind in (Kind.THUMB, Kind.IMAGE)
        ]
        found, missing = [], 0
        for kind, sha256, place in [*wanted, (Kind.CASE, "", 0)]:
            rev = case.rev if kind is Kind.CASE else revs.get((kind.value, sha256), 1)
            parcel = Parcel(0, case.id, rev, kind, sha256, 0, Phase.QUEUED, 0, "")
            content = parcels.content(self._db, self._layout, parcel)
            if content is not None:
                address = Address(case.id, rev, Wire(kind.value), sha256, content.sha256)
                header = Header(address, content.size, content.media_type)
                found.append(Portable(header, content, place))
            missing += content is None and kind is Kind.IMAGE
        return found, missing

    def photos(self, case: Case) -> list[Path | None]:
        """Where each photo of a case lies; None for one that made room for others."""
        found: list[Path | None] = []
        for reference in cases.references(self._db, case.id):
            try:
                found.append(images.original(self._layout, reference).path)
            except NotFoundError:
                found.append(None)
        return found


def _opened(path: Path) -> Database:
    db = connect(path, "FULL", read_only=True)
    try:
        db.execute("SELECT 1 FROM cases LIMIT 1").fetchone()
    except sqlite3.Error:
        db.close()
        raise
    return db
