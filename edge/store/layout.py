"""Where things lie under the data directory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import BadImageError

if TYPE_CHECKING:
    from datetime import datetime

SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}
"""Media type → how the file's name ends. Names that clients sent are never used."""
SHARDS = tuple(f"{n:02x}" for n in range(256))
"""Folders of images: the first two digits of the SHA-256."""
IMAGE_ID = re.compile(r"[0-9a-f]{32}")
"""How a staged photo is named: 128 random bits."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files of a store; making one touches nothing."""

    root: Path
    """The data directory."""

    @property
    def database(self) -> Path:
        """The rows; SQLite keeps `cases.db-wal` and `cases.db-shm` beside it."""
        return self.root / "cases.db"

    @property
    def lock(self) -> Path:
        """Held by the one process that may write."""
        return self.root / "lock"

    @property
    def tmp(self) -> Path:
        """Files that are being written; whatever lies here at the start is left over."""
        return self.root / "tmp"

    @property
    def images(self) -> Path:
        """Originals."""
        return self.root / "images"

    @property
    def thumbs(self) -> Path:
        """Thumbnails."""
        return self.root / "thumbs"

    @property
    def sidecars(self) -> Path:
        """Every case again, as a file."""
        return self.root / "sidecars"

    @property
    def device(self) -> Path:
        """What the database knows besides the cases and can't be lost with it."""
        return self.sidecars / "device.json"

    @property
    def staged(self) -> Path:
        """Checked photos that may become cases."""
        return self.root / "staged"

    @property
    def set_aside(self) -> Path:
        """Databases that were damaged."""
        return self.root / "set-aside"

    @property
    def inbox(self) -> Path:
        """The folder camera's."""
        return self.root / "inbox"

    def image(self, sha256: str, media_type: str) -> Path:
        """Where an original lies.

        Raises:
            BadImageError: nothing of this media type is stored.
        """
        if media_type not in SUFFIX:
            raise BadImageError(f"{media_type} is not stored.", f"Send one of {sorted(SUFFIX)}.")
        return self.images / sha256[:2] / f"{sha256}{SUFFIX[media_type]}"

    def thumb(self, sha256: str) -> Path:
        """Where the thumbnail of an original lies."""
        return self.thumbs / sha256[:2] / f"{sha256}.jpg"

    def sidecar(self, case_id: str, created: datetime) -> Path:
        """Where the file of a case lies: by the month of its creation, UTC."""
        return self.sidecars / created.astimezone(UTC).strftime("%Y-%m") / f"{case_id}.json"

    def folders(self) -> tuple[Path, ...]:
        """Every folder that is made when a store is opened, parents first."""
        top = (self.root, self.tmp, self.images, self.thumbs, self.sidecars)
        shards = tuple(parent / s for parent in (self.images, self.thumbs) for s in SHARDS)
        return (*top, self.staged, self.set_aside, self.inbox, *shards)
