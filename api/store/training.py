"""The store's interactions as arrays, for training and for releases.

- Only learners who consent to the purpose are in (R20).
- `recommend = "items"` leaves course-level facts out; `recommend = "courses"` takes them alone.
- An `uncompleted` takes back the learner's earlier completions of the item and is itself no
  interaction; events withdrawn by their source are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

import numpy as np
import sqlalchemy as sa

from api.store.interactions import valid
from api.store.tables import catalogue, interactions, items, learners, withdrawn
from recommender.interactions import VERB_INDEX, Interactions

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from api.settings import Recommend

Purpose = Literal["local", "share"]
COURSE_TYPE = "course"
_FETCH_ROWS = 50_000
_COMPLETED = VERB_INDEX["completed"]
_UNCOMPLETED = VERB_INDEX["uncompleted"]


@dataclass(frozen=True, eq=False)
class _Columns:
    """Rows as the store holds them: numbers of its own, 0 for missing."""

    learner: NDArray[np.int64]
    item: NDArray[np.int64]
    course: NDArray[np.int64]
    timestamp: NDArray[np.int64]
    order: NDArray[np.int64]
    verb: NDArray[np.int64]
    score: NDArray[np.float32]

    def only(self, keep: NDArray[np.bool_]) -> _Columns:
        """The rows to keep."""
        if keep.all():
            return self
        return _Columns(*(getattr(self, field.name)[keep] for field in fields(self)))


def read(
    connection: sa.Connection,
    *,
    recommend: Recommend,
    left_out: Collection[str] | None,
    only: Collection[str] | None,
) -> Interactions:
    """Read the interactions of consenting learners.

    Args:
        connection: Connection to read from.
        recommend: Whether items or courses are what is recommended.
        left_out: Pseudonyms of learners who do not consent; None if `only` is given.
        only: Pseudonyms of the learners who do; None if all but `left_out` do.

    Returns:
        Rows in order of arrival; ids are sorted, and each has at least one row.
    """
    rows = _read_columns(connection)
    rows = rows.only(_wanted_learners(connection, rows.learner, left_out, only))
    rows = rows.only(_wanted_level(connection, rows, recommend))
    rows = rows.only(~_taken_back(rows))
    learner, learner_ids = _renumbered(connection, learners, learners.c.pseudonym, rows.learner)
    item, item_ids = _renumbered(connection, items, items.c.item, rows.item)
    return Interactions(
        learner_ids=learner_ids,
        item_ids=item_ids,
        learner=learner,
        item=item,
        timestamp=rows.timestamp,
        order=rows.order,
        verb=rows.verb.astype(np.int8),
        score=rows.score,
    )


def _read_columns(connection: sa.Connection) -> _Columns:
    t = interactions.c
    query = sa.select(
        t.learner_id,
        t.item_id,
        sa.func.coalesce(t.course_id, 0),
        sa.func.coalesce(t.timestamp, 0),
        sa.func.coalesce(t.sequence, 0),
        t.verb,
        t.score,
    ).order_by(t.id)
    if connection.execute(sa.select(withdrawn.c.event).limit(1)).first() is not None:
        query = query.where(valid())
    numbers = [np.empty((6, 0), dtype=np.int64)]
    scores = [np.empty(0, dtype=np.float32)]
    for part in connection.execute(query).partitions(_FETCH_ROWS):
        *whole, score = zip(*part, strict=True)
        numbers.append(np.array(whole, dtype=np.int64))  # (6, rows of the part)
        scores.append(np.array(score, dtype=np.float32))  # None becomes NaN
    learner, item, course, timestamp, order, verb = np.concatenate(numbers, axis=1)
    return _Columns(learner, item, course, timestamp, order, verb, np.concatenate(scores))


def _wanted_learners(
    connection: sa.Connection,
    learner: NDArray[np.int64],
    left_out: Collection[str] | None,
    only: Collection[str] | None,
) -> NDArray[np.bool_]:
    named = set((only if left_out is None else left_out) or ())
    inside = np.zeros(learner.shape, dtype=np.bool_)
    if named:
        pairs = connection.execute(sa.select(learners.c.id, learners.c.pseudonym))
        numbers = [number for number, pseudonym in pairs if pseudonym in named]
        inside |= np.isin(learner, np.array(numbers, dtype=np.int64))
    return inside if left_out is None else ~inside


def _wanted_level(
    connection: sa.Connection, rows: _Columns, recommend: Recommend
) -> NDArray[np.bool_]:
    query = sa.select(catalogue.c.item_id).where(catalogue.c.type == COURSE_TYPE)
    courses = np.array(connection.execute(query).scalars().all(), dtype=np.int64)
    is_course: NDArray[np.bool_] = np.equal(rows.item, rows.course)
    is_course |= np.isin(rows.item, courses)
    return is_course if recommend == "courses" else ~is_course


def _taken_back(rows: _Columns) -> NDArray[np.bool_]:
    """Rows that an `uncompleted` takes back, and the `uncompleted` rows themselves."""
    gone: NDArray[np.bool_] = np.equal(rows.verb, _UNCOMPLETED)
    last: dict[tuple[int, int], tuple[int, int, int]] = {}
    for row in np.flatnonzero(gone).tolist():
        pair, place = _place(rows, row)
        last[pair] = max(place, last.get(pair, place))
    if last:
        for row in np.flatnonzero(rows.verb == _COMPLETED).tolist():
            pair, place = _place(rows, row)
            gone[row] = pair in last and place < last[pair]
    return gone


def _place(rows: _Columns, row: int) -> tuple[tuple[int, int], tuple[int, int, int]]:
    """Learner and item of a row, and when it was."""
    moment = (int(rows.timestamp[row]), int(rows.order[row]), row)
    return (int(rows.learner[row]), int(rows.item[row])), moment


def _renumbered(
    connection: sa.Connection, table: sa.Table, name: sa.Column[str], codes: NDArray[np.int64]
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Numbers from 0 in the order of the sorted names, and those names."""
    present, compact = np.unique(codes, return_inverse=True)
    wanted = set(present.tolist())
    pairs = connection.execute(sa.select(table.c.id, name))
    names = {number: text for number, text in pairs if number in wanted}
    spelt = [names[number] for number in present.tolist()]
    by_name = sorted(range(len(spelt)), key=spelt.__getitem__)
    place = np.empty(len(spelt), dtype=np.int32)
    place[by_name] = np.arange(len(spelt), dtype=np.int32)
    return place[compact], tuple(spelt[index] for index in by_name)
