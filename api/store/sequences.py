"""The store's interactions learner by learner, in order of time, in bounded memory.

The database sorts by learner (by its index), a learner's rows are sorted here. What is left out
is as in `api.store.training`, ties are as in `platform_adapters.learner_sequences`.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from api.store.interactions import valid
from api.store.tables import catalogue, interactions, items, learners
from api.store.training import COURSE_TYPE
from platform_adapters.learner_sequences import sequence_of
from platform_adapters.training_sets import ROW, verbs_for
from recommender.interactions import VERB_INDEX

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from api.settings import Recommend
    from platform_adapters.learner_sequences import LearnerSequence

_FETCH_ROWS = 20_000


def stream(
    connection: sa.Connection,
    *,
    recommend: Recommend,
    left_out: Collection[str] | None,
    only: Collection[str] | None,
) -> Iterator[LearnerSequence]:
    """Stream the sequences of consenting learners, in the order of the store's own numbers.

    Args:
        connection: Connection to read from.
        recommend: Whether items or courses are what is recommended.
        left_out: Pseudonyms of learners who do not consent; None if `only` is given.
        only: Pseudonyms of the learners who do; None if all but `left_out` do.
    """
    names = {row.id: row.item for row in connection.execute(sa.select(items.c.id, items.c.item))}
    query = sa.select(catalogue.c.item_id).where(catalogue.c.type == COURSE_TYPE)
    courses = frozenset(connection.execute(query).scalars())
    verbs = np.array([VERB_INDEX[verb] for verb in verbs_for(recommend)], np.int8)
    named = frozenset((only if left_out is None else left_out) or ())
    rows = connection.execution_options(yield_per=_FETCH_ROWS).execute(_query())
    for learner, own in groupby(rows, key=itemgetter(0)):
        if (learner in named) is not (left_out is None):
            continue
        kept = [
            (
                0,
                row.item_id,
                row.time,
                row.place,
                np.nan if row.score is None else row.score,
                row.verb,
            )
            for row in own
            if (row.item_id == row.course or row.item_id in courses) is (recommend == "courses")
        ]
        found = sequence_of(np.array(kept, ROW), learner, names, verbs, b"")
        if len(found):
            yield found


def _query() -> sa.Select[Any]:
    t = interactions.c
    return (
        sa.select(
            learners.c.pseudonym,
            t.item_id,
            t.course_id.label("course"),
            sa.func.coalesce(t.timestamp, 0).label("time"),
            sa.func.coalesce(t.sequence, 0).label("place"),
            t.verb,
            t.score,
        )
        .join(learners, learners.c.id == t.learner_id)
        .where(valid())
        .order_by(t.learner_id, t.id)
    )
