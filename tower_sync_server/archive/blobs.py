"""Photos and thumbnails as files, named by the SHA-256 of what is in them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tower_sync_server.archive.files import Draft, free_bytes, sync_folder, translated

if TYPE_CHECKING:
    from pathlib import Path

LEFT_OVER_S = 24 * 3600.0
"""Drafts older than this are what killed workers left."""


class Blobs:
    """The folder of all blobs; any number of processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`; nothing is made yet."""
        self._folder = folder
        self._drafts = folder / "drafts"

    def open(self) -> None:
        """Make the folders, and clear away what killed workers left.

        Raises:
            OperatorError: they can't be made.
        """
        with translated():
            for folder in (self._drafts, *(self._folder / f"{n:02x}" for n in range(256))):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            sync_folder(self._folder)
            for path in self._drafts.iterdir():
                if time.time() - path.stat().st_mtime > LEFT_OVER_S:
                    path.unlink(missing_ok=True)

    def draft(self) -> Draft:
        """Begin a blob."""
        return Draft(self._drafts)

    def publish(self, draft: Draft) -> None:
        """Make a draft a blob, durably. One that is there already is replaced by the same bytes."""
        draft.publish(self.path(draft.sha256))

    def path(self, sha256: str) -> Path:
        """Where a blob lies."""
        return self._folder / sha256[:2] / sha256

    def free_bytes(self) -> int:
        """Room for more."""
        with translated():
            return free_bytes(self._folder)
