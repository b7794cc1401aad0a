"""The tables of people: who may sign in, who is signed in, and what was done."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, UniqueConstraint

from tower_sync_server.database.base import RowNumber, metadata

users = Table(
    "users",
    metadata,
    Column("no", RowNumber, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("password", String(200), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    UniqueConstraint("name"),
    sqlite_autoincrement=True,
)
"""Who may sign in; `password` is Argon2's own text: parameters, salt and hash."""

sessions = Table(
    "sessions",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("user_no", RowNumber, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("label", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("idle_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Index(None, "user_no"),
)
"""Who is signed in, under the SHA-256 of the token; `idle_us` without a request ends it too."""

audit = Table(
    "audit",
    metadata,
    Column("no", RowNumber, primary_key=True, autoincrement=True),
    Column("at_us", BigInteger, nullable=False),
    Column("who", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("target", String(200), nullable=False),
    Column("detail", Text, nullable=False),
    Column("ok", Integer, nullable=False),
    Index(None, "who", "no"),
    Index(None, "action", "no"),
    sqlite_autoincrement=True,
)
"""What was done, when, by whom and from where. The database refuses to change or delete a row."""
