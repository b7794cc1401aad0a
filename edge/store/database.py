"""The SQLite database: opened with the pragmas that durability rests on, and looked over first."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from sqlite_utils import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Synchronous = Literal["FULL", "NORMAL", "OFF"]
"""FULL syncs every commit; OFF is for building a database that nobody relies on yet."""
SUFFIXES = ("", "-wal", "-shm", "-journal")
"""What SQLite keeps beside a database."""
BUSY_MS = 5000
MISSING, EMPTY, NO_TABLES = "it is missing", "it is empty", "it holds no cases table"
UNBEGUN = (MISSING, EMPTY, NO_TABLES)
"""What a first start that was cut short leaves."""
WAL_MAGIC = (0x377F0682, 0x377F0683)
WAL_HEADER = 32


def connect(path: Path, synchronous: Synchronous, *, read_only: bool = False) -> Database:
    """Open the database; every statement outside a `transaction` commits by itself.

    Raises:
        sqlite3.Error: it can't be opened.
    """
    if not read_only:
        path.touch(mode=0o600)  # what people typed is nobody else's business
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,  # each belongs to one executor, whose threads may change
        timeout=BUSY_MS / 1000,
    )
    try:
        if not read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={synchronous}")
            connection.execute("PRAGMA journal_size_limit=16777216")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cell_size_check=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
    except sqlite3.Error:
        connection.close()
        raise
    return Database(connection, recursive_triggers=False, execute_plugins=False)


NORMAL = 1
"""SQLite's number for syncing the log only before it is moved into the database."""


@contextmanager
def transaction(db: Database) -> Iterator[None]:
    """Everything inside is committed together, or nothing is."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise


@contextmanager
def unhurried(db: Database) -> Iterator[None]:
    """A transaction that the disk is not waited for: a power cut may undo it, a crash can't.

    For what the tower can tell again. Nothing that is committed later outlives a power cut that
    this doesn't: the log is one file, in order.
    """
    before = int(db.execute("PRAGMA synchronous").fetchone()[0])
    db.execute(f"PRAGMA synchronous={min(before, NORMAL)}")
    try:
        with transaction(db):
            yield
    finally:
        db.execute(f"PRAGMA synchronous={before}")


def damage(path: Path) -> str:
    """Why this database can't be trusted; "" where it can.

    Never changes anything. A missing, an empty and a damaged file are all damage; so is a WAL
    whose header is not one, because SQLite would silently ignore it with all that is in it.
    """
    try:
        if not path.exists() or path.stat().st_size == 0:
            return EMPTY if path.exists() else MISSING
        if not _is_wal(path.with_name(path.name + "-wal")):
            return "its write-ahead log is damaged"
        db = connect(path, "FULL", read_only=True)
    except (OSError, sqlite3.Error) as e:
        return str(e)
    try:
        found = [str(row[0]) for row in db.execute("PRAGMA quick_check(3)")]
        if found != ["ok"]:
            return "; ".join(found).replace("\n", " ")
        return "" if db["cases"].exists() else NO_TABLES
    except sqlite3.Error as e:
        return str(e)
    finally:
        db.close()


def _is_wal(path: Path) -> bool:
    """False where something else than a write-ahead log has its name.

    The format is SQLite's own: https://sqlite.org/fileformat2.html#the_write_ahead_log
    """
    if not path.exists():
        return True
    with path.open("rb") as file:
        header = file.read(WAL_HEADER)
    if not header.strip(b"\0"):
        return True  # empty: a power cut came before anything in it was synced
    if len(header) < WAL_HEADER:
        return False
    magic = struct.unpack(">I", header[:4])[0]
    if magic not in WAL_MAGIC:
        return False
    order = ">" if magic & 1 else "<"
    words = struct.unpack(f"{order}6I", header[:24])
    return _checksum(words) == struct.unpack(">2I", header[24:])


def _checksum(words: tuple[int, ...]) -> tuple[int, int]:
    first = second = 0
    for x, y in zip(words[::2], words[1::2], strict=True):
        first = (first + x + second) & 0xFFFFFFFF
        second = (second + y + first) & 0xFFFFFFFF
    return first, second
