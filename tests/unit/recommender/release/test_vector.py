from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.errors import ReleaseError
from recommender.interactions import VERB_INDEX
from recommender.release.manifest import Block, default_manifest
from recommender.release.vector import (
    LearnerEvents,
    first_visits,
    learner_vector,
    limit_norm,
    pair_cell,
)

MANIFEST = default_manifest(5, bytes(32), enrolled_counts=False)
DIGEST = b"m" * 32


def events(items, times=None, verbs=None, pseudonym="lp1_a") -> LearnerEvents:
    count = len(items)
    return LearnerEvents(
        pseudonym=pseudonym,
        item=np.array(items, dtype=np.int64),
        item_keys=[f"item-{item}" for item in items],
        timestamp=np.array(range(count) if times is None else times, dtype=np.int64),
        order=np.zeros(count, dtype=np.int64),
        verb=np.array([VERB_INDEX[v] for v in verbs or ["viewed"] * count], dtype=np.int64),
    )


def as_blocks(learner, manifest=MANIFEST):
    cells, values = learner_vector(learner, manifest, DIGEST)
    dense = np.zeros(manifest.cells, dtype=np.int64)
    dense[cells] = values
    return {name: dense[part].tolist() for name, part in manifest.block_slices.items()}


def test_a_learner_with_one_pair_weighs_half_of_each_block_since_the_clip_is_two():
    # Ana visits item 1, then item 0: norms 1, 1 and sqrt 2 are all below 2 (R8).
    blocks = as_blocks(events([1, 0]))
    assert blocks["together"][pair_cell(0, 1, 5)] == 3665 // 2
    assert blocks["direction"][pair_cell(0, 1, 5)] == -(1220 // 2)
    assert blocks["popularity"] == [610, 610, 0, 0, 0]


def test_where_a_learner_began_weighs_half_for_each_later_visit_and_is_not_cut():
    manifest = replace(default_manifest(12, bytes(32), enrolled_counts=False), keep=9)
    starts = as_blocks(events(list(range(11, -1, -1))), manifest)["starts"]
    strengths = [0.5**place for place in range(8)]
    norm = sum(strength**2 for strength in strengths) ** 0.5
    assert starts[:3:-1] == [int(600 * strength / norm) for strength in strengths]
    assert starts[:4] == [0] * 4
    assert as_blocks(events([3]))["starts"] == [0, 0, 0, 600, 0]


def test_transitions_fade_by_four_fifths_with_each_place():
    blocks = as_blocks(events([0, 1, 2]))
    together = blocks["together"]
    assert together[pair_cell(0, 1, 5)] == together[pair_cell(1, 2, 5)] == 1832
    assert together[pair_cell(0, 2, 5)] == 3665 * 4 // (2 * 5)


def test_a_busy_learner_is_divided_by_the_norm():
    manifest = default_manifest(30, bytes(32), enrolled_counts=False)
    blocks = as_blocks(events(list(range(30))), manifest)
    assert set(blocks["popularity"]) == {int(1220 / 30**0.5)}
    squares = sum(value * value for block in blocks.values() for value in block)
    assert 0.99 * 4096**2 < squares <= 4096**2


def test_no_transition_beyond_reach():
    blocks = as_blocks(events([0, 1, 2, 3]), replace(MANIFEST, reach=2))
    assert blocks["together"][pair_cell(0, 2, 5)] > 0
    assert blocks["together"][pair_cell(0, 3, 5)] == 0


def test_only_the_first_visit_of_an_item_counts():
    assert first_visits(events([2, 0, 2, 0, 1]), MANIFEST, DIGEST) == [2, 0, 1]


def test_only_the_last_visits_are_kept():
    assert first_visits(events([0, 1, 2, 3]), replace(MANIFEST, keep=2), DIGEST) == [2, 3]


def test_unshared_items_and_other_verbs_do_not_count():
    learner = events([3, -1, 2, 1], verbs=["viewed", "viewed", "rated", "completed"])
    assert first_visits(learner, MANIFEST, DIGEST) == [3, 1]


def test_the_source_order_decides_before_the_hash():
    tied = events([4, 0], times=[7, 7])
    ordered = replace(tied, order=np.array([2, 1], dtype=np.int64))
    assert first_visits(ordered, MANIFEST, DIGEST) == [0, 4]


def test_ties_are_broken_differently_for_different_learners():
    orders = {
        tuple(first_visits(events([0, 1, 2], times=[5, 5, 5], pseudonym=name), MANIFEST, DIGEST))
        for name in "abcdefghij"
    }
    assert len(orders) > 1


def test_two_platform_items_that_share_a_head_item_are_one_visit():
    learner = replace(events([1, 1, 0]), item_keys=["part one", "part two", "other"])
    assert first_visits(learner, MANIFEST, DIGEST) == [1, 0]


def test_no_events_give_an_empty_vector():
    cells, values = learner_vector(events([]), MANIFEST, DIGEST)
    assert cells.size == values.size == 0


def test_a_value_that_rounds_to_zero_has_no_cell():
    tiny = replace(MANIFEST, blocks=(Block("popularity", 1, 2),))
    assert learner_vector(events([0, 1]), tiny, DIGEST)[0].size == 0


def test_an_item_outside_the_head_is_refused():
    with pytest.raises(ReleaseError, match="outside the head of 5"):
        learner_vector(events([5]), MANIFEST, DIGEST)


def test_a_norm_within_the_scale_is_left_alone():
    assert limit_norm([3, -4], 5) == [3, -4]


def test_a_norm_above_the_scale_is_scaled_down_toward_zero():
    limited = limit_norm([30, -40, 1], 5)
    assert limited == [2, -3, 0]


def test_the_upper_triangle_is_row_major():
    cells = [pair_cell(i, j, 4) for i in range(4) for j in range(i + 1, 4)]
    assert cells == list(range(6))
