"""Interactions in and out of the store.

- The event id is the key: adding an event twice changes nothing and is counted as a duplicate. Of
  records that their source goes on changing (`contract.GROWING`) a later state takes the place.
- Rows are committed batch by batch; a death in between loses the unfinished batch only, and the
  same rows given again fill the gap.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from api.store import codes, imports
from api.store.database import raw_insert
from api.store.revision import bump
from api.store.tables import interactions, items, learners, withdrawn
from platform_adapters.contract import GROWING, Interaction
from recommender.interactions import VERB_INDEX, VERBS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from api.store.database import Database

BATCH_ROWS = 5_000
"""Rows a transaction: a tenth of a second or two, so that other writers need not wait long."""

_OURS = frozenset({"id", "import_id"})
_COLUMNS = tuple(column.name for column in interactions.c if column.name not in _OURS)
_SOURCE = _COLUMNS.index("source")
_GROWN = {
    name: _COLUMNS.index(name)
    for name in (
        *("event", "timestamp", "verb", "score", "success", "completion"),
        *("progress", "duration_seconds"),
    )
}
_FIELDS = attrgetter(
    "event_id",
    "learner",
    "item",
    "timestamp",
    "order",
    "verb",
    "score",
    "raw",
    "min",
    "max",
    "success",
    "completion",
    "progress",
    "duration_seconds",
    "attempt",
    "course",
    "parent_item",
    "session",
    "skill",
    "language",
    "evidence",
    "source",
)


@dataclass(frozen=True, slots=True)
class AddResult:
    """What became of rows given to the store.

    Attributes:
        added: Rows that are new.
        duplicates: Rows whose event id was there already.
    """

    added: int = 0
    duplicates: int = 0

    def __add__(self, other: AddResult) -> AddResult:
        """Both results together."""
        return AddResult(self.added + other.added, self.duplicates + other.duplicates)


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One interaction of one learner, oldest first in a history.

    Attributes:
        item: Item id.
        course: Course id, or empty.
        timestamp: Unix seconds, UTC; None where only the order is known.
        order: The source's own order among equal timestamps, or None.
        verb: One of `recommender.interactions.VERBS`.
        score: In [0, 1], or None.
        success: As recorded, or None.
        completion: As recorded, or None.
        progress: In [0, 1], or None.
        duration_seconds: As recorded, or None.
    """

    item: str
    course: str
    timestamp: int | None
    order: int | None
    verb: str
    score: float | None
    success: bool | None
    completion: bool | None
    progress: float | None
    duration_seconds: float | None


def add(
    database: Database,
    rows: Iterable[Interaction],
    *,
    batch: int = BATCH_ROWS,
    import_id: int | None = None,
) -> AddResult:
    """Store rows, batch by batch.

    Args:
        database: Where.
        rows: Pseudonymised interactions.
        batch: Rows a transaction.
        import_id: The import that the rows belong to; its progress is recorded in each batch's
            own transaction.

    Returns:
        How many were new and how many were there already.

    Raises:
        RowRefusedError: A row cannot be stored; earlier batches are kept.
        StoreError: The database failed; earlier batches are kept.
    """
    learner_codes = codes.Codebook(learners, "pseudonym")
    item_codes = codes.Codebook(items, "item")
    total = AddResult()
    source = iter(rows)
    while taken := list(map(_FIELDS, islice(source, batch))):
        with database.write() as connection:
            learner_codes.learn(connection, {row[1] for row in taken})
            item_codes.learn(connection, _named_items(taken))
            tuples = _coded(taken, learner_codes, item_codes, import_id)
            added = raw_insert(connection, interactions, (*_COLUMNS, "import_id"), tuples)
            result = AddResult(added, len(taken) - added)
            grown = _grow(connection, tuples) if added < len(taken) else 0
            if added or grown:
                bump(connection)
            if import_id is not None:
                imports.advance(connection, import_id, result.added, result.duplicates)
        learner_codes.keep()
        item_codes.keep()
        total += result
    return total


def _grow(connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> int:
    """Take over the later state of records that go on changing; returns how many have changed."""
    later = [
        {f"its_{name}": row[place] for name, place in _GROWN.items()}
        for row in rows
        if row[_SOURCE] in GROWING and row[_GROWN["timestamp"]] is not None
    ]
    if not later:
        return 0
    t = interactions.c
    update = (
        sa.update(interactions)
        .where(t.event == sa.bindparam("its_event"), t.timestamp < sa.bindparam("its_timestamp"))
        .values({name: sa.bindparam(f"its_{name}") for name in _GROWN if name != "event"})
    )
    return int(connection.execute(update, later).rowcount)


def _named_items(taken: list[tuple[Any, ...]]) -> set[str]:
    named = {row[2] for row in taken}
    named.update(row[15] for row in taken if row[15])
    named.update(row[16] for row in taken if row[16])
    return named


def _coded(
    taken: list[tuple[Any, ...]],
    learner_codes: codes.Codebook,
    item_codes: codes.Codebook,
    import_id: int | None,
) -> list[tuple[Any, ...]]:
    # Slices keep the inner loop short: it runs for every record of an import.
    return [
        (
            codes.event_key(row[0]),
            learner_codes[row[1]],
            item_codes[row[2]],
            row[3],
            row[4],
            VERB_INDEX[row[5]] if row[5] in VERB_INDEX else codes.verb_code(row[5]),
            *row[6:15],
            item_codes[row[15]] if row[15] else None,
            item_codes[row[16]] if row[16] else None,
            *row[17:20],
            codes.evidence_code(row[20]),
            row[21],
            import_id,
        )
        for row in taken
    ]


def known(database: Database, event_ids: Sequence[str]) -> frozenset[str]:
    """Those of these events that are stored.

    Raises:
        StoreError: The database cannot be read.
    """
    keys = {codes.event_key(event_id): event_id for event_id in event_ids}
    query = sa.select(interactions.c.event).where(interactions.c.event.in_(list(keys)))
    with database.read() as connection:
        return frozenset(keys[bytes(key)] for (key,) in connection.execute(query))


def withdraw(database: Database, event_ids: Iterable[str]) -> int:
    """Take events back: they stay stored and count for nothing, whenever they arrive.

    Returns:
        How many had not been taken back before.

    Raises:
        StoreError: The database failed; nothing was taken back.
    """
    now = int(time.time())
    rows = [(codes.event_key(event_id), now) for event_id in event_ids]
    with database.write() as connection:
        added = raw_insert(connection, withdrawn, ("event", "at"), rows)
        if added:
            bump(connection)
    return added


def valid() -> sa.ColumnElement[bool]:
    """The condition that an event has not been taken back."""
    taken_back = sa.select(withdrawn.c.event).where(withdrawn.c.event == interactions.c.event)
    return ~taken_back.exists()


def history(database: Database, pseudonym: str) -> list[HistoryRow]:
    """A learner's interactions, oldest first; empty for a learner without any.

    Rows without a timestamp come first, in the source's order.

    Raises:
        StoreError: The database cannot be read.
    """
    t = interactions.c
    course = items.alias("course")
    joined = (
        interactions.join(learners, learners.c.id == t.learner_id)
        .join(items, items.c.id == t.item_id)
        .outerjoin(course, course.c.id == t.course_id)
    )
    query = (
        sa.select(
            items.c.item,
            course.c.item,
            t.timestamp,
            t.sequence,
            t.verb,
            t.score,
            t.success,
            t.completion,
            t.progress,
            t.duration_seconds,
        )
        .select_from(joined)
        .where(learners.c.pseudonym == pseudonym, valid())
        .order_by(sa.func.coalesce(t.timestamp, 0), sa.func.coalesce(t.sequence, 0), t.id)
    )
    with database.read() as connection:
        return [
            HistoryRow(row[0], row[1] or "", *row[2:4], VERBS[row[4]], *row[5:10])
            for row in connection.execute(query)
        ]


def stream(database: Database, *, pseudonym: str | None = None) -> Iterator[Interaction]:
    """Every interaction as it was added, in the order of arrival, withdrawn ones left out.

    Args:
        database: Where from.
        pseudonym: Only this learner's.

    Yields:
        Pseudonymised rows; an event id that was no UUID comes back as the UUID derived from it.

    Raises:
        StoreError: The database cannot be read.
    """
    t = interactions.c
    course, parent = items.alias("course"), items.alias("parent")
    joined = (
        interactions.join(learners, learners.c.id == t.learner_id)
        .join(items, items.c.id == t.item_id)
        .outerjoin(course, course.c.id == t.course_id)
        .outerjoin(parent, parent.c.id == t.parent_id)
    )
    names = {
        "learner_id": learners.c.pseudonym,
        "item_id": items.c.item,
        "course_id": course.c.item,
        "parent_id": parent.c.item,
    }
    chosen = [names.get(name, t[name]) for name in _COLUMNS]
    query = sa.select(*chosen).select_from(joined).where(valid()).order_by(t.id)
    if pseudonym is not None:
        query = query.where(learners.c.pseudonym == pseudonym)
    with database.read() as connection:
        for part in connection.execute(query).partitions(BATCH_ROWS):
            for row in part:
                yield _spelt(tuple(row))


def _spelt(row: tuple[Any, ...]) -> Interaction:
    return Interaction(
        event_id=codes.event_id(row[0]),
        learner=row[1],
        item=row[2],
        timestamp=row[3],
        order=row[4],
        verb=VERBS[row[5]],
        score=row[6],
        raw=row[7],
        min=row[8],
        max=row[9],
        success=row[10],
        completion=row[11],
        progress=row[12],
        duration_seconds=row[13],
        attempt=row[14],
        course=row[15] or "",
        parent_item=row[16] or "",
        session=row[17] or "",
        skill=row[18] or "",
        language=row[19] or "",
        evidence=codes.EVIDENCE[row[20]],
        source=row[21] or "",
    )
