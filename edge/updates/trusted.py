"""What this device has seen of the release repository: signed metadata that must never go back.

    DATA_DIR/updates.db     the newest metadata of every role, byte for byte, with its version

Metadata that only lay in files would be zeroed by a power cut, and an older stick taken for the
newest. Here every look is one transaction with `synchronous=FULL`; a database that can't be read
refuses every repository until a person says anew whom to trust.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.errors import OperatorError, RefusedReleaseError
from edge.store.database import connect, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlite_utils import Database

FILE = "updates.db"
ROOT = "root"
TRUST = "Say whom to trust: edgecase models trust ROOT.json (the tower's metadata/1.root.json)."


class TrustedMetadata:
    """The metadata that was seen. Any thread and any program may use it at any time."""

    def __init__(self, data_dir: Path) -> None:
        """Nothing is opened."""
        self._path = data_dir / FILE

    def read(self) -> dict[str, bytes]:
        """Role → its newest metadata; {} where nobody has said yet whom to trust.

        Raises:
            RefusedReleaseError: it is damaged.
        """
        if not self._path.exists():
            return {}
        with self._open() as db:
            rows = db.execute("SELECT role, content FROM metadata").fetchall()
        return {str(role): bytes(content) for role, content in rows}

    def begin(self, root: bytes, version: int) -> None:
        """Trust this root, and forget everything else that was seen.

        Raises:
            OperatorError: it can't be written.
        """
        if self._damaged():
            for path in self._path.parent.glob(f"{FILE}*"):
                path.unlink()
        with self._open() as db, transaction(db):
            db.execute("DELETE FROM metadata")
            db.execute("INSERT INTO metadata VALUES (?, ?, ?)", (ROOT, version, root))

    def keep(self, seen: Mapping[str, tuple[int, bytes]]) -> None:
        """Remember what was verified: role → version and content. Durable when this returns.

        Raises:
            RefusedReleaseError: another look has seen a newer one meanwhile.
        """
        with self._open() as db, transaction(db):
            for role, (version, content) in seen.items():
                row = db.execute("SELECT version FROM metadata WHERE role = ?", (role,)).fetchone()
                if row is not None and row[0] > version:
                    raise RefusedReleaseError(
                        f"The repository's {role} has version {version}, and {row[0]} was seen.",
                        "Look again; a stick has to be exported anew.",
                    )
                db.execute(
                    "INSERT OR REPLACE INTO metadata VALUES (?, ?, ?)", (role, version, content)
                )

    def _damaged(self) -> bool:
        try:
            self.read()
        except RefusedReleaseError:
            return True
        return False

    @contextmanager
    def _open(self) -> Iterator[Database]:
        try:
            db = connect(self._path, "FULL")
        except (sqlite3.Error, OSError) as e:
            raise _unreadable(self._path, e) from e
        try:
            db.execute(
                "CREATE TABLE IF NOT EXISTS metadata"
                " (role TEXT PRIMARY KEY, version INTEGER NOT NULL, content BLOB NOT NULL)"
            )
            yield db
        except sqlite3.OperationalError as e:
            hint = "Free some space, and look whether the disk can be written."
            raise OperatorError(f"{self._path} can't be written: {e}.", hint) from e
        except sqlite3.Error as e:
            raise _unreadable(self._path, e) from e
        finally:
            db.close()


def _unreadable(path: Path, e: Exception) -> RefusedReleaseError:
    return RefusedReleaseError(f"{path} can't be read: {e}. No release is trusted.", TRUST)
