"""The parts that HTTP and ingest share, made of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tower_sync_server.archive.archive import Archive
from tower_sync_server.archive.blobs import Blobs, FolderBlobs
from tower_sync_server.archive.files import translated
from tower_sync_server.archive.object_blobs import ObjectBlobs
from tower_sync_server.archive.orphans import Orphans
from tower_sync_server.archive.spool import Spool
from tower_sync_server.database.engine import connect, sqlite_dsn
from tower_sync_server.errors import NotFoundError
from tower_sync_server.housekeeping import Housekeeping
from tower_sync_server.ingest.digests import Digests
from tower_sync_server.ingest.ingest import Ingest, Limits
from tower_sync_server.ingest.quota import Allowance, Quota
from tower_sync_server.ingest.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable

    from tower_sync_server.config import IngestSettings, Settings, StoreSettings

DAY_S = 24 * 3600.0
MEGABYTE = 1_000_000
S3_PATIENCE = {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 1}}
"""Devices are told to wait and ask again: no need to wait long here."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Everything durable."""

    engine: sa.Engine
    """The database."""
    archive: Archive
    """What writes to it."""
    blobs: Blobs
    """Photos and thumbnails."""
    spool: Spool
    """Chunks."""
    folder: Path
    """For what is on its way, on this machine."""

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def open_keep(store: StoreSettings) -> Keep:
    """Open everything durable; the tables have to be up to date, see `archive.upgrade`.

    Raises:
        OperatorError: the folder or the database can't be used.
    """
    with translated():
        store.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    blobs, spool = make_blobs(store), Spool(store.data_dir / "spool")
    blobs.open()
    spool.open(store.spool_days * DAY_S)
    engine = connect(store.dsn or sqlite_dsn(store.data_dir / "archive.db"))
    return Keep(engine, Archive(engine, now, blob_finder(blobs)), blobs, spool, store.data_dir)


def make_blobs(store: StoreSettings) -> Blobs:
    """Where photos lie, as the settings say; nothing is opened.

    Raises:
        OperatorError: nothing that is installed knows such a place.
    """
    here = store.data_dir / "blobs"
    if "://" not in store.blobs:
        return FolderBlobs(Path(store.blobs) if store.blobs else here)
    options: dict[str, Any] = {}
    if store.blobs.startswith("s3://"):
        options = {"config_kwargs": S3_PATIENCE, "endpoint_url": store.blobs_endpoint or None}
    return ObjectBlobs(store.blobs, options, here / "drafts")


def make_quota(keep: Keep, ingest: IngestSettings) -> Quota:
    """What one device may take, also of the spool."""
    allowance = Allowance(
        uploads=ingest.open_uploads,
        upload_bytes=int(ingest.open_mb * MEGABYTE),
        cases=ingest.burst_cases,
        cases_minute=ingest.cases_minute,
    )
    quota = Quota(keep.spool, allowance)
    keep.spool.may_open = quota.may_open
    return quota


def make_ingest(keep: Keep, store: StoreSettings, quota: Quota | None = None) -> Ingest:
    """What takes messages in, whichever way they come; over the link, only within a quota."""
    limits = Limits(
        image_bytes=int(store.max_image_mb * MEGABYTE),
        min_free_bytes=int(store.min_free_mb * MEGABYTE),
    )
    return Ingest(keep.archive, keep.blobs, keep.spool, limits, Digests(keep.engine), quota)


def make_uploads(keep: Keep, settings: Settings) -> Uploads:
    """What takes in archives that come over HTTP."""
    return Uploads(
        make_ingest(keep, settings.store),
        keep.folder / "uploads",
        int(settings.http.max_upload_mb * MEGABYTE),
        int(settings.store.min_free_mb * MEGABYTE),
    )


def make_housekeeping(keep: Keep, store: StoreSettings) -> Housekeeping:
    """What clears up."""
    lock, age = keep.folder / "orphans.lock", store.orphan_days * DAY_S
    orphans = Orphans(keep.engine, keep.blobs, lock, age, now)
    spool_s = store.spool_days * DAY_S
    return Housekeeping(orphans, keep.blobs, keep.spool, spool_s, keep.folder / "uploads")


def blob_finder(blobs: Blobs) -> Callable[[str], bool]:
    """Tell whether a blob is there; asked only about what was removed lately."""

    def is_there(sha256: str) -> bool:
        try:
            next(blobs.read(sha256), b"")
        except NotFoundError:
            return False
        return True

    return is_there


def now() -> datetime:
    """Wall time with its offset."""
    return datetime.now(UTC).astimezone()
