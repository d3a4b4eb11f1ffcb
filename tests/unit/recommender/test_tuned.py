"""Baselines are measured at their best, chosen without a look at what is tested."""

from __future__ import annotations

import numpy as np

from recommender.baselines.linear import fit_markov
from recommender.baselines.tuned import FAMILIES, FEWEST, fit_tuned
from recommender.evaluation import evaluate, leave_last_out
from recommender.metrics import ndcg
from recommender.models import Training, fit_model
from recommender.statistics.sequences import ITEM_VERBS, build_sequences
from tests.unit.recommender.rows import clusters, interactions

USUAL = {name: {key: grid[0] for key, grid in each.grid.items()} for name, each in FAMILIES.items()}


def chain(learners, items, seed):
    """Only the last item counts: the next one is one step on, or a stranger one time in five."""
    rng = np.random.default_rng(seed)
    successor = rng.permutation(items)
    histories = []
    for _ in range(learners):
        history = [int(rng.integers(items))]
        for _ in range(9):
            fresh = np.setdiff1d(np.arange(items), history)
            step = int(successor[history[-1]])
            stray = rng.random() < 0.2 or step in history
            history.append(int(rng.choice(fresh)) if stray else step)
        histories.append(history)
    return interactions(histories, items)


def test_what_is_chosen_fits_the_log_and_beats_the_usual_values():
    log = chain(400, 60, seed=1)
    split = leave_last_out(log, ITEM_VERBS)
    tuned = fit_model("markov", Training(split.train, ITEM_VERBS))
    assert tuned.constants["decay"] < USUAL["markov"]["decay"]
    usual = fit_markov(build_sequences(split.train, ITEM_VERBS), 60)
    at_best, as_usual = (ndcg(evaluate(model, split, 60), 10).mean() for model in (tuned, usual))
    assert at_best > as_usual


def test_a_log_of_few_learners_keeps_the_usual_values():
    few, enough = clusters(FEWEST - 1), clusters(FEWEST * 4)
    for name in ("item-knn", "markov", "ease"):
        assert fit_model(name, Training(few, ITEM_VERBS)).constants == USUAL[name]
    chosen = [fit_model(name, Training(enough, ITEM_VERBS)).constants for name in USUAL]
    assert chosen != list(USUAL.values())


def test_every_chosen_value_is_one_that_was_to_be_tried():
    log = clusters(60, seed=2)
    for name, family in FAMILIES.items():
        histories = build_sequences(log, ITEM_VERBS)
        found = fit_tuned(family, log, histories, ITEM_VERBS, "set", 0).constants
        assert found.keys() == family.grid.keys(), name
        assert all(value in family.grid[key] for key, value in found.items()), name
