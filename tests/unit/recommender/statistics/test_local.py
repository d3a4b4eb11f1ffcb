"""Own exact statistics and R17's floors."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.release.manifest import default_manifest
from recommender.release.sum import sum_vectors
from recommender.statistics.local import block_norms, own_statistics
from recommender.statistics.sequences import (
    ITEM_VERBS,
    build_sequences,
    first_occurrences,
    from_lists,
    hashed_ties,
)
from tests.unit.recommender.rows import clusters, interactions


def test_pairs_weigh_by_lag_and_by_the_learners_norm():
    own = own_statistics(from_lists([[0, 1, 2]]), 3, pair_floor=0, learner_floor=0)
    norm = max(np.sqrt(1 + 1 + 0.64), 2.0)
    assert own.together[0, 1] == pytest.approx(1 / norm)
    assert own.together[0, 2] == pytest.approx(0.8 / norm)
    assert own.direction[0, 2] == pytest.approx(0.8 / norm)
    assert own.direction[2, 0] == pytest.approx(-0.8 / norm)
    assert own.popularity.tolist() == pytest.approx([0.5, 0.5, 0.5])


def test_the_norm_of_a_length_is_that_of_the_pairs_written_out():
    for length in (0, 1, 2, 5, 12, 30, 44):
        kept = min(length, 30)
        pairs = [
            0.8 ** (later - earlier - 1)
            for earlier in range(kept)
            for later in range(earlier + 1, min(earlier + 11, kept))
        ]
        assert block_norms(length)[-1] == pytest.approx(np.sqrt(np.sum(np.square(pairs))))


def test_exact_statistics_are_the_release_without_its_grid():
    log = clusters(300, seed=2)
    own = own_statistics(build_sequences(log, ITEM_VERBS), 40, pair_floor=0, learner_floor=0)
    manifest = default_manifest(40, bytes(32), enrolled_counts=False)
    released = sum_vectors(log, np.arange(40, dtype=np.int32), manifest, bytes(32))
    upper = np.triu_indices(40, 1)
    slices = manifest.block_slices
    # Rounding toward zero takes at most one grid unit a learner.
    for name, block in (("together", own.together[upper]), ("direction", own.direction[upper])):
        weight = {"together": 3665, "direction": 1220}[name]
        assert np.abs(released[slices[name]] / weight - block).max() < 300 / weight
    assert np.abs(released[slices["popularity"]] / 1220 - own.popularity).max() < 300 / 1220


def test_a_pair_below_ten_learners_is_not_used_and_one_of_ten_is():
    histories = [[0, 1]] * 10 + [[2, 3]] * 9 + [[4]] * 40
    own = own_statistics(from_lists(histories), 5)
    place = {int(item): index for index, item in enumerate(own.domain)}
    assert own.together[place[0], place[1]] == pytest.approx(5.0)
    assert own.together[place[2], place[3]] == 0.0
    assert own.direction[place[2], place[3]] == 0.0
    assert own.support[place[2], place[3]] == 9


def test_a_learner_counts_once_for_a_pair_however_often_they_come_back():
    log = interactions([[0, 1, 0, 1, 0, 1]] * 9 + [[2]] * 50, 3)
    own = own_statistics(build_sequences(log, ITEM_VERBS), 3)
    assert own.support.max() == 9
    assert not own.together.any()


def test_below_fifty_learners_there_are_no_own_statistics():
    assert own_statistics(from_lists([[0, 1]] * 49), 2) is None
    assert own_statistics(from_lists([[0, 1]] * 50), 2) is not None
    assert own_statistics(from_lists([[0, 1]] * 49), 2, learner_floor=10) is not None
    assert own_statistics(from_lists([[0, 1]] * 49 + [[]] * 5), 2) is None


def test_only_the_most_popular_items_have_pairs():
    histories = [[0, 1, 2]] * 10 + [[1, 2]] * 50
    own = own_statistics(from_lists(histories), 4, most_items=2)
    assert own.domain.tolist() == [1, 2]
    assert own.popularity[0] > 0


def test_histories_are_cut_to_the_last_thirty():
    history = list(range(35))
    own = own_statistics(from_lists([history]), 35, pair_floor=0, learner_floor=0)
    assert own.domain.tolist() == list(range(5, 35))


def test_tied_rows_are_ordered_by_ids_not_by_place_in_the_file():
    log = interactions([[3, 1, 0, 2]], 4, times=[[7, 7, 7, 7]])
    turned = interactions([[2, 0, 1, 3]], 4, times=[[7, 7, 7, 7]])
    first = build_sequences(log, ITEM_VERBS).items.tolist()
    assert build_sequences(turned, ITEM_VERBS).items.tolist() == first
    assert np.unique(hashed_ties(log)(np.arange(len(log)))).size == 4


def test_first_occurrences_are_sorted_by_learner_then_time():
    log = interactions([[2, 1, 2], [0]], 3, times=[[30, 20, 10], [5]])
    rows = first_occurrences(log, ITEM_VERBS)
    assert rows.tolist() == [2, 1, 3]


def test_sequences_can_be_cut_and_chosen():
    sequences = from_lists([[0, 1, 2], [], [3]])
    assert sequences.last(2).history(0).tolist() == [1, 2]
    chosen = sequences.select(np.array([2, 0]))
    assert [chosen.history(0).tolist(), chosen.history(1).tolist()] == [[3], [0, 1, 2]]
    assert len(from_lists([])) == 0
