"""What keeps a learner's release the only one, whatever happens to names, rows and disks (R3).

- Changing the home's pseudonyms renames learners, consents, marks and logs in one transaction.
- Erasing a learner who was released leaves a tombstone, a keyed hash that no key in the store
  can reverse; the same person enrolled again is recognised by it and left out of releases.
- Where marks were lost (a lost key, an old backup), every learner with an event before a moment
  counts as released: the floor. It only ever rises.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from api.store.database import raw_insert, upsert
from api.store.revision import bump
from api.store.tables import (
    consent,
    feedback,
    interactions,
    learners,
    meta,
    recommendations,
    released,
    releases,
    staff_access,
    tombstones,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.store.database import Database

NAMED = (learners, consent, released, recommendations, feedback, staff_access)
"""Every table that names learners by pseudonym; a test compares it with the tables."""
_KEY = "pseudonym_key"
_FLOOR = "released_before"


def rename_learners(database: Database, rename: Callable[[str], str]) -> int:
    """Give every learner another pseudonym, everywhere at once.

    Args:
        database: Where.
        rename: From the present pseudonym to the new one; the same for all tables.

    Returns:
        Number of learners, marks and log entries renamed.

    Raises:
        StoreError: The database failed; nobody was renamed.
    """
    changed = 0
    with database.write() as connection:
        for table in NAMED:
            name = table.c.pseudonym
            present = connection.execute(sa.select(name).where(name.is_not(None)).distinct())
            pairs = [{"old": old, "new": rename(old)} for old in present.scalars()]
            moved = [pair for pair in pairs if pair["old"] != pair["new"]]
            if moved:
                update = sa.update(table).where(name == sa.bindparam("old"))
                connection.execute(update.values(pseudonym=sa.bindparam("new")), moved)
            changed += len(moved)
        bump(connection)
    return changed


def read_key(database: Database) -> int | None:
    """Number of the key that the store's pseudonyms were made with; None if never said.

    Raises:
        StoreError: The database cannot be read.
    """
    return _read_meta(database, _KEY)


def write_key(database: Database, number: int) -> None:
    """Say which key the store's pseudonyms are made with.

    Raises:
        StoreError: The database failed.
    """
    _write_meta(database, _KEY, number)


def read_floor(database: Database) -> int:
    """Whoever has an event before this moment counts as released; unix seconds, 0 for nobody.

    Raises:
        StoreError: The database cannot be read.
    """
    return _read_meta(database, _FLOOR) or 0


def raise_floor(database: Database, moment: int) -> None:
    """Declare everyone with an event before `moment` released; an earlier moment changes nothing.

    Raises:
        StoreError: The database failed.
    """
    if moment > read_floor(database):
        _write_meta(database, _FLOOR, moment)


def _read_meta(database: Database, name: str) -> int | None:
    with database.read() as connection:
        found = connection.execute(sa.select(meta.c.value).where(meta.c.name == name)).scalar()
    return None if found is None else int(found)


def _write_meta(database: Database, name: str, value: int) -> None:
    with database.write() as connection:
        connection.execute(upsert(connection, meta, ["value"]), {"name": name, "value": value})


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure removed.

    Attributes:
        rows: Rows removed, by table.
        rounds: Swarm id (hex) and round of the release that the learner was in, if any.
        is_uncertain: Whether the learner may have been in a release whose marks are lost.
    """

    rows: Mapping[str, int]
    rounds: tuple[tuple[str, int], ...]
    is_uncertain: bool


def erase(database: Database, pseudonym: str, mark: bytes) -> Erased:
    """Remove everything that names a learner; of a release, a tombstone stays.

    Args:
        database: Where.
        pseudonym: The learner.
        mark: Keyed hash of the learner, 32 bytes.

    Returns:
        What was removed.

    Raises:
        StoreError: The database failed; nothing was removed.
    """
    rows: dict[str, int] = {}
    floor = read_floor(database)
    with database.write() as connection:
        found = connection.execute(_release_of(pseudonym)).all()
        is_uncertain = not found and _has_event_before(connection, pseudonym, floor)
        releases_of = [row.id for row in found] or ([None] if is_uncertain else [])
        stones = [(mark, number, int(time.time())) for number in releases_of]
        raw_insert(connection, tombstones, ("mark", "release_id", "at"), stones)
        code = sa.select(learners.c.id).where(learners.c.pseudonym == pseudonym)
        own = sa.delete(interactions).where(interactions.c.learner_id.in_(code))
        rows["interactions"] = connection.execute(own).rowcount
        asked = sa.select(recommendations.c.id).where(recommendations.c.pseudonym == pseudonym)
        replies = sa.delete(feedback).where(feedback.c.recommendation_id.in_(asked))
        replied = connection.execute(replies).rowcount
        for table in NAMED:
            named = sa.delete(table).where(table.c.pseudonym == pseudonym)
            rows[table.name] = connection.execute(named).rowcount
        rows["feedback"] += replied
        bump(connection)
    return Erased(rows, tuple((row.swarm, row.round) for row in found), is_uncertain)


def _has_event_before(connection: sa.Connection, pseudonym: str, floor: int) -> bool:
    """Whether the floor counts a learner as released: then an erasure must leave a tombstone."""
    query = (
        sa.select(interactions.c.id)
        .join(learners, learners.c.id == interactions.c.learner_id)
        .where(learners.c.pseudonym == pseudonym)
        .where(sa.func.coalesce(interactions.c.timestamp, 0) < floor)
    )
    return connection.execute(query.limit(1)).first() is not None


def read_tombstones(database: Database) -> frozenset[bytes]:
    """Keyed hashes of erased learners who had been released.

    Raises:
        StoreError: The database cannot be read.
    """
    with database.read() as connection:
        return frozenset(connection.execute(sa.select(tombstones.c.mark)).scalars())


def about(database: Database, pseudonym: str) -> dict[str, Any]:
    """Everything but interactions and consent that names a learner, for them to have.

    Raises:
        StoreError: The database cannot be read.
    """
    tables = {
        "recommendations": recommendations,
        "feedback": feedback,
        "staff_access": staff_access,
    }
    found: dict[str, Any] = {}
    with database.read() as connection:
        for name, table in tables.items():
            query = sa.select(table).where(table.c.pseudonym == pseudonym).order_by(table.c.at)
            found[name] = [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's documented name
        found["releases"] = [
            {"swarm": row.swarm, "round": row.round, "at": row.at}
            for row in connection.execute(_release_of(pseudonym))
        ]
    return found


def _release_of(pseudonym: str) -> sa.Select[Any]:
    joined = released.join(releases, released.c.release_id == releases.c.id)
    return sa.select(releases).select_from(joined).where(released.c.pseudonym == pseudonym)
