"""Learners as the pages list them, and what staff looked at."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from api.store.tables import (
    catalogue,
    consent,
    interactions,
    learners,
    released,
    staff_access,
)

if TYPE_CHECKING:
    from api.store.database import Database

MAX_LISTED = 1_000


@dataclass(frozen=True, slots=True)
class LearnerRow:
    """One learner in a list.

    Attributes:
        pseudonym: Pseudonym.
        interactions: Number of rows stored.
        last_timestamp: Unix seconds of the latest; None if no row has a time.
    """

    pseudonym: str
    interactions: int
    last_timestamp: int | None


def read(database: Database, *, limit: int = 50, search: str = "") -> list[LearnerRow]:
    """Learners with interactions, those with most of them first; opted-out ones are left out.

    Args:
        database: Where from.
        limit: At most this many, up to 1,000.
        search: Start of a pseudonym, or of the part after its key id.

    Raises:
        StoreError: The database cannot be read.
    """
    t = interactions.c
    counted = sa.select(
        t.learner_id, sa.func.count().label("rows"), sa.func.max(t.timestamp).label("last")
    ).group_by(t.learner_id)
    if search:
        counted = counted.where(t.learner_id.in_(sa.select(learners.c.id).where(_begins(search))))
    counts = counted.subquery()
    opted_out = sa.select(consent.c.pseudonym).where(consent.c.serve.is_(False))
    query = (
        sa.select(learners.c.pseudonym, counts.c.rows, counts.c.last)
        .select_from(learners.join(counts, counts.c.learner_id == learners.c.id))
        .where(learners.c.pseudonym.not_in(opted_out))
        .order_by(counts.c.rows.desc(), learners.c.pseudonym)
        .limit(max(0, min(limit, MAX_LISTED)))
    )
    with database.read() as connection:
        return [LearnerRow(*row) for row in connection.execute(query)]


def _begins(search: str) -> sa.ColumnElement[bool]:
    start = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    name = learners.c.pseudonym
    whole = name.like(f"{start}%", escape="\\")
    return whole | name.like(f"lp1\\_%\\_{start}%", escape="\\")


def is_known(database: Database, pseudonym: str) -> bool:
    """Whether the learner has rows here.

    Raises:
        StoreError: The database cannot be read.
    """
    query = sa.select(learners.c.id).where(learners.c.pseudonym == pseudonym)
    with database.read() as connection:
        return connection.execute(query).first() is not None


def log_access(database: Database, *, who: str, what: str, pseudonym: str) -> None:
    """Record that a member of staff looked at one learner (R19).

    Args:
        database: Where.
        who: Role and name or key id.
        what: What was looked at, such as `path`.
        pseudonym: The learner.

    Raises:
        StoreError: The database failed.
    """
    values = {"at": int(time.time()), "who": who, "what": what, "pseudonym": pseudonym}
    with database.write(durable=False) as connection:
        connection.execute(sa.insert(staff_access).values(values))


def counts(database: Database) -> dict[str, int]:
    """Rows by table: learners, interactions, catalogue, released.

    Exact numbers: they stay at home (R14).

    Raises:
        StoreError: The database cannot be read.
    """
    tables = (learners, interactions, catalogue, released)
    with database.read() as connection:
        return {
            table.name: int(
                connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            )
            for table in tables
        }
