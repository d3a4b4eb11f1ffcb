"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _row_id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table; the revision counter starts at 0."""
    _access()
    _names()
    _interactions()
    _catalogue()
    _privacy()
    _logs()
    meta = sa.table("meta", sa.column("name", sa.Text), sa.column("value", sa.BigInteger))
    op.execute(meta.insert().values(name="revision", value=0))


def _names() -> None:
    op.create_table(
        "learners",
        sa.Column("id", _row_id(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_learners"),
        sa.UniqueConstraint("pseudonym", name="uq_learners_pseudonym"),
    )
    op.create_table(
        "items",
        sa.Column("id", _row_id(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_items"),
        sa.UniqueConstraint("item", name="uq_items_item"),
    )
    op.create_table(
        "withdrawn",
        sa.Column("event", sa.LargeBinary(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event", name="pk_withdrawn"),
    )


def _interactions() -> None:
    op.create_table(
        "interactions",
        sa.Column("id", _row_id(), nullable=False),
        sa.Column("event", sa.LargeBinary(length=16), nullable=False),
        sa.Column("learner_id", _row_id(), nullable=False),
        sa.Column("item_id", _row_id(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("verb", sa.SmallInteger(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("raw_score", sa.Float(), nullable=True),
        sa.Column("min_score", sa.Float(), nullable=True),
        sa.Column("max_score", sa.Float(), nullable=True),
        sa.Column("success", sa.Boolean(), nullable=True),
        sa.Column("completion", sa.Boolean(), nullable=True),
        sa.Column("progress", sa.Float(), nullable=True),
        sa.Column("duration_seconds", sa.Float(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("course_id", _row_id(), nullable=True),
        sa.Column("parent_id", _row_id(), nullable=True),
        sa.Column("session", sa.Text(), nullable=True),
        sa.Column("skill", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("import_id", _row_id(), nullable=True),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name="fk_interactions_import_id"),
        sa.ForeignKeyConstraint(["course_id"], ["items.id"], name="fk_interactions_course_id"),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_interactions_item_id"),
        sa.ForeignKeyConstraint(["learner_id"], ["learners.id"], name="fk_interactions_learner_id"),
        sa.ForeignKeyConstraint(["parent_id"], ["items.id"], name="fk_interactions_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_interactions"),
        sa.UniqueConstraint("event", name="uq_interactions_event"),
    )
    op.create_index("ix_interactions_learner_id", "interactions", ["learner_id", "timestamp"])


def _catalogue() -> None:
    op.create_table(
        "catalogue",
        sa.Column("item_id", _row_id(), autoincrement=False, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("content_key", sa.Text(), server_default="", nullable=False),
        sa.Column("course", sa.Text(), server_default="", nullable=False),
        sa.Column("section", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("type", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), server_default="", nullable=False),
        sa.Column("duration_minutes", sa.Float(), nullable=True),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("prerequisites", sa.JSON(), nullable=False),
        sa.Column("available_from", sa.Text(), server_default="", nullable=False),
        sa.Column("available_until", sa.Text(), server_default="", nullable=False),
        sa.Column("publisher", sa.Text(), server_default="", nullable=False),
        sa.Column("hidden", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_catalogue_item_id"),
        sa.PrimaryKeyConstraint("item_id", name="pk_catalogue"),
    )


def _privacy() -> None:
    op.create_table(
        "consent",
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("serve", sa.Boolean(), nullable=True),
        sa.Column("local", sa.Boolean(), nullable=True),
        sa.Column("share", sa.Boolean(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", name="pk_consent"),
    )
    op.create_table(
        "releases",
        sa.Column("id", _row_id(), nullable=False),
        sa.Column("swarm", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("rho_numerator", sa.Text(), nullable=False),
        sa.Column("rho_denominator", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_releases"),
    )
    op.create_table(
        "released",
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("release_id", _row_id(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_released_release_id"),
        sa.PrimaryKeyConstraint("pseudonym", name="pk_released"),
    )
    op.create_index("ix_released_release_id", "released", ["release_id"])


def _logs() -> None:
    op.create_table(
        "recommendations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("fallback", sa.Boolean(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recommendations"),
    )
    op.create_index("ix_recommendations_at", "recommendations", ["at"])
    op.create_index("ix_recommendations_pseudonym", "recommendations", ["pseudonym"])
    op.create_table(
        "feedback",
        sa.Column("id", _row_id(), nullable=False),
        sa.Column("recommendation_id", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=True),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
    )
    op.create_index("ix_feedback_pseudonym", "feedback", ["pseudonym"])
    op.create_index("ix_feedback_recommendation_id", "feedback", ["recommendation_id"])
    op.create_table(
        "staff_access",
        sa.Column("id", _row_id(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff_access"),
    )
    op.create_index("ix_staff_access_pseudonym", "staff_access", ["pseudonym"])


def _access() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_table(
        "sign_in_links",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("hash", name="pk_sign_in_links"),
    )
    op.create_table(
        "imports",
        sa.Column("id", _row_id(), nullable=False),
        sa.Column("adapter", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_imports"),
    )
    op.create_index("ix_imports_digest", "imports", ["digest"])
    op.create_table(
        "meta",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )
