"""The encoder and the neural baselines: shapes, causality, learning, missing packages."""

from __future__ import annotations

import builtins
import math

import numpy as np
import pytest
import torch

from recommender.catalogue import CatalogueItem
from recommender.errors import EvaluationError
from recommender.evaluation import evaluate, leave_last_out
from recommender.metrics import hit_rate
from recommender.models import Training, fit_model, fit_private_network
from recommender.network.encoder import SequenceEncoder
from recommender.network.features import content_features
from recommender.network.sequential import Gru4Rec, SasRec
from recommender.network.train import (
    TrainOptions,
    last_logits,
    padded,
    position_losses,
    seeded,
    train,
)
from recommender.statistics.sequences import ITEM_VERBS, from_lists
from tests.unit.recommender.rows import clusters, interactions

ITEMS = 7


def networks():
    features = content_features([CatalogueItem(f"item-{n}") for n in range(ITEMS)], 4, 8)
    with seeded(0):
        return {
            "mean": SequenceEncoder(features, np.zeros(ITEMS, np.float32), width=6),
            "attention": SequenceEncoder(features, np.zeros(ITEMS, np.float32), width=6, blocks=2),
            "gru4rec": Gru4Rec(ITEMS, 6),
            "sasrec": SasRec(ITEMS, 30, 6),
        }


NETWORKS = list(networks())


@pytest.mark.parametrize("name", NETWORKS)
def test_the_future_and_the_padding_change_nothing(name):
    network = networks()[name].eval()
    with torch.no_grad():
        short = network(torch.tensor([[2, 5]]))
        longer = network(torch.tensor([[2, 5, 1, ITEMS, ITEMS]]))
        other = network(torch.tensor([[2, 4]]))
    assert short.shape == (1, 2, ITEMS)
    assert torch.allclose(short, longer[:, :2], atol=1e-6)
    assert torch.allclose(short[:, 0], other[:, 0], atol=1e-6)
    assert not torch.allclose(short[:, 1], other[:, 1], atol=1e-3)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_score_of_a_history_is_that_of_its_last_place(name):
    network = networks()[name].eval()
    rows = padded(from_lists([[0, 1, 2], [3], []]), ITEMS)
    assert rows.tolist() == [[0, 1, 2], [3, 7, 7], [7, 7, 7]]
    with torch.no_grad():
        scores, whole = last_logits(network, rows), network(rows)
    assert torch.allclose(scores[0], whole[0, 2], atol=1e-6)
    assert torch.allclose(scores[1], whole[1, 0], atol=1e-6)
    assert torch.isfinite(scores).all()


def test_losses_are_the_cross_entropies_of_next_items():
    network = networks()["attention"].eval()
    rows = padded(from_lists([[0, 1, 2], [3, 4]]), ITEMS)
    with torch.no_grad():
        losses, known = position_losses(network, rows)
        expected = -network(rows[:, :-1]).log_softmax(dim=-1)
    assert known.tolist() == [[True, True], [True, False]]
    for row, place, target in ((0, 0, 1), (0, 1, 2), (1, 0, 4)):
        assert losses[row, place] == pytest.approx(float(expected[row, place, target]), abs=1e-5)
    assert losses[1, 1] == 0


def test_only_the_latest_items_are_kept():
    assert padded(from_lists([[0, 1, 2, 3]]), ITEMS, keep=2).tolist() == [[2, 3]]


def test_features_come_from_texts_and_ids_alone():
    titles = ["Linear algebra one", "Linear algebra two", "Cooking for crowds", "Cooking at home"]
    entries = [CatalogueItem(f"item-{n}", title) for n, title in enumerate(titles)]
    features = content_features(entries, 3, 16)
    assert features.shape[1] <= 3 + 4  # texts, and four codes that are orthogonal
    assert np.array_equal(features, content_features(entries, 3, 16))
    assert (np.linalg.norm(features, axis=1) <= 1 + 1e-6).all()
    text = features[:, :-4] @ features[:, :-4].T
    assert text[0, 1] > text[0, 2] + 0.1
    assert text[2, 3] > text[1, 2] + 0.1
    bare = content_features([CatalogueItem("a"), CatalogueItem("b")], 3, 16)
    assert np.array_equal(bare, np.eye(2, dtype=np.float32) / np.float32(np.sqrt(2)))


def test_many_items_get_features_too():
    entries = [CatalogueItem(f"item-{n}", f"Lesson {n} of part {n % 9}") for n in range(1_100)]
    features = content_features(entries, 4, 4)
    assert np.array_equal(features, content_features(entries, 4, 4))
    assert features[:, :4].any(axis=1).all()


def chain(learners, items=24, length=5, seed=0):
    """Learners who walk from item to item in order: only the last item says what comes next."""
    rng = np.random.default_rng(seed)
    walks = [
        [(int(first) + step) % items for step in range(length)]
        for first in rng.integers(items, size=learners)
    ]
    return interactions(walks, items)


def hits(name, log, epsilon=math.inf, k=1, seed=0):
    split = leave_last_out(log, ITEM_VERBS)
    model = fit_model(name, Training(split.train, ITEM_VERBS, epsilon=epsilon, seed=seed))
    return hit_rate(evaluate(model, split, len(log.item_ids)), k).mean()


@pytest.mark.parametrize("name", ["gru4rec", "sasrec", "network"])
def test_order_is_learned(name):
    assert hits(name, chain(500)) > 0.8


def test_private_training_learns_less_the_less_it_may_spend(monkeypatch):
    monkeypatch.setattr("recommender.network.models.STEPS", 40)
    log = clusters(900, seed=3)
    some, none = (hits("network", log, epsilon, k=5) for epsilon in (8.0, 0.01))
    assert some > hits("popularity", log, k=5) + 0.15
    assert none < some - 0.15


def test_a_private_network_names_its_noise_and_keeps_its_epsilon(monkeypatch):
    monkeypatch.setattr("recommender.network.models.STEPS", 4)
    split = leave_last_out(clusters(60), ITEM_VERBS)
    model = fit_model("network", Training(split.train, ITEM_VERBS, epsilon=2.0))
    assert model.privacy["sampler"] == "statistical"
    assert model.privacy["epsilon_spent"] <= model.privacy["epsilon"] == 2.0
    assert model.privacy["sigma"] > 0.3
    assert model.privacy["rho"] is None
    assert model.parameters > 0
    shared = fit_private_network(Training(split.train, ITEM_VERBS, epsilon=2.0), 50)
    assert shared.privacy["sigma"] > model.privacy["sigma"]


@pytest.mark.parametrize("name", ["gru4rec", "sasrec", "network"])
def test_a_network_repeats_by_seed(name):
    log = clusters(60, seed=5)
    split = leave_last_out(log, ITEM_VERBS)
    training = Training(split.train, ITEM_VERBS, seed=7)
    first, again = (fit_model(name, training) for _ in range(2))
    scores = first.score(split.known, split.learner)
    assert np.array_equal(scores, again.score(split.known, split.learner))


def test_training_keeps_the_best_epoch_and_stops():
    with seeded(0):
        network = Gru4Rec(ITEMS, 4)
    rng = np.random.default_rng(0)
    histories = from_lists([rng.permutation(ITEMS)[:4].tolist() for _ in range(100)])
    reached = train(network, histories, TrainOptions(epochs=50, patience=2), seed=0)
    assert len(reached) <= 50
    assert len(reached) - 1 - int(np.argmax(reached)) <= 2


@pytest.mark.parametrize("name", ["gru4rec", "sasrec"])
def test_nothing_to_learn_from_is_said(name):
    log = interactions([[0], [1]], 3)
    with pytest.raises(EvaluationError, match="nothing to learn"):
        fit_model(name, Training(log, ITEM_VERBS))


@pytest.mark.parametrize("missing", ["torch", "opacus"])
def test_a_missing_package_is_said(monkeypatch, missing):
    real = builtins.__import__

    def without(name, globals_=None, locals_=None, fromlist=(), level=0):
        names = {name, *(f"{name}.{part}" for part in fromlist or ())}
        doors = {"torch": "recommender.network.models", "opacus": "recommender.network.private"}
        if doors[missing] in names:
            raise ImportError(f"No module named {missing!r}")
        return real(name, globals_, locals_, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EvaluationError, match="install the extra 'train'"):
        fit_model("network", Training(clusters(20), ITEM_VERBS, epsilon=4.0))
