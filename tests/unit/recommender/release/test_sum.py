from __future__ import annotations

import numpy as np
import pytest

from recommender.errors import ReleaseError
from recommender.interactions import VERB_INDEX, Interactions
from recommender.release.manifest import default_manifest
from recommender.release.sum import limit_norms, sum_vectors
from recommender.release.vector import limit_norm, pair_cell

MANIFEST = default_manifest(4, bytes(32), enrolled_counts=False)
DIGEST = b"m" * 32
HEAD = np.arange(4, dtype=np.int32)


def interactions(rows, learners=3) -> Interactions:
    """Rows are (learner, item, timestamp)."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Interactions(
        learner_ids=tuple(f"lp1_{number}" for number in range(learners)),
        item_ids=tuple(f"item-{number}" for number in range(4)),
        learner=columns[:, 0].astype(np.int32),
        item=columns[:, 1].astype(np.int32),
        timestamp=columns[:, 2],
        order=np.zeros(len(columns), dtype=np.int64),
        verb=np.full(len(columns), VERB_INDEX["viewed"], dtype=np.int8),
        score=np.full(len(columns), np.nan, dtype=np.float32),
    )


def test_learners_add_up():
    sums = sum_vectors(interactions([(0, 0, 1), (0, 1, 2), (1, 1, 1), (1, 0, 2)]), HEAD,
                       MANIFEST, DIGEST)  # fmt: skip
    parts = {name: sums[part] for name, part in MANIFEST.block_slices.items()}
    assert parts["together"][pair_cell(0, 1, 4)] == 2 * 1852
    assert parts["direction"][pair_cell(0, 1, 4)] == 0
    assert parts["popularity"].tolist() == [2 * 617, 2 * 617, 0, 0]


def test_an_empty_store_gives_the_same_length():
    sums = sum_vectors(interactions([]), HEAD, MANIFEST, DIGEST)
    assert sums.shape == (MANIFEST.cells,)
    assert sums.dtype == np.int64
    assert not sums.any()


def test_only_the_learners_asked_for_are_summed():
    rows = [(0, 0, 1), (0, 1, 2), (1, 2, 1), (1, 3, 2)]
    mask = np.array([True, False, False])
    alone = sum_vectors(interactions(rows[:2]), HEAD, MANIFEST, DIGEST)
    assert np.array_equal(sum_vectors(interactions(rows), HEAD, MANIFEST, DIGEST, mask), alone)


def test_items_that_are_not_shared_leave_no_trace():
    head = np.array([0, -1, 1, -1], dtype=np.int32)
    with_private = interactions([(0, 0, 1), (0, 1, 2), (0, 2, 3)])
    without = interactions([(0, 0, 1), (0, 2, 3)])
    sums = [sum_vectors(data, head, MANIFEST, DIGEST) for data in (with_private, without)]
    assert np.array_equal(*sums)


def test_a_head_that_does_not_fit_is_refused():
    with pytest.raises(ReleaseError, match="one entry for each of 4 items"):
        sum_vectors(interactions([]), HEAD[:2], MANIFEST, DIGEST)
    with pytest.raises(ReleaseError, match="outside the head of 4"):
        sum_vectors(interactions([]), HEAD + 1, MANIFEST, DIGEST)


def test_a_mask_that_does_not_fit_is_refused():
    with pytest.raises(ReleaseError, match="one entry for each of 3 learners"):
        sum_vectors(interactions([]), HEAD, MANIFEST, DIGEST, np.ones(2, dtype=np.bool_))


def test_learners_above_the_norm_are_scaled_down_and_others_left_alone():
    owners = np.array([0, 1, 0, 1], dtype=np.int64)
    values = np.array([30, 3, -40, -4], dtype=np.int64)
    limited = limit_norms(owners, values, 2, 5)
    assert limited.tolist() == [3, 3, -4, -4]
    assert limit_norm([30, -40], 5) == [3, -4]
    assert values.tolist() == [30, 3, -40, -4]


def test_one_unit_above_the_norm_is_above():
    owners = np.zeros(3, dtype=np.int64)
    assert limit_norms(owners, np.array([3, 4, 1]), 1, 5).tolist() == [2, 3, 0]
    assert limit_norms(owners, np.array([3, 4, 0]), 1, 5).tolist() == [3, 4, 0]
