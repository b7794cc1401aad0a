"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
KEY = ("device", "case_id", "rev", "kind", "image")


def key(*names: str) -> list[sa.Column[Any]]:
    """The columns that say which payload."""
    kinds: dict[str, Any] = {
        "device": sa.String(64),
        "case_id": sa.String(36),
        "rev": sa.Integer(),
        "kind": sa.String(8),
        "image": sa.String(64),
        "sha256": sa.String(64),
    }
    return [sa.Column(name, kinds[name], primary_key=True, autoincrement=False) for name in names]


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "parcels",
        *key(*KEY),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.String(80), nullable=False),
        sa.Column("stored_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(*KEY, name="pk_parcels"),
    )
    op.create_table(
        "revisions",
        *key(*KEY[:3]),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint(*KEY[:3], name="pk_revisions"),
    )
    op.create_table(
        "quarantine",
        *key(*KEY, "sha256"),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.String(80), nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(*KEY, "sha256", name="pk_quarantine"),
    )
    op.create_table(
        "devices",
        *key("device"),
        sa.Column("first_us", sa.BigInteger, nullable=False),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
        sa.Column("online", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_devices"),
    )
    upgrade_lists()


def upgrade_lists() -> None:
    """Make what lists are read from."""
    op.create_table(
        "cases",
        sa.Column("no", NUMBER, autoincrement=True),
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(36), nullable=False),
        sa.Column("rev", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("profile", sa.String(128), nullable=False),
        sa.Column("taken_us", sa.BigInteger, nullable=False),
        sa.Column("received_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("no", name="pk_cases"),
        sa.UniqueConstraint("case_id", "device", name="uq_cases_case_id_device"),
    )
    op.create_table(
        "case_labels",
        sa.Column("label", sa.String(200)),
        sa.Column("taken_us", sa.BigInteger, autoincrement=False),
        sa.Column("no", NUMBER, autoincrement=False),
        sa.PrimaryKeyConstraint("label", "taken_us", "no", name="pk_case_labels"),
    )
    for columns in (
        ("taken_us", "no"),
        ("status", "taken_us", "no"),
        ("profile", "taken_us", "no"),
        ("device", "taken_us", "no"),
        ("device", "seq"),
    ):
        op.create_index(f"ix_cases_{'_'.join(columns)}", "cases", list(columns))
    op.create_index("ix_case_labels_no", "case_labels", ["no"])


def downgrade() -> None:
    """Remove them, with everything in them."""
    for name in ("case_labels", "cases", "devices", "quarantine", "revisions", "parcels"):
        op.drop_table(name)
