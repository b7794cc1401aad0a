"""Words to search cases by, and counters in the place of counting a device's cases."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FTS = (
    "CREATE VIRTUAL TABLE case_search USING fts5"
    " (words, content='cases', content_rowid='place', detail=none,"
    " prefix='2 3 4 5 6 7 8', tokenize='ascii')"
)


def upgrade() -> None:
    """Add them."""
    words: Any = sa.Text().with_variant(TSVECTOR(), "postgresql")
    op.add_column("cases", sa.Column("place", sa.BigInteger))
    op.add_column("cases", sa.Column("words", words))
    op.create_index("ix_cases_place", "cases", ["place"])
    for name in ("cases", "last_seq"):
        column = sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
        op.add_column("devices", column)
    op.execute(
        "UPDATE devices SET"
        " cases = (SELECT count(DISTINCT seq) FROM cases c WHERE c.device = devices.device),"
        " last_seq = (SELECT coalesce(max(seq), 0) FROM cases c WHERE c.device = devices.device)"
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(FTS)
    else:
        op.execute("CREATE INDEX ix_cases_words ON cases USING gin (words) WITH (fastupdate=off)")
    _index_what_is_there()


def _index_what_is_there() -> None:
    """Read the words of the cases that came before."""
    from tower_sync_server.archive.search import index_again

    index_again(op.get_bind())


def downgrade() -> None:
    """Remove them."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE case_search")
    else:
        op.drop_index("ix_cases_words", "cases")
    op.drop_index("ix_cases_place", "cases")
    with op.batch_alter_table("cases") as table:
        table.drop_column("words")
        table.drop_column("place")
    with op.batch_alter_table("devices") as table:
        table.drop_column("last_seq")
        table.drop_column("cases")
