"""Small logs for the tests of models and measurements."""

from __future__ import annotations

import numpy as np

from recommender.interactions import VERB_INDEX, Interactions


def interactions(histories, items, *, times=None, verb="viewed") -> Interactions:
    """One learner a list of item indices, oldest first; `times` gives each row's second."""
    learner = [who for who, history in enumerate(histories) for _ in history]
    item = [entry for history in histories for entry in history]
    clock = times or [list(range(len(history))) for history in histories]
    moment = [second for seconds in clock for second in seconds]
    count = len(item)
    return Interactions(
        learner_ids=tuple(f"learner-{number}" for number in range(len(histories))),
        item_ids=tuple(f"item-{number}" for number in range(items)),
        learner=np.array(learner, dtype=np.int32),
        item=np.array(item, dtype=np.int32),
        timestamp=np.array(moment, dtype=np.int64),
        order=np.zeros(count, dtype=np.int64),
        verb=np.full(count, VERB_INDEX[verb], dtype=np.int8),
        score=np.full(count, np.nan, dtype=np.float32),
    )


def clusters(learners, seed=0, items=40, groups=8, length=4) -> Interactions:
    """Learners who stay inside one group of items: structure that a model can learn.

    Items of one group are not neighbours, so that the order of the items tells nothing.
    """
    rng = np.random.default_rng(seed)
    size = items // groups
    histories = []
    for _ in range(learners):
        group = int(rng.integers(groups))
        histories.append((group + groups * rng.permutation(size)[:length]).tolist())
    return interactions(histories, items)


def noise(learners, seed=0, items=40, length=4) -> Interactions:
    """Learners who draw items at random: nothing to learn."""
    rng = np.random.default_rng(seed)
    return interactions([rng.permutation(items)[:length].tolist() for _ in range(learners)], items)
