"""What was recommended, and what became of it.

The caller leaves out what must not be stored: the content of a `history` call (R18), and calls
for learners who opted out (R20).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from api.store import errors
from api.store.revision import bump
from api.store.tables import feedback, recommendations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api.store.database import Database

FEEDBACK_KINDS = ("shown", "opened", "dismissed", "not_relevant", "completed")
NOT_RELEVANT_SECONDS = 90 * 86_400
"""How long an item stays out of a learner's paths after `not_relevant`."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One answer as it is logged.

    Attributes:
        id: Recommendation id.
        pseudonym: Learner, or None for calls that name none.
        model: Digest of the serving model.
        fallback: Whether it was a cold-start path.
        request: What was asked, without `history`.
        steps: Item ids and reason codes, in order.
    """

    id: str
    pseudonym: str | None
    model: str
    fallback: bool
    request: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]


def log(database: Database, given: Recommendation, *, at: int | None = None) -> None:
    """Log one answer.

    Raises:
        StoreError: The database failed.
    """
    row = {
        "id": given.id,
        "pseudonym": given.pseudonym,
        "at": int(time.time()) if at is None else at,
        "model": given.model,
        "fallback": given.fallback,
        "request": dict(given.request),
        "steps": [dict(step) for step in given.steps],
    }
    with database.write(durable=False) as connection:
        connection.execute(sa.insert(recommendations).values(row))


def add_feedback(
    database: Database, *, recommendation_id: str, item: str, kind: str, at: int | None = None
) -> None:
    """Record what became of a step.

    Args:
        database: Where.
        recommendation_id: Of the answer that held the step.
        item: The step's item.
        kind: One of `FEEDBACK_KINDS`.
        at: Unix seconds; None is now.

    Raises:
        RowRefusedError: The kind is unknown, or there is no such recommendation.
        StoreError: The database failed.
    """
    if kind not in FEEDBACK_KINDS:
        raise errors.RowRefusedError(f"kind must be one of {', '.join(FEEDBACK_KINDS)}")
    query = sa.select(recommendations.c.pseudonym).where(recommendations.c.id == recommendation_id)
    with database.write() as connection:
        found = connection.execute(query).first()
        if found is None:
            raise errors.RowRefusedError(
                "there is no recommendation of this id; it may be older than logs are kept"
            )
        values = {
            "recommendation_id": recommendation_id,
            "pseudonym": found.pseudonym,
            "item": item,
            "kind": kind,
            "at": int(time.time()) if at is None else at,
        }
        connection.execute(sa.insert(feedback).values(values))
        bump(connection)


def not_relevant(database: Database, pseudonym: str, *, now: int | None = None) -> frozenset[str]:
    """Items that the learner called not relevant within the last 90 days.

    Raises:
        StoreError: The database cannot be read.
    """
    since = (int(time.time()) if now is None else now) - NOT_RELEVANT_SECONDS
    t = feedback.c
    query = sa.select(t.item).where(
        t.pseudonym == pseudonym, t.kind == "not_relevant", t.at > since
    )
    with database.read() as connection:
        return frozenset(connection.execute(query).scalars())


def forget(database: Database, *, keep_days: int, now: int | None = None) -> int:
    """Delete recommendations older than `keep_days` and their feedback (R20).

    Returns:
        Number of recommendations deleted.

    Raises:
        StoreError: The database failed; nothing was deleted.
    """
    before = (int(time.time()) if now is None else now) - keep_days * 86_400
    with database.write() as connection:
        old = sa.select(recommendations.c.id).where(recommendations.c.at < before)
        connection.execute(sa.delete(feedback).where(feedback.c.recommendation_id.in_(old)))
        gone = connection.execute(sa.delete(recommendations).where(recommendations.c.at < before))
        return int(gone.rowcount)
