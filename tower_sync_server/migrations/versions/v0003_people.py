"""People and what they did; cases that were deleted on the tower."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
REFUSE_SQLITE = (
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit can only be added to'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit can only be added to'); END",
    # INSERT OR REPLACE deletes without asking the trigger above
    "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit"
    " WHEN EXISTS (SELECT 1 FROM audit WHERE no = NEW.no)"
    " BEGIN SELECT RAISE(ABORT, 'the audit can only be added to'); END",
)
REFUSE_POSTGRESQL = (
    "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN RAISE EXCEPTION ''the audit can only be added to''; END'",
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit"
    " FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
)


def text(name: str, length: int) -> sa.Column[str]:
    """A column of text."""
    return sa.Column(name, sa.String(length), nullable=False)


def moment(name: str) -> sa.Column[int]:
    """A column of microseconds."""
    return sa.Column(name, sa.BigInteger, nullable=False)


def upgrade() -> None:
    """Make them."""
    _people()
    _audit()
    _tombstones()


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("no", NUMBER, autoincrement=True),
        text("name", 64),
        text("role", 16),
        text("password", 200),
        moment("created_us"),
        moment("changed_us"),
        sa.PrimaryKeyConstraint("no", name="pk_users"),
        sa.UniqueConstraint("name", name="uq_users_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sessions",
        text("key", 64),
        sa.Column("user_no", NUMBER, nullable=False),
        text("kind", 8),
        text("label", 64),
        text("address", 64),
        *(moment(name) for name in ("created_us", "seen_us", "idle_us", "ends_us")),
        sa.PrimaryKeyConstraint("key", name="pk_sessions"),
    )
    op.create_index("ix_sessions_user_no", "sessions", ["user_no"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("no", NUMBER, autoincrement=True),
        moment("at_us"),
        text("who", 64),
        text("address", 64),
        text("action", 32),
        text("target", 200),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("ok", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("no", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_who_no", "audit", ["who", "no"])
    op.create_index("ix_audit_action_no", "audit", ["action", "no"])
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in REFUSE_SQLITE if sqlite else REFUSE_POSTGRESQL:
        op.execute(statement)


def _tombstones() -> None:
    op.create_table(
        "removed",
        text("device", 64),
        text("case_id", 36),
        moment("at_us"),
        text("who", 64),
        sa.PrimaryKeyConstraint("device", "case_id", name="pk_removed"),
    )
    op.create_table(
        "purged",
        text("device", 64),
        text("case_id", 36),
        moment("seq"),
        sa.Column("rev", sa.Integer, nullable=False),
        moment("at_us"),
        text("who", 64),
        sa.PrimaryKeyConstraint("device", "case_id", name="pk_purged"),
    )
    op.create_index("ix_purged_device_seq", "purged", ["device", "seq"])
    op.create_table(
        "doomed",
        text("sha256", 64),
        moment("at_us"),
        sa.PrimaryKeyConstraint("sha256", name="pk_doomed"),
    )


def downgrade() -> None:
    """Remove them, with everything in them."""
    for name in ("doomed", "purged", "removed", "audit", "sessions", "users"):
        op.drop_table(name)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_refuse()")
