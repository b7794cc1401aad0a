"""The database's schema, as numbered steps that are applied once and in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils.migrations import Migrations

from edge.errors import OperatorError
from edge.store import receipts

if TYPE_CHECKING:
    from sqlite_utils import Database

FIRST = """
CREATE TABLE cases (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    rev INTEGER NOT NULL,
    created INTEGER NOT NULL,        -- microseconds since 1970, UTC
    needs_person INTEGER NOT NULL,   -- 1: to be reviewed, and nobody has said anything yet
    sync TEXT NOT NULL,              -- models.case.SyncPhase
    sync_at INTEGER,                 -- microseconds since 1970, UTC
    deleted_at INTEGER,              -- the same; NULL unless deleted
    restore_to TEXT,                 -- the status it had before it was deleted
    body TEXT NOT NULL               -- models.case.Case as JSON, without `sync`
);
CREATE INDEX cases_created ON cases (created);
CREATE INDEX cases_deleted ON cases (deleted_at) WHERE deleted_at IS NOT NULL;

-- One thin row for a case (label '') and one for each label people are shown: whatever the filters
-- are, a page of the list is one range of this table, newest first.
CREATE TABLE listing (
    label TEXT NOT NULL,
    seq INTEGER NOT NULL,
    status TEXT NOT NULL,
    profile TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (label, seq)
) WITHOUT ROWID;

CREATE TABLE case_images (
    seq INTEGER NOT NULL REFERENCES cases (seq),
    place INTEGER NOT NULL,          -- index in the case's images
    sha256 TEXT NOT NULL,
    media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    thumb_bytes INTEGER NOT NULL,    -- 0 where there is none (any more)
    evicted INTEGER NOT NULL,        -- 1: the original is not here any more
    PRIMARY KEY (seq, place)
) WITHOUT ROWID;
CREATE INDEX case_images_sha256 ON case_images (sha256);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL REFERENCES cases (seq),
    rev INTEGER NOT NULL,
    kind TEXT NOT NULL,              -- case, thumb, image
    sha256 TEXT NOT NULL,            -- '' for a case
    bytes INTEGER NOT NULL,
    created INTEGER NOT NULL,
    state TEXT NOT NULL,             -- queued, sent, stored, dead
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX outbox_seq ON outbox (seq);
CREATE INDEX outbox_pending ON outbox (id) WHERE state IN ('queued', 'sent');

CREATE TABLE keys (
    key TEXT PRIMARY KEY,
    content TEXT NOT NULL,           -- SHA-256 of what came with it
    seq INTEGER NOT NULL REFERENCES cases (seq),
    created INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX keys_seq ON keys (seq);
CREATE INDEX keys_created ON keys (created);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,       -- SHA-256 of the token
    scopes TEXT NOT NULL,            -- words with a space between
    created INTEGER NOT NULL,
    revoked INTEGER,
    last_used INTEGER
);

CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
"""

FULL_TEXT = (
    "CREATE VIRTUAL TABLE case_text USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')"
)
PLAIN_TEXT = "CREATE TABLE case_text (text TEXT NOT NULL)"

RECEIPTS = (
    """
    CREATE TABLE receipts (
        seq INTEGER PRIMARY KEY,
        leaf BLOB NOT NULL,          -- what the tower holds of it, see sync.digests
        agreed INTEGER               -- microseconds since 1970; NULL until a comparison says so
    )
    """,
    "CREATE INDEX receipts_unconfirmed ON receipts (seq) WHERE agreed IS NULL",
    """
    CREATE TABLE lost (
        seq INTEGER NOT NULL,
        sha256 TEXT NOT NULL,        -- of a photo that neither end holds, '' for the case itself
        PRIMARY KEY (seq, sha256)
    ) WITHOUT ROWID
    """,
    # 1: of a rejected case, which goes after all others.
    "ALTER TABLE outbox ADD COLUMN late INTEGER NOT NULL DEFAULT 0",
    "UPDATE outbox SET late = 1 WHERE seq IN"
    " (SELECT seq FROM listing WHERE label = '' AND status = 'rejected')",
    "DROP INDEX outbox_order",
    "CREATE INDEX outbox_order ON outbox (late, kind = 'image', id)"
    " WHERE state IN ('queued', 'sent')",
)
"""One by one, since a script would end the transaction of the step."""


def migrate(db: Database) -> None:
    """Bring the schema up to date.

    Raises:
        OperatorError: a newer version of the program has been here.
    """
    steps = Migrations("edge.store")
    for name, step in STEPS.items():
        steps(name=name)(step)
    newer = {step.name for step in steps.applied(db)} - set(STEPS)
    if newer:
        hint = "Install that version again, or move the data directory away."
        raise OperatorError(f"The database was made by a newer version ({min(newer)}).", hint)
    steps.apply(db)


def has_full_text(db: Database) -> bool:
    """Whether this SQLite was built with FTS5."""
    return bool(db.execute("SELECT sqlite_compileoption_used('ENABLE_FTS5')").fetchone()[0])


def _cases(db: Database) -> None:
    db.executescript(FIRST)


def _text(db: Database) -> None:
    if not has_full_text(db):
        db.execute(PLAIN_TEXT)
        return
    db.execute(FULL_TEXT)
    # Merging 16 pieces of the index at once writes less to an SD card than merging 4 at a time.
    db.execute("INSERT INTO case_text (case_text, rank) VALUES ('automerge', 16)")


def _outbox_order(db: Database) -> None:
    # What the uplink asks for once a second, however much waits.
    db.execute(
        "CREATE INDEX outbox_order ON outbox (kind = 'image', id) WHERE state IN ('queued', 'sent')"
    )


def _receipts(db: Database) -> None:
    for statement in RECEIPTS:
        db.execute(statement)
    receipts.note_all(db)


STEPS = {
    "0001_cases": _cases,
    "0002_text": _text,
    "0003_outbox_order": _outbox_order,
    "0004_receipts": _receipts,
}
"""Name → step, oldest first; a name that was released never changes what it does."""
