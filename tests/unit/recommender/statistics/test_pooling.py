"""Pairs below R17's floor: used in groups of ten learners or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.statistics.local import own_statistics
from recommender.statistics.pooling import Guess, group_pairs, guess_pairs, pool_pairs
from recommender.statistics.sequences import ITEM_VERBS, from_lists, mean_moments
from recommender.statistics.sequences import first_occurrences as first
from tests.unit.recommender.rows import interactions


def some_histories(seed=0, learners=120, items=15):
    rng = np.random.default_rng(seed)
    return [rng.permutation(items)[: rng.integers(1, 6)].tolist() for _ in range(learners)]


def learners_of(histories, group, item):
    return {
        who
        for who, history in enumerate(histories)
        if item in history and any(other in history for other in group)
    }


@pytest.mark.parametrize("seed", range(4))
def test_every_group_has_ten_distinct_learners_and_no_pair_above_the_floor(seed) -> None:
    histories = some_histories(seed)
    own = own_statistics(from_lists(histories), 15)
    assert own is not None
    groups = 0
    for row, item in enumerate(own.domain):
        for number in range(own.groups[row].max() + 1):
            among = own.groups[row] == number
            assert len(learners_of(histories, own.domain[among].tolist(), item)) >= 10
            assert (own.support[row, among] < 10).all()
            groups += 1
    assert groups > 10


def test_which_pair_of_a_group_was_walked_changes_nothing() -> None:
    rest = [[3]] * 40
    five_and_five = [[0, 1]] * 5 + [[0, 2]] * 5 + [[2]] + rest
    four_and_six = [[0, 1]] * 4 + [[0, 2]] * 6 + [[1]] + rest
    one, two = (own_statistics(from_lists(log), 4) for log in (five_and_five, four_and_six))
    assert one is not None
    assert two is not None
    assert one.together.any()
    assert np.array_equal(one.support == two.support, ~(one.support > 0))
    assert np.allclose(one.together, two.together)
    assert np.allclose(one.direction, two.direction)


def test_what_is_left_below_ten_learners_is_not_used() -> None:
    own = own_statistics(from_lists([[0, 1]] * 5 + [[0, 2]] * 4 + [[3]] * 50), 4)
    assert own is not None
    assert not own.together.any()
    assert (own.groups == -1).all()


def test_a_learner_who_walked_two_pairs_of_a_group_counts_once() -> None:
    own = own_statistics(from_lists([[0, 1, 2]] * 9 + [[3]] * 50), 4)
    assert own is not None
    assert (own.groups == -1).all()


def test_pairs_above_the_floor_stay_exact() -> None:
    histories = [[0, 1]] * 12 + [[0, 2]] * 5 + [[0, 3]] * 6 + [[4]] * 30
    exact = own_statistics(from_lists(histories), 5, pair_floor=0)
    own = own_statistics(from_lists(histories), 5)
    assert exact is not None
    assert own is not None
    assert own.together[0, 1] == exact.together[0, 1]
    assert own.direction[0, 1] == exact.direction[0, 1]
    assert own.together[0, 2] > 0
    assert own.together[0, 4] > 0  # nobody walked it, and nobody can tell


def test_a_group_s_sum_is_laid_out_by_the_guess() -> None:
    hidden = ~np.eye(3, dtype=bool)
    guess = Guess(np.array([[1, 3, 1], [3, 1, 1], [1, 1, 1]], np.float32), np.zeros((3, 3)))
    groups = np.where(hidden, np.array([[0], [-1], [-1]]), -1)
    sums = np.array([[0.0, 2.0, 6.0], [2.0, 0.0, 0.0], [6.0, 0.0, 0.0]])
    laid = pool_pairs(sums, groups, guess, signed=False)
    assert laid[0].tolist() == [0.0, 3.0, 1.0]  # 8 in shares 3 : 1, half of it from item 0
    assert np.array_equal(laid, laid.T)


def test_the_later_item_follows_the_earlier_one() -> None:
    log = interactions(
        [[0, 1]] * 6 + [[0, 2]] * 6 + [[3]] * 40, 4, times=[[1, 5]] * 6 + [[1, 6]] * 6 + [[9]] * 40
    )
    moments = mean_moments(log, first(log, ITEM_VERBS), 5)
    own = own_statistics(from_lists([[0, 1]] * 6 + [[0, 2]] * 6 + [[3]] * 40), 4, moments=moments)
    assert own is not None
    assert (own.direction[0, 1:3] > 0).all()
    assert np.array_equal(own.direction, -own.direction.T)
    assert (np.abs(own.direction) <= own.together + 1e-12).all()


def test_a_moment_of_too_few_learners_is_not_known() -> None:
    log = interactions([[0, 1]] * 9 + [[1]], 3, times=[[2, 4]] * 9 + [[4]])
    assert np.array_equal(
        mean_moments(log, first(log, ITEM_VERBS), 10), [np.nan, 4.0, np.nan], equal_nan=True
    )


def test_without_moments_closeness_in_time_says_nothing() -> None:
    popularity = np.array([4.0, 4.0, 2.0])
    guess = guess_pairs(np.zeros((3, 3)), popularity, np.full(3, np.nan), 1.0)
    assert not guess.lean.any()
    assert guess.together[0, 1] > guess.together[0, 2]


def test_pairs_are_joined_from_the_strongest_guess_on() -> None:
    strong = np.array([[0, 9, 8, 1, 1.0]] + [[1, 1, 1, 1, 1.0]] * 4, dtype=np.float32)
    walked = [(0, 1)] * 2 + [(0, 2)] * 2 + [(0, 3)] * 2 + [(0, 4)] * 1
    one, other = (np.array(part) for part in zip(*walked, strict=True))
    hidden = ~np.eye(5, dtype=bool)
    groups = group_pairs(
        (one, other, np.arange(7)), hidden, Guess(strong, np.zeros((5, 5), np.float32)), 4
    )
    assert groups[0].tolist() == [-1, 0, 0, -1, -1]
