"""What is trained on, learner by learner: the same rows as the arrays, in order of time."""

from __future__ import annotations

import random

import numpy as np
import pytest

from api.store.store import Store
from recommender.interactions import VERBS


def told(store: Store, purpose: str = "local") -> dict[str, list]:
    found = {}
    for own in store.training_sequences(purpose):
        assert own.learner not in found
        scores = [None if np.isnan(s) else float(s) for s in own.score]
        verbs = [VERBS[v] for v in own.verb]
        found[own.learner] = list(zip(own.items, own.timestamp.tolist(), verbs, scores))  # noqa: B905
    return found


def test_a_learner_comes_once_and_oldest_first_whatever_the_order_of_arrival(store, row):
    store.add_interactions(
        [
            row(2, "b", "scored", 20, score=0.5),
            row(1, "c", "viewed", 30),
            row(2, "a", "viewed", 10),
            row(1, "a", "completed", 5),
            row(1, "a", "uncompleted", 6),
            row(3, "a", "uncompleted", 6),
        ]
    )
    first, second = (row(n).learner for n in (1, 2))
    assert told(store) == {
        first: [("c", 30, "viewed", None)],
        second: [("a", 10, "viewed", None), ("b", 20, "scored", 0.5)],
    }


def test_whoever_does_not_consent_and_what_was_withdrawn_are_left_out(store, row):
    gone = row(1, "b", timestamp=7)
    store.add_interactions([row(1, "a", timestamp=5), gone, row(2, "a")])
    store.withdraw([gone.event_id])
    store.set_consent(row(2).learner, local=False)
    assert told(store) == {row(1).learner: [("a", 5, "viewed", None)]}


def test_sharing_that_is_off_gives_nobody(url, row):
    with Store.open(url, share="off") as store:
        store.add_interactions([row()])
        assert told(store, "share") == {}


@pytest.mark.parametrize("recommend", ["items", "courses"])
def test_the_rows_are_those_of_the_arrays(url, row, recommend):
    dice = random.Random(5)  # noqa: S311  no secret
    verbs = ["viewed", "completed", "uncompleted", "scored"]
    with Store.open(url, recommend=recommend, share="opt-out") as store:
        store.add_interactions(
            row(
                dice.randrange(6),
                dice.choice("abc"),
                dice.choice(verbs),
                dice.randrange(4),
                course=dice.choice("ab"),
            )
            for _ in range(200)
        )
        arrays = store.training_interactions("local")
        names = [arrays.learner_ids[n] for n in arrays.learner]
        items = [arrays.item_ids[n] for n in arrays.item]
        rows = zip(names, items, arrays.timestamp.tolist(), arrays.verb.tolist(), strict=True)
        found = [
            (own.learner, *each)
            for own in store.training_sequences("local")
            for each in zip(own.items, own.timestamp.tolist(), own.verb.tolist(), strict=True)
        ]
    assert found
    assert sorted(found) == sorted(rows)
