"""Baselines and the product's model by name: oracles, learnability, privacy."""

from __future__ import annotations

import builtins
import math

import numpy as np
import pytest

from recommender.baselines.linear import fit_ease, fit_item_knn, fit_markov
from recommender.baselines.simple import fit_course_order
from recommender.catalogue import CatalogueItem
from recommender.errors import EvaluationError
from recommender.evaluation import evaluate, leave_last_out
from recommender.metrics import hit_rate, standard_error
from recommender.models import BASELINES, MODEL_NAMES, Training, fit_model
from recommender.statistics.sequences import ITEM_VERBS, build_sequences, from_lists
from tests.unit.recommender.rows import clusters, interactions, noise

LEARNING = ("item-knn", "markov", "ease", "als", "bpr", "statistics")


def hits(name, log, epsilon=math.inf, k=5, seed=0):
    split = leave_last_out(log, ITEM_VERBS)
    model = fit_model(name, Training(split.train, ITEM_VERBS, epsilon=epsilon, seed=seed))
    return hit_rate(evaluate(model, split, len(log.item_ids)), k)


@pytest.mark.parametrize("name", LEARNING)
def test_structure_is_learned_above_popularity(name):
    log = clusters(800, seed=1)
    assert hits(name, log).mean() > hits("popularity", log).mean() + 0.3


@pytest.mark.parametrize("name", LEARNING)
def test_noise_is_not_learned(name):
    log = noise(1500, seed=2)
    figures = hits(name, log)
    assert figures.mean() < 5 / 37 + 4 * standard_error(figures)


def test_privacy_costs_and_more_of_it_costs_more():
    log = clusters(1500, seed=3)
    exact, private, hidden = (hits("statistics", log, epsilon) for epsilon in (math.inf, 4.0, 0.01))
    assert exact.mean() >= private.mean() - standard_error(private)
    assert private.mean() > hidden.mean() + 0.3
    assert hidden.mean() < 0.3


def test_the_same_seed_gives_the_same_figures_and_another_other_noise():
    log = clusters(300, seed=4)
    assert np.array_equal(hits("statistics", log, 1.0), hits("statistics", log, 1.0))
    split = leave_last_out(log, ITEM_VERBS)
    models = [
        fit_model("statistics", Training(split.train, ITEM_VERBS, epsilon=1.0, seed=seed))
        for seed in (0, 1)
    ]
    assert models[0].model.to_bytes() != models[1].model.to_bytes()


@pytest.mark.parametrize("name", ["als", "bpr"])
def test_factorisations_repeat_by_seed(name):
    log = clusters(200, seed=5)
    split = leave_last_out(log, ITEM_VERBS)
    training = Training(split.train, ITEM_VERBS, seed=7)
    first, again = (fit_model(name, training) for _ in range(2))
    scores = first.score(split.known, split.learner)
    assert np.array_equal(scores, again.score(split.known, split.learner))
    assert first.parameters > 0


def test_ease_is_its_closed_form():
    log = clusters(100, seed=6)
    histories = build_sequences(log, ITEM_VERBS)
    dense = np.zeros((100, 40))
    for learner in range(100):
        dense[learner, histories.history(learner)] = 1
    inverse = np.linalg.inv(dense.T @ dense + 50.0 * np.eye(40))
    expected = np.zeros((40, 40))
    for row in range(40):
        for column in range(40):
            if row != column:
                expected[row, column] = -inverse[row, column] / inverse[column, column]
    assert np.allclose(fit_ease(histories, 40, 50.0).weights, expected, atol=1e-6)


def test_item_knn_is_a_shrunk_cosine_and_markov_a_directed_count():
    histories = from_lists([[0, 1], [0, 1], [0, 2]])
    knn = fit_item_knn(histories, 3).weights
    assert knn[0, 1] == pytest.approx(2 / (math.sqrt(3 * 2) + 10))
    assert knn[0, 0] == 0
    chain = fit_markov(from_lists([[0, 1, 2]]), 3).weights
    assert chain[0, 1] == pytest.approx(1 / 11)
    assert chain[0, 2] == pytest.approx(0.8 / 11)
    assert chain[1, 0] == 0


def test_course_order_follows_the_catalogue_from_the_learners_last_item_on():
    log = interactions([[0, 1]], 4)
    catalogue = [CatalogueItem(f"item-{n}", position=place) for n, place in enumerate((2, 0, 3, 1))]
    model = fit_course_order(log, ITEM_VERBS, catalogue)
    assert model.source == "catalogue"
    scores = model.score(from_lists([[0], [3], []]), np.zeros(3, np.int64))
    assert np.argsort(-scores[0]).tolist() == [2, 1, 3, 0]
    assert np.argsort(-scores[1]).tolist() == [0, 2, 1, 3]
    assert np.argsort(-scores[2]).tolist() == [1, 3, 0, 2]


def test_course_order_without_positions_is_the_median_first_visit():
    log = interactions([[2, 0], [2, 1]], 4, times=[[5, 50], [7, 20]])
    model = fit_course_order(log, ITEM_VERBS, None)
    assert model.source == "median first visit"
    assert np.argsort(model.place).tolist() == [2, 1, 0, 3]


def test_a_missing_package_is_said(monkeypatch):
    real = builtins.__import__

    def without_implicit(name, *args, **kwargs):
        if name.startswith("implicit"):
            raise ImportError("No module named 'implicit'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_implicit)
    with pytest.raises(EvaluationError, match="install the extra 'train'"):
        fit_model("als", Training(clusters(20), ITEM_VERBS))


def test_what_cannot_be_fitted_says_why():
    training = Training(clusters(20), ITEM_VERBS)
    with pytest.raises(EvaluationError, match="unknown model"):
        fit_model("magic", training)
    with pytest.raises(EvaluationError, match="no private form"):
        fit_model("ease", Training(clusters(20), ITEM_VERBS, epsilon=4.0))
    with pytest.raises(EvaluationError, match="at least two"):
        fit_model("statistics", Training(interactions([[0]], 1), ITEM_VERBS))


@pytest.mark.parametrize("epsilon", [0.0, -1.0, math.nan, -math.inf])
def test_an_epsilon_that_cannot_be_is_refused(epsilon):
    with pytest.raises(EvaluationError, match="epsilon"):
        fit_model("statistics", Training(clusters(20), ITEM_VERBS, epsilon=epsilon))


@pytest.mark.parametrize("name", sorted(set(MODEL_NAMES) - {"network", "als", "bpr"}))
def test_one_learner_is_enough_to_score(name):
    log = interactions([[0, 1]], 5)
    model = fit_model(name, Training(log, ITEM_VERBS))
    scores = model.score(from_lists([[0], []]), np.zeros(2, np.int64))
    assert scores.shape == (2, 5)
    assert np.isfinite(scores).all()


def test_every_baseline_is_a_model_name():
    assert set(BASELINES) < set(MODEL_NAMES)
