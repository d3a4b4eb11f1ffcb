from __future__ import annotations

import numpy as np
import pytest

from recommender import evaluation
from recommender.errors import EvaluationError
from recommender.evaluation import evaluate, given_test, leave_last_out
from recommender.metrics import MISSED, hit_rate
from recommender.statistics import sequences
from recommender.statistics.sequences import COURSE_VERBS, ITEM_VERBS, first_occurrences
from tests.unit.recommender.rows import interactions


class ByIndex:
    """Ranks items by index, whoever asks."""

    def score(self, histories, learner):
        del learner
        return np.tile(-np.arange(6, dtype=np.float32), (len(histories), 1))


def held(split):
    return [split.held_out.history(target).tolist() for target in range(len(split.known))]


def known(split):
    return [split.known.history(target).tolist() for target in range(len(split.known))]


def test_the_last_new_item_is_held_out_not_a_later_repeat():
    log = interactions([[0, 1, 2, 0]], 6)
    split = leave_last_out(log, ITEM_VERBS)
    assert held(split) == [[2]]
    assert known(split) == [[0, 1]]
    assert 2 not in split.train.item.tolist()
    assert len(split.train) == 3


@pytest.mark.parametrize("ties", ["set", "one"])
def test_sorting_some_learners_at_a_time_changes_nothing(monkeypatch, ties):
    rng = np.random.default_rng(3)
    histories = [rng.integers(0, 40, rng.integers(0, 25)).tolist() for _ in range(60)]
    log = interactions(histories, 40, times=[[n // 3 for n in range(len(h))] for h in histories])
    whole = leave_last_out(log, ITEM_VERBS, ties=ties)
    plain = first_occurrences(log, ITEM_VERBS)
    for module in (evaluation, sequences):
        monkeypatch.setattr(module, "RANGE_ROWS", 50)
    parted = leave_last_out(log, ITEM_VERBS, ties=ties)
    assert held(parted) == held(whole)
    assert known(parted) == known(whole)
    for column in ("learner", "item", "timestamp", "order"):
        assert np.array_equal(getattr(parted.train, column), getattr(whole.train, column))
    assert np.array_equal(first_occurrences(log, ITEM_VERBS), plain)


def test_learners_with_fewer_than_two_items_are_counted_as_skipped():
    split = leave_last_out(interactions([[0, 1], [3], [], [4, 4]], 6), ITEM_VERBS)
    assert split.learner.tolist() == [0]
    assert split.skipped == 3


def test_ties_as_a_set_hold_out_everything_of_the_last_moment():
    log = interactions([[0, 1, 2, 3]], 6, times=[[1, 1, 2, 2]])
    split = leave_last_out(log, ITEM_VERBS, ties="set")
    assert sorted(held(split)[0]) == [2, 3]
    assert sorted(known(split)[0]) == [0, 1]


def test_ties_as_one_hold_out_one_drawn_by_the_seed_and_keep_the_others():
    log = interactions([[0, 1, 2, 3]], 6, times=[[1, 2, 2, 2]])
    drawn = set()
    for seed in range(30):
        split = leave_last_out(log, ITEM_VERBS, ties="one", seed=seed)
        (only,) = held(split)[0]
        assert sorted([*known(split)[0], only]) == [0, 1, 2, 3]
        drawn.add(only)
    assert drawn == {1, 2, 3}


def test_a_learner_whose_whole_history_is_one_moment_is_skipped_as_a_set():
    log = interactions([[0, 1], [2, 3]], 6, times=[[5, 5], [1, 2]])
    split = leave_last_out(log, ITEM_VERBS, ties="set")
    assert split.learner.tolist() == [1]
    assert split.skipped == 1


def test_the_source_order_breaks_ties_before_the_seed_does():
    log = interactions([[0, 1, 2]], 6, times=[[1, 1, 1]])
    log.order[:] = [2, 3, 1]
    for seed in range(5):
        assert held(leave_last_out(log, ITEM_VERBS, ties="one", seed=seed)) == [[1]]


def test_enrolments_count_where_courses_are_the_items_only():
    log = interactions([[0, 1]], 6, verb="enrolled")
    assert held(leave_last_out(log, COURSE_VERBS)) == [[1]]
    with pytest.raises(EvaluationError, match="no row has a verb that counts"):
        leave_last_out(log, ITEM_VERBS)


def test_nothing_to_hold_out_is_said():
    with pytest.raises(EvaluationError, match="fewer than two distinct items"):
        leave_last_out(interactions([[0], [1]], 6), ITEM_VERBS)


def test_known_items_are_never_candidates():
    split = leave_last_out(interactions([[0, 1, 5], [2, 4, 3]], 6), ITEM_VERBS)
    outcome = evaluate(ByIndex(), split, 6, depth=6)
    assert outcome.rank.tolist() == [4, 3]  # among 2 3 4 5, and among 0 1 3 5
    assert outcome.top[0].tolist() == [2, 3, 4, 5, -1, -1]


def test_a_number_of_negatives_ranks_among_that_many_and_is_drawn_by_the_seed():
    split = leave_last_out(interactions([[0, 1, 5]], 6), ITEM_VERBS)
    first = evaluate(ByIndex(), split, 6, negatives=2, seed=3)
    assert first.rank.tolist() == [3]
    assert int((first.top >= 0).sum()) == 3
    again = evaluate(ByIndex(), split, 6, negatives=2, seed=3)
    assert np.array_equal(first.top, again.top)


def test_given_negatives_are_the_only_candidates_beside_the_held_out_item():
    split = leave_last_out(interactions([[0, 1, 5]], 6), ITEM_VERBS)
    outcome = evaluate(ByIndex(), split, 6, negatives={0: np.array([3, 1], dtype=np.int32)})
    assert outcome.rank.tolist() == [2]  # 1 is known and stays out
    assert outcome.top[0][:2].tolist() == [3, 5]


def test_a_test_file_scores_what_the_training_rows_do_not_hold():
    train = interactions([[0, 1], [2, 3]], 6)
    test = interactions([[1, 4, 5], [3]], 6)
    split = given_test(train, test, ITEM_VERBS)
    assert split.name == "test-file"
    assert split.learner.tolist() == [0]
    assert held(split) == [[4, 5]]
    assert known(split) == [[0, 1]]
    with pytest.raises(EvaluationError, match="new to its learner"):
        given_test(train, interactions([[1], [3]], 6), ITEM_VERBS)
    with pytest.raises(EvaluationError, match="same ids"):
        given_test(train, interactions([[1]], 6), ITEM_VERBS)


def test_a_sample_keeps_the_training_rows_and_is_drawn_by_the_seed():
    split = leave_last_out(interactions([[0, 1], [1, 2], [2, 3], [3, 4]], 6), ITEM_VERBS)
    part = split.sample(2, seed=5)
    assert len(part.known) == 2
    assert part.train is split.train
    assert part.learner.tolist() == split.sample(2, seed=5).learner.tolist()
    assert split.sample(99, seed=5) is split


def test_scores_of_another_shape_are_refused():
    split = leave_last_out(interactions([[0, 1]], 5), ITEM_VERBS)
    with pytest.raises(EvaluationError, match="expected"):
        evaluate(ByIndex(), split, 5)


def test_a_held_out_item_that_cannot_be_ranked_is_a_miss():
    train = interactions([[0, 1]], 6)
    split = given_test(train, interactions([[4]], 6), ITEM_VERBS)
    outcome = evaluate(ByIndex(), split, 6, negatives={})
    assert outcome.rank.tolist() == [1]
    assert MISSED not in outcome.rank
    assert hit_rate(outcome, 10).tolist() == [1.0]
