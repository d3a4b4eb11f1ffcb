"""The store's tables, as SQLAlchemy Core sees them.

- `learners` and `items` give every pseudonym and item id a small integer; `interactions` holds
  the integers, so that a row is small and reading for training needs no strings.
- An event's key is 16 bytes: the bytes of its UUID. Inserting it twice changes nothing.
- `import_id` says which import added a row, so that a failed one can be taken back whole.
- `withdrawn` names events that their source took back (a voided statement); they may come
  before the event itself, so they are kept apart and left out on reading.
- `released` stands alone, keyed by pseudonym: the mark outlives the learner's rows (R3).
  `tombstones` holds what is left of it after an erasure, keyed by a hash.
- `confirmations` is only ever added to: its last row on a course or an item says what holds (R35).
- Times of our own making are unix seconds, UTC.
- A change here needs a migration beside it; a test compares the two.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives row ids only to columns declared INTEGER.
_RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, **options: Any) -> sa.Column[str]:  # noqa: ANN401 - passed through
    return sa.Column(name, sa.Text, nullable=False, server_default="", **options)


learners = sa.Table(
    "learners",
    metadata,
    sa.Column("id", _RowId, primary_key=True),
    sa.Column("pseudonym", sa.Text, nullable=False, unique=True),
)

items = sa.Table(
    "items",
    metadata,
    sa.Column("id", _RowId, primary_key=True),
    sa.Column("item", sa.Text, nullable=False, unique=True),
)

interactions = sa.Table(
    "interactions",
    metadata,
    sa.Column("id", _RowId, primary_key=True),
    sa.Column("event", sa.LargeBinary(16), nullable=False, unique=True),
    sa.Column("learner_id", sa.ForeignKey("learners.id"), nullable=False),
    sa.Column("item_id", sa.ForeignKey("items.id"), nullable=False),
    sa.Column("timestamp", sa.BigInteger),
    sa.Column("sequence", sa.BigInteger),
    sa.Column("verb", sa.SmallInteger, nullable=False),
    sa.Column("score", sa.Float),
    sa.Column("raw_score", sa.Float),
    sa.Column("min_score", sa.Float),
    sa.Column("max_score", sa.Float),
    sa.Column("success", sa.Boolean),
    sa.Column("completion", sa.Boolean),
    sa.Column("progress", sa.Float),
    sa.Column("duration_seconds", sa.Float),
    sa.Column("attempt", sa.Integer),
    sa.Column("course_id", sa.ForeignKey("items.id")),
    sa.Column("parent_id", sa.ForeignKey("items.id")),
    sa.Column("session", sa.Text),
    sa.Column("skill", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("evidence", sa.SmallInteger, nullable=False),
    sa.Column("source", sa.Text),
    sa.Column("import_id", sa.ForeignKey("imports.id")),
    # With the time, the list of learners needs the index alone.
    sa.Index("ix_interactions_learner_id", "learner_id", "timestamp"),
)

withdrawn = sa.Table(
    "withdrawn",
    metadata,
    sa.Column("event", sa.LargeBinary(16), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)

catalogue = sa.Table(
    "catalogue",
    metadata,
    sa.Column("item_id", sa.ForeignKey("items.id"), primary_key=True, autoincrement=False),
    sa.Column("rank", sa.Integer, nullable=False),
    _text("title"),
    _text("description"),
    _text("url"),
    _text("content_key"),
    _text("course"),
    _text("section"),
    sa.Column("position", sa.Integer),
    _text("type"),
    _text("language"),
    sa.Column("duration_minutes", sa.Float),
    sa.Column("skills", sa.JSON, nullable=False),
    sa.Column("prerequisites", sa.JSON, nullable=False),
    _text("available_from"),
    _text("available_until"),
    _text("publisher"),
    sa.Column("hidden", sa.Boolean, nullable=False, server_default=sa.false()),
)

consent = sa.Table(
    "consent",
    metadata,
    sa.Column("pseudonym", sa.Text, primary_key=True),
    sa.Column("serve", sa.Boolean),
    sa.Column("local", sa.Boolean),
    sa.Column("share", sa.Boolean),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
)

released = sa.Table(
    "released",
    metadata,
    sa.Column("pseudonym", sa.Text, primary_key=True),
    sa.Column("release_id", sa.ForeignKey("releases.id"), nullable=False, index=True),
)

releases = sa.Table(
    "releases",
    metadata,
    sa.Column("id", _RowId, primary_key=True),
    sa.Column("swarm", sa.Text, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("rho_numerator", sa.Text, nullable=False),
    sa.Column("rho_denominator", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)

tombstones = sa.Table(
    "tombstones",
    metadata,
    sa.Column("mark", sa.LargeBinary(32), primary_key=True),
    sa.Column("release_id", sa.ForeignKey("releases.id")),
    sa.Column("at", sa.BigInteger, nullable=False),
)

recommendations = sa.Table(
    "recommendations",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("pseudonym", sa.Text, index=True),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("fallback", sa.Boolean, nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("steps", sa.JSON, nullable=False),
)

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", _RowId, primary_key=True),
    sa.Column("recommendation_id", sa.Text, nullable=False, index=True),
    sa.Column("pseudonym", sa.Text, index=True),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)

confirmations = sa.Table(
    "confirmations",
    metadata,
    sa.Column("id", _RowId, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    _text("course"),
    _text("item", index=True),
    _text("model"),
)

staff_access = sa.Table(
    "staff_access",
    metadata,
    sa.Column("id", _RowId, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("pseudonym", sa.Text, nullable=False, index=True),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
)

sign_in_links = sa.Table(
    "sign_in_links",
    metadata,
    sa.Column("hash", sa.LargeBinary(32), primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger),
)

imports = sa.Table(
    "imports",
    metadata,
    sa.Column("id", _RowId, primary_key=True),
    sa.Column("adapter", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False, index=True),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("stored", sa.BigInteger, nullable=False),
    sa.Column("duplicates", sa.BigInteger, nullable=False),
    sa.Column("report", sa.JSON),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
