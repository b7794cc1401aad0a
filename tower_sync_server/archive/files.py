"""Files that are either all there under their names, durable, or not there at all."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import time
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from tower_sync_server.errors import DiskFullError, NotFoundError, OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator

MODE = 0o600
"""Photos are nobody else's business."""
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def translated(missing: str = "") -> Iterator[None]:
    """Raise what the disk complains about as an error of ours.

    Args:
        missing: what to say of a file that isn't there; "" where that is a failure.

    Raises:
        DiskFullError: no room left.
        NotFoundError: no such file, and `missing` is given.
        OperatorError: the disk is failing, read-only or somebody else's.
    """
    try:
        yield
    except OSError as e:
        if missing and isinstance(e, FileNotFoundError):
            raise NotFoundError(missing) from e
        if e.errno in FULL:
            raise DiskFullError("The disk is full.", "Free some space on the tower.") from e
        hint = "Look at the system's log for the disk, and at who owns store.data_dir."
        raise OperatorError(f"The disk failed: {e}", hint) from e


def sync_folder(folder: Path | str) -> None:
    """Make the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def free_bytes(folder: Path) -> int:
    """Bytes that can still be written there by somebody who isn't root."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class Draft:
    """A file that has no name yet; it is hashed while it is written."""

    def __init__(self, folder: Path) -> None:
        """Begin one in `folder`, which is on the file system of its later place."""
        self._path = f"{folder}/{secrets.token_hex(16)}"  # a Path costs more than the file
        with translated():
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
        self._file = FileIO(handle, "wb")
        self._hash = hashlib.sha256()
        self._named = False

    def write(self, data: bytes) -> None:
        """Add some bytes."""
        with translated():
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
        self._hash.update(data)

    @property
    def sha256(self) -> str:
        """Of what was written so far, hex."""
        return self._hash.hexdigest()

    @property
    def path(self) -> Path:
        """Where it is being written."""
        return Path(self._path)

    def sync(self) -> None:
        """Make its bytes durable."""
        os.fsync(self._file.fileno())

    def rename(self, target: Path | str) -> None:
        """Give it its name, which is durable once its folder is."""
        self._file.close()
        os.replace(self._path, target)  # noqa: PTH105  the same
        self._named = True

    def publish(self, target: Path) -> None:
        """Give it its name; when this returns the bytes and the name are durable."""
        with translated():
            self.sync()
            self.rename(target)
            sync_folder(target.parent)

    def discard(self) -> None:
        """Drop it, unless it has been published."""
        self._file.close()
        if not self._named:
            self.path.unlink(missing_ok=True)


def age_s(path: Path) -> float:
    """Seconds since a file was written; 0 where it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
