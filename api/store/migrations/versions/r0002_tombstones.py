"""Tombstones: what stays of an erased learner who had been released (R3)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "tombstones",
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("release_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_tombstones_release_id"),
        sa.PrimaryKeyConstraint("mark", name="pk_tombstones"),
    )
