"""Pictures whose bytes are gone or others, and how far the look through them is."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "damaged",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("image", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("what", sa.String(8), nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("device", "case_id", "kind", "image", name="pk_damaged"),
    )
    op.create_table(
        "scrubs",
        sa.Column("no", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("begun_us", sa.BigInteger, nullable=False),
        sa.Column("finished_us", sa.BigInteger, nullable=False),
        sa.Column("looked", sa.BigInteger, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("no", name="pk_scrubs"),
    )


def downgrade() -> None:
    """Remove both, with everything in them."""
    op.drop_table("scrubs")
    op.drop_table("damaged")
