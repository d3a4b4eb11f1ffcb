"""Where a merged model puts items (R35): against plain counting, and on rounds on paper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.catalogue import CatalogueItem
from recommender.poisoning.promotion import sum_histories
from recommender.release.manifest import default_manifest
from recommender.statistics.cap import sum_and_rest
from recommender.statistics.merged import MergedSums
from recommender.statistics.promotion import (
    first_places,
    panel_weights,
    stand,
    stand_merged,
)
from recommender.statistics.serving_parts import PairPart, score_pairs

ITEMS = 12
MANIFEST = default_manifest(ITEMS, bytes(32), enrolled_counts=False)
HEAD = np.arange(ITEMS, dtype=np.int32)
CATALOGUE = [CatalogueItem(f"item-{n}") for n in range(ITEMS)]
TARGET = 11
FAST = settings(max_examples=25, deadline=None)


def seen(contributions, anchors=None, noise=0.0) -> MergedSums:
    """What the first of some members sees."""
    stacked = np.stack(contributions)
    trusted = np.zeros(len(stacked), bool) if anchors is None else np.array(anchors)
    total, rest = sum_and_rest(stacked, trusted)
    others = noise * (len(stacked) - 1)
    return MergedSums(MANIFEST, total, rest, stacked[0], others, noise)


def honest(seed: int, learners: int = 60) -> np.ndarray:
    """Learners who walk a few neighbouring items and never reach the target."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, ITEMS - 4, learners)
    return sum_histories([[int(s), int(s) + 1, int(s) + 2] for s in starts], MANIFEST)


def invented(learners: int) -> np.ndarray:
    return sum_histories([[n % (ITEMS - 1), TARGET] for n in range(learners)], MANIFEST)


def test_reach_is_what_plain_counting_over_the_panel_gives():
    rng = np.random.default_rng(0)
    size = 9
    pairs = PairPart(
        np.array([0, 1, 3, 4, 5, 6, 7, 8, 10], dtype=np.int32),
        (rng.random((size, size)) * (rng.random((size, size)) < 0.6)).astype(np.float32),
        rng.random(size).astype(np.float32),
        np.zeros((size, size), np.uint8),
    )
    popularity = rng.random(11)
    standing = stand(pairs, popularity)
    weight = panel_weights(popularity[pairs.items])
    popular = np.log1p(popularity) / np.log1p(popularity).max()
    for at, item in enumerate(pairs.items):
        reach, whole = 0.0, 0.0
        for asked in range(size + 1):
            if asked == at:
                continue
            history = np.zeros((1, 11), np.float32)
            if asked < size:
                history[0, pairs.items[asked]] = 1.0
            score = score_pairs(pairs, history)[0].astype(float) + np.float32(popular) / 36
            rivals = [
                other for other in pairs.items if asked == size or other != pairs.items[asked]
            ]
            better = sum(score[other] > score[item] for other in rivals)
            reach += weight[asked] * (better < first_places(size))
            whole += weight[asked]
        assert standing.reach[at] == pytest.approx(reach / whole)


def test_the_panel_counts_histories_as_their_items_are_popular():
    assert panel_weights(np.array([3.0, 1.0])).tolist() == pytest.approx([0.675, 0.225, 0.1])
    assert panel_weights(np.zeros(2)).tolist() == pytest.approx([0.45, 0.45, 0.1])
    assert panel_weights(np.zeros(0)).sum() <= 1


@FAST
@given(st.permutations(range(1, 5)), st.integers(0, 1_000))
def test_the_order_of_the_other_members_changes_nothing(order, seed):
    parts = [honest(seed + n) for n in range(4)] + [invented(30)]
    anchors = [False, False, True, False, True]
    turned = [parts[0], *(parts[n] for n in order)]
    one = stand_merged(seen(parts, anchors), HEAD, CATALOGUE)
    two = stand_merged(seen(turned, [anchors[0], *(anchors[n] for n in order)]), HEAD, CATALOGUE)
    assert one.reach.tolist() == two.reach.tolist()
    assert one.rank.tolist() == two.rank.tolist()


def test_few_predecessors_make_an_items_weight_concentrated():
    few = sum_histories([[0, TARGET] for _ in range(50)], MANIFEST)
    many = sum_histories([[n % 11, TARGET] for n in range(50)], MANIFEST)
    said = [
        stand_merged(seen([honest(1), honest(2), cells], [False, False, True]), HEAD, CATALOGUE)
        for cells in (few, many)
    ]
    assert said[0].concentration[TARGET] > said[1].concentration[TARGET]
    assert all((standing.concentration <= 1 + 1e-9).all() for standing in said)


def test_items_outside_the_head_are_not_ranked():
    head = np.full(ITEMS, -1, dtype=np.int32)
    head[[2, 5]] = [5, 2]
    standing = stand_merged(seen([honest(1), honest(2)]), head, CATALOGUE)
    assert standing.items.tolist() == [2, 5]
    nowhere = stand_merged(
        seen([honest(1), honest(2)]), np.full(ITEMS, -1, dtype=np.int32), CATALOGUE
    )
    assert nowhere.items.size == 0
