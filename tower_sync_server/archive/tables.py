"""The archive's tables, as the newest migration leaves them.

The unique key of `parcels` decides which of two payloads was first; everything else follows it, in
the same transaction.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from tower_sync_server.database.base import RowNumber, metadata

Words = Text().with_variant(TSVECTOR(), "postgresql")
"""What a case is searched by."""

parcels = Table(
    "parcels",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("case_id", String(36), primary_key=True),
    Column("rev", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(8), primary_key=True),
    Column("image", String(64), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", String(80), nullable=False),
    Column("stored_us", BigInteger, nullable=False),
)
"""What is held: one payload a key. Photos and thumbnails lie in the blobs under their SHA-256."""

revisions = Table(
    "revisions",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("case_id", String(36), primary_key=True),
    Column("rev", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)
"""Every revision of every case, byte for byte as the device sent it."""

cases = Table(
    "cases",
    metadata,
    Column("no", RowNumber, primary_key=True, autoincrement=True),
    Column("device", String(64), nullable=False),
    Column("case_id", String(36), nullable=False),
    Column("rev", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("status", String(32), nullable=False),
    Column("profile", String(128), nullable=False),
    Column("taken_us", BigInteger, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("place", BigInteger),
    Column("words", Words),
    UniqueConstraint("case_id", "device"),
    Index(None, "taken_us", "no"),
    Index(None, "status", "taken_us", "no"),
    Index(None, "profile", "taken_us", "no"),
    Index(None, "device", "taken_us", "no"),
    Index(None, "device", "seq"),
    Index(None, "place"),
)
"""What lists are made of: one row a case, from its highest revision.

`words` is what it is searched by, see `archive.search`; `place` is where SQLite's index of those
words has it, so that its order is that of the lists.
"""

case_labels = Table(
    "case_labels",
    metadata,
    Column("label", String(200), primary_key=True),
    Column("taken_us", BigInteger, primary_key=True, autoincrement=False),
    Column("no", RowNumber, primary_key=True, autoincrement=False),
    Index(None, "no"),
)
"""Labels that people are shown → cases."""

devices = Table(
    "devices",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("first_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("online", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("cases", BigInteger, nullable=False, server_default="0"),
    Column("last_seq", BigInteger, nullable=False, server_default="0"),
)
"""Who ever sent something, and how each said it was; `cases` counts the numbers that came."""

quarantine = Table(
    "quarantine",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("case_id", String(36), primary_key=True),
    Column("rev", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(8), primary_key=True),
    Column("image", String(64), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("media_type", String(80), nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
"""Payloads that came under a key that held other bytes; they lie in the blobs too."""
