"""The model at epsilon infinity: its parts by brute force, its weights, its best part."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.catalogue import CatalogueItem
from recommender.errors import EvaluationError
from recommender.evaluation import evaluate, leave_last_out
from recommender.exact.items import fit_item_weights, most_popular, over_domain, sequential_ridge
from recommender.exact.model import ExactModel, fit_exact
from recommender.exact.others import fit_popularity, fit_similar_learners
from recommender.exact.stack import (
    Choices,
    default_weights,
    fit_weights,
    fit_where_clear,
    join_choices,
    read_choices,
)
from recommender.metrics import ndcg, standard_error
from recommender.statistics.sequences import ITEM_VERBS, build_sequences, from_lists
from recommender.statistics.text import fit_text
from tests.unit.recommender.rows import clusters, interactions


def walks(learners, seed, items=30, length=8):
    """Learners who mostly go on to the next item, sometimes anywhere."""
    rng = np.random.default_rng(seed)
    histories = []
    for _ in range(learners):
        path = [int(rng.integers(items))]
        while len(path) < length:
            following = (path[-1] + 1) % items if rng.random() < 0.7 else int(rng.integers(items))
            if following in path:
                following = int(rng.choice(np.setdiff1d(np.arange(items), path)))
            path.append(following)
        histories.append(path)
    return interactions(histories, items)


def entries(log):
    return [CatalogueItem(item) for item in log.item_ids]


def fitted(log):
    return fit_exact(log, ITEM_VERBS, entries(log), fit_text(entries(log)))


@pytest.mark.parametrize("log", [walks(250, 1), clusters(250, seed=2)], ids=["order", "groups"])
def test_it_is_within_noise_of_its_best_part_or_better(log):
    split = leave_last_out(log, ITEM_VERBS)
    model = fitted(split.train)
    size = len(log.item_ids)
    ours = ndcg(evaluate(model, split, size), 10)
    for place in range(len(model.parts)):
        only = np.eye(len(model.parts))[place]
        alone = ExactModel(model.parts, only, only, size)
        theirs = ndcg(evaluate(alone, split, size), 10)
        assert ours.mean() >= theirs.mean() - 2 * standard_error(ours - theirs)


def test_equal_rows_give_equal_scores():
    log = walks(80, 3)
    histories = from_lists([[0, 1], [], [5]])
    first, second = (fitted(log).score(histories, np.arange(3)) for _ in range(2))
    assert np.array_equal(first, second)


def test_the_ridge_is_the_dense_formula():
    histories = from_lists([[0, 1, 2, 3], [2, 0], [3], [1, 3, 0]])
    domain, memory = np.arange(4, dtype=np.int32), 0.5
    before, after = [], []
    for who in range(len(histories)):
        path = histories.history(who).tolist()
        for at in range(len(path) - 1):
            x, y = np.zeros(4), np.zeros(4)
            for age, item in enumerate(path[at::-1]):
                x[item] += memory**age
            for delay, item in enumerate(path[at + 1 :]):
                y[item] += 0.7**delay
            before.append(x)
            after.append(y)
    x, y = np.array(before), np.array(after)
    weights = np.sqrt(np.maximum(np.linalg.solve(x.T @ x + 30 * np.eye(4), x.T @ y), 0))
    np.fill_diagonal(weights, 0)
    assert np.allclose(sequential_ridge(histories, domain, memory), weights, atol=1e-6)


def test_similar_learners_speak_by_shared_items_weighted_by_rarity():
    histories = from_lists([[0, 1, 2], [0, 3], [4]])
    part = fit_similar_learners(histories, 5)
    scores = part.score(from_lists([[0]]), 5)[0]
    rarity = np.log(4 / 3)  # item 0 is known to two of three learners
    first, second = rarity / np.sqrt(3), rarity / np.sqrt(2)
    expected = np.array([first + second, first, first, second, 0]) / (first + second)
    assert np.allclose(scores, expected, atol=1e-6)


def test_a_learner_without_history_is_shown_what_others_begin_with():
    part = fit_popularity(from_lists([[2, 0, 1], [2, 0], [2, 1], [0, 1], [1]]), 3)
    fresh, known = part.score(from_lists([[], [1]]), 3)
    assert fresh.argmax() == 2
    assert known.argmax() in (0, 1)


def test_a_part_that_knows_gets_the_weight():
    rng = np.random.default_rng(4)
    share = np.zeros((60, 5))
    share[np.arange(60), rng.integers(5, size=60)] = 1.0
    scores = np.stack([share.ravel(), rng.random(300)], axis=1)
    choices = Choices(np.arange(60) * 5, scores, share.ravel(), np.ones(300))
    weights = fit_weights(choices)
    assert weights[0] > 5 > abs(weights[1])
    twice = join_choices([choices, choices])
    assert twice.start[60] == 300
    assert fit_weights(twice)[0] > weights[0]


def test_scores_that_are_not_finite_leave_all_parts_alike():
    choices = Choices(
        np.array([0]),
        np.array([[np.nan, 0.0], [0.0, 1.0]]),
        np.array([1.0, 0.0]),
        np.ones(2),
    )
    assert np.array_equal(fit_weights(choices), default_weights(2))


class Fixed:
    """A part that says the same to everybody."""

    name = "fixed"

    def __init__(self, scores):
        self.scores = np.asarray(scores, dtype=np.float32)

    def score(self, histories, size):
        return np.tile(self.scores, (len(histories), 1))


def test_what_is_drawn_stands_for_all_the_rest():
    part = Fixed(np.linspace(1.0, 0.1, 2_000))
    known, following = from_lists([[0, 1]] * 40), from_lists([[1_500]] * 40)
    choices = read_choices([part], known, following, 2_000)
    assert np.allclose(np.add.reduceat(choices.stands_for, choices.start), 1_998)
    whole = np.exp(3.0 * part.scores[2:].astype(float)).sum()
    drawn = np.exp(3.0 * choices.scores[:, 0]) * choices.stands_for
    assert np.add.reduceat(drawn, choices.start).mean() == pytest.approx(whole, rel=0.02)
    assert (choices.share * choices.stands_for).sum() == 40


def test_popularity_is_not_held_against_items_where_the_catalogue_is_large():
    """What comes next is popular, but seldom among the 60 most popular of 2,000 items."""
    rng = np.random.default_rng(8)
    popular = np.linspace(1.0, 0.0, 2_000)
    following = [[int(each)] for each in rng.integers(60, 700, size=200)]
    known = from_lists([[1_999]] * 200)
    choices = read_choices([Fixed(popular)], known, from_lists(following), 2_000)
    assert fit_weights(choices)[0] > 1


def test_beginners_have_weights_of_their_own_only_where_that_ranks_better():
    rng = np.random.default_rng(9)
    target = rng.integers(40, size=80)
    share = np.zeros((80, 40))
    share[np.arange(80), target] = 1.0
    tells, misleads = share.ravel() * 0.5, rng.random(80 * 40)
    scores = np.stack([tells, misleads], axis=1)
    choices = Choices(np.arange(80) * 40, scores, share.ravel(), np.ones(3_200))
    usual = np.array([0.0, 7.0])
    own = fit_where_clear([choices], usual)
    assert own[0] > 5 > own[1]
    good = np.array([9.0, 0.0])
    assert np.array_equal(fit_where_clear([choices], good), good)
    assert np.array_equal(fit_where_clear([], usual), usual)


def test_learners_with_one_known_item_are_shown_what_follows_a_beginning():
    """All begin with 0, 1, 2, 3, whatever they come to later: item 0 says what is next."""
    rng = np.random.default_rng(10)
    histories = [[0, 1, 2, 3, *(4 + rng.permutation(40)[:25]).tolist()] for _ in range(200)]
    model = fitted(interactions(histories, 44))
    assert model.score(from_lists([[0]]), np.zeros(1))[0].argsort()[::-1][0] == 1
    assert model.score(from_lists([[]]), np.zeros(1))[0].argmax() == 0


def test_chains_and_cosines_know_items_beyond_those_that_are_solved(monkeypatch):
    monkeypatch.setattr("recommender.exact.items.MOST_ITEMS", 3)
    parts = {
        part.name: part for part in fit_item_weights(build_sequences(walks(60, 11), ITEM_VERBS), 30)
    }
    assert parts["ease 1"].items.size == 3
    assert parts["markov 0.8"].items.size == parts["cosine 10 0.8"].items.size == 30


def test_too_few_learners_leave_all_parts_alike():
    model = fitted(walks(12, 5))
    assert np.array_equal(model.weights, default_weights(len(model.parts)))


def test_only_the_most_popular_items_have_pairs_and_the_others_still_score():
    assert most_popular(np.array([3, 0, 5, 3]), 2).tolist() == [0, 2]
    rows = over_domain(from_lists([[1, 2]]), np.array([2], dtype=np.int32), 0.5)
    assert rows.toarray().tolist() == [[1.0]]


def test_one_item_is_refused():
    log = interactions([[0], [0]], 1)
    with pytest.raises(EvaluationError, match="at least two"):
        fitted(log)
