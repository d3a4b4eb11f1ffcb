from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from recommender.interactions import VERB_INDEX, Interactions
from recommender.release.due import due_learners, is_due, quiet_since
from recommender.release.manifest import default_manifest
from recommender.release.vector import LearnerEvents

AS_OF = date(2026, 11, 29)
MANIFEST = replace(default_manifest(40, bytes(32), enrolled_counts=False), keep=4)
QUIET = int(datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC).timestamp())
ACTIVE = QUIET + 1


def answers(items, times, verbs=None) -> set[bool]:
    """Ask both ways, which must agree."""
    verb = np.array([VERB_INDEX[v] for v in verbs or ["viewed"] * len(items)])
    learner = LearnerEvents(
        pseudonym="lp1_a",
        item=np.array(items, dtype=np.int64),
        item_keys=[str(item) for item in items],
        timestamp=np.array(times, dtype=np.int64),
        order=np.zeros(len(items), dtype=np.int64),
        verb=verb.astype(np.int64),
    )
    platform = Interactions(
        learner_ids=("someone else", "lp1_a"),
        item_ids=tuple(str(number) for number in range(41)),
        learner=np.ones(len(items), dtype=np.int32),
        item=np.where(learner.item < 0, 40, learner.item).astype(np.int32),
        timestamp=learner.timestamp,
        order=learner.order,
        verb=verb.astype(np.int8),
        score=np.full(len(items), np.nan, dtype=np.float32),
    )
    head = np.array([*range(40), -1], dtype=np.int32)
    nobody, asked = due_learners(platform, head, MANIFEST, AS_OF).tolist()
    assert not nobody
    return {is_due(learner, MANIFEST, AS_OF), asked}


def test_the_quiet_days_end_where_the_date_begins():
    assert quiet_since(MANIFEST, AS_OF) == ACTIVE


@pytest.mark.parametrize(
    ("items", "times", "due"),
    [
        ([1, 2], [5, QUIET], True),
        ([1, 2], [5, ACTIVE], False),
        ([1, 2, 3, 4], [5, 6, 7, ACTIVE], True),
        ([1, 2, 3, 3], [5, 6, 7, ACTIVE], False),
        ([1, 1], [5, 6], False),
        ([1], [5], False),
        ([], [], False),
        ([1, 2, -1], [5, 6, ACTIVE], False),
        ([1, -1], [5, 6], False),
    ],
)
def test_a_learner_is_due_when_enough_was_done_and_then_nothing_more(items, times, due):
    assert answers(items, times) == {due}


def test_verbs_that_do_not_count_make_no_items_but_are_no_silence():
    assert answers([1, 2], [5, 6], ["viewed", "rated"]) == {False}
    assert answers([1, 2, 3], [5, 6, ACTIVE], ["viewed", "viewed", "rated"]) == {False}
