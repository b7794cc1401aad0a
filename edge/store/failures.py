"""Foreign errors of the disk and of SQLite, as the device's own."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.errors import DiskFullError, EdgeError, OperatorError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
FULL_HINT = "Free some space, or let the device sync: what the tower holds can go from here."
DAMAGED_HINT = "Restart the device: it sets the database aside and rebuilds it from its files."
PAGE = 4096
"""Less free space than this, bytes, is none."""


@contextmanager
def translated(root: Path) -> Iterator[None]:
    """Raise what the disk under `root` and SQLite complain about as `EdgeError`s.

    Raises:
        DiskFullError: no room left.
        UnavailableError: another process holds the database.
        OperatorError: the disk or the database is damaged, or may not be written.
    """
    try:
        yield
    except OSError as e:
        raise _of_disk(e) from e
    except sqlite3.Error as e:
        raise _of_database(e, root) from e


def free_bytes(root: Path) -> int:
    """Bytes that can still be written under `root` by somebody who isn't root."""
    found = os.statvfs(root)
    return found.f_bavail * found.f_frsize


def no_room() -> DiskFullError:
    """No room left; nothing was stored."""
    return DiskFullError("The disk is full; nothing was stored.", FULL_HINT)


def _of_disk(error: OSError) -> EdgeError:
    if error.errno in FULL:
        return no_room()
    if error.errno == errno.EROFS:
        hint = "The disk has become read-only: it may be failing. Replace it."
        return OperatorError(f"The disk can't be written: {error}", hint)
    if error.errno in (errno.EACCES, errno.EPERM):
        hint = "Run as the user who owns it, or set store.data_dir (EDGECASE_STORE__DATA_DIR)."
        return OperatorError(f"The data directory can't be used: {error}", hint)
    return OperatorError(f"The disk failed: {error}", "Look at the system's log for the disk.")


def _of_database(error: sqlite3.Error, root: Path) -> EdgeError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    # Where the disk is full, growing the WAL's index fails as an I/O error and not as "full".
    full = code == sqlite3.SQLITE_FULL
    cramped = code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    if full or (cramped and free_bytes(root) < PAGE):
        return no_room()
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return UnavailableError("The database is busy.", "Try again.")
    return OperatorError(f"The database failed: {error}", DAMAGED_HINT)
