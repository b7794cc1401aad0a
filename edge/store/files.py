"""Files that are either all there under their names, durable, or not there at all.

The order is the one of DESIGN's durability: temporary file → fsync → rename → fsync of the folder.
Several files are written first and each folder is synced once: on ext4 that is 4 journal commits
for a case where file by file would take 7 (docs/adr/002-durability.md).
"""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

MODE = 0o600
"""Photos are nobody else's business."""


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class NewFiles:
    """A batch of files; leaving the block by an error takes back what it did."""

    def __init__(self, tmp: Path) -> None:
        """Write to `tmp`, on the same file system as the targets, until `publish`."""
        self._tmp = tmp
        self._waiting: list[tuple[Path, Path]] = []
        self._published: list[Path] = []
        self._replaced: list[tuple[Path, Path]] = []
        self._folders: dict[Path, None] = {}

    def add(self, target: Path, data: bytes, *, durable: bool = True) -> None:
        """Write `data` beside; `durable=False` is for what can be made again from other files."""
        path = self._tmp / secrets.token_hex(16)
        self._waiting.append((path, target))
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if durable:
            self.settle(target.parent)

    def link(self, target: Path, source: Path) -> None:
        """Take `source`, which never changes, as the content: no second copy on the disk."""
        path = self._tmp / secrets.token_hex(16)
        self._waiting.append((path, target))
        os.link(source, path)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        self.settle(target.parent)

    def settle(self, folder: Path) -> None:
        """Have `folder` synced on `publish`, though it may be another's file that lies in it."""
        self._folders[folder] = None

    def publish(self) -> None:
        """Give every file its name, then make the names durable."""
        for path, target in self._waiting:
            self._keep_old(target)
            path.replace(target)
            self._published.append(target)
        self._waiting.clear()
        for folder in self._folders:
            sync_folder(folder)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Forget the old versions, or bring them back."""
        if kind is not None:
            self._undo()
        for kept, _ in self._replaced:
            kept.unlink(missing_ok=True)

    def _keep_old(self, target: Path) -> None:
        kept = self._tmp / secrets.token_hex(16)
        with contextlib.suppress(FileNotFoundError):
            os.link(target, kept)  # a link needs no space, so going back works on a full disk
            self._replaced.append((kept, target))

    def _undo(self) -> None:
        for path, _ in self._waiting:
            path.unlink(missing_ok=True)
        for target in self._published:
            target.unlink(missing_ok=True)
        for kept, target in self._replaced:
            kept.replace(target)
            kept.unlink(missing_ok=True)  # still there where it was the target itself
        self._replaced.clear()
