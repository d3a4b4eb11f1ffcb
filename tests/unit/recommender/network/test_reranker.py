"""The local re-ranker: numpy equals torch, and it stays off unless it earns its place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recommender.baselines.simple import fit_popularity
from recommender.network import reranker as reranking
from recommender.network.reranker import Reranked, decide_reranker, fit_gru, to_arrays
from recommender.network.sequential import Gru4Rec
from recommender.network.train import padded, seeded, train
from recommender.statistics.sequences import ITEM_VERBS, build_sequences, from_lists
from tests.unit.recommender.rows import interactions, noise

ITEMS = 23


def walks(learners, seed=0):
    """Learners who go on from their last item: a GRU learns it, popularity cannot."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(ITEMS, size=learners)
    return interactions([[(int(at) + n) % ITEMS for n in range(4)] for at in starts], ITEMS)


def popularity(rows):
    return fit_popularity(build_sequences(rows, ITEM_VERBS), ITEMS)


def test_numpy_equals_torch_within_a_hundred_thousandth():
    with seeded(1):
        network = Gru4Rec(ITEMS, 16)
    rng = np.random.default_rng(0)
    histories = from_lists([rng.integers(ITEMS, size=n).tolist() for n in (1, 2, 5, 29, 40, 0)])
    train(network, histories, reranking.OPTIONS, seed=0)
    from_numpy = to_arrays(network).log_chances(histories)
    rows = padded(histories, ITEMS)
    lengths = (rows < ITEMS).sum(dim=1)
    with torch.no_grad():
        whole = network(rows).log_softmax(dim=-1)
    for row, length in enumerate(lengths[:-1].tolist()):
        assert np.abs(from_numpy[row] - whole[row, length - 1].numpy()).max() < 1e-5
    assert np.isfinite(from_numpy).all()


def test_a_learner_without_history_keeps_the_order_and_no_learner_is_no_error():
    with seeded(1):
        arrays = to_arrays(Gru4Rec(ITEMS, 4), weight=0.5)
    totals = np.random.default_rng(0).random((2, ITEMS)).astype(np.float32)
    again = arrays.rerank(totals, from_lists([[], [3]]))
    assert np.array_equal(np.argsort(again[0]), np.argsort(totals[0]))
    assert not np.array_equal(np.argsort(again[1]), np.argsort(totals[1]))
    assert arrays.rerank(totals[:0], from_lists([])).shape == (0, ITEMS)


def test_it_is_not_tried_on_a_small_platform():
    decision = decide_reranker(walks(50), ITEM_VERBS, popularity)
    assert decision.reranker is None
    assert "at least 20,000 needed" in decision.reason


def test_it_comes_on_where_it_earns_its_place():
    log = walks(400)
    decision = decide_reranker(log, ITEM_VERBS, popularity, fewest_learners=100)
    assert decision.reason.startswith("on: +")
    assert decision.gain > 0.02
    histories = from_lists([[3, 4, 5]])
    scores = Reranked(popularity(log), decision.reranker).score(histories, np.zeros(1, np.int64))
    assert int(np.argmax(scores)) == 6


def test_it_stays_off_where_there_is_nothing_to_learn(monkeypatch):
    monkeypatch.setattr(reranking, "FEWEST_GAIN", 0.5)  # chance hits move few targets by a lot
    decision = decide_reranker(noise(400), ITEM_VERBS, popularity40, fewest_learners=100)
    assert decision.reranker is None
    assert decision.reason.startswith("off: ")


def popularity40(rows):
    return fit_popularity(build_sequences(rows, ITEM_VERBS), 40)


def test_an_item_of_few_learners_is_not_trained_on():
    rare = ITEMS  # nine learners end there
    histories = [[n % ITEMS, (n + 1) % ITEMS, (n + 2) % ITEMS] for n in range(300)]
    for learner in range(9):
        histories[learner].append(rare)
    with_rare = fit_gru(interactions(histories, ITEMS + 1), ITEM_VERBS, seed=0)
    without = fit_gru(
        interactions([history[:3] for history in histories], ITEMS + 1), ITEM_VERBS, seed=0
    )
    assert np.array_equal(with_rare.leave, without.leave)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_hold_out_is_kept_from_training_and_the_rest_is_not(seed):
    log = walks(200)
    split = reranking._hold_out(log, ITEM_VERBS, seed)
    assert len(split.train) == len(log) - len(split.known)
    pairs = set(zip(split.train.learner.tolist(), split.train.item.tolist(), strict=True))
    for place, learner in enumerate(split.learner.tolist()):
        assert (learner, int(split.held_out.history(place)[0])) not in pairs
