"""The local re-ranker: numpy equals torch, R17's floor holds, it stays off unless it pays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from recommender.catalogue import CatalogueItem
from recommender.errors import ModelError
from recommender.network import reranker as reranking
from recommender.network.reranker import (
    decide_reranker,
    fit_reranker,
    rerank_if_it_pays,
    to_arrays,
    with_reranker,
)
from recommender.network.sequential import Gru4Rec
from recommender.network.train import padded, seeded, train
from recommender.statistics.blend import DEFAULT_BLEND, blend_weights
from recommender.statistics.fit import fit_serving
from recommender.statistics.reranking import cut_histories, stretches
from recommender.statistics.sequences import ITEM_VERBS, build_sequences, from_lists
from recommender.statistics.serving_model import ServingModel, model_from_bytes
from tests.unit.recommender.rows import interactions, noise

ITEMS = 23
ENTRIES = [CatalogueItem(f"item-{number}") for number in range(ITEMS)]


def walks(learners, seed=0, rare=0):
    """Learners who go on from their last item: a GRU learns it, popularity cannot."""
    rng = np.random.default_rng(seed)
    histories = [
        [(int(at) + n) % (ITEMS - 1) for n in range(4)] for at in rng.integers(22, size=learners)
    ]
    for history in histories[:rare]:
        history.append(ITEMS - 1)  # an item of few learners
    return interactions(histories, ITEMS)


def popular(rows):
    """What would be served, popularity alone weighing anything."""
    model = fit_serving(
        catalogue=[CatalogueItem(item) for item in rows.item_ids], interactions=rows
    )
    return replace(model, blend=blend_weights({"own_popularity": 1.0}))


def test_numpy_equals_torch_within_a_hundred_thousandth():
    with seeded(1):
        network = Gru4Rec(ITEMS, 16)
    rng = np.random.default_rng(0)
    histories = from_lists([rng.integers(ITEMS, size=n).tolist() for n in (1, 2, 5, 29, 10, 0)])
    train(network, histories, reranking.OPTIONS, seed=0)
    from_numpy = to_arrays(network).logits(histories)
    rows = padded(histories, ITEMS)
    lengths = (rows < ITEMS).sum(dim=1)
    with torch.no_grad():
        whole = network.logits(network.encode(rows))
    for row, length in enumerate(lengths[:-1].tolist()):
        assert np.abs(from_numpy[row] - whole[row, length - 1].numpy()).max() < 1e-5
    assert np.isfinite(from_numpy).all()


def walked(*pairs):
    table = np.zeros((6, 6), dtype=bool)
    for one, other in pairs:
        table[one, other] = table[other, one] = True
    return table


def test_a_history_is_cut_where_a_pair_has_too_few_learners():
    table = walked((0, 1), (1, 2), (2, 3))
    cut, movable = cut_histories(from_lists([[0, 1, 2, 3], [0, -1, 1], [2, -1], []]), table)
    # 2 follows 1 often enough, but not 0
    assert cut.tolist() == [True, False, True, False, True, True, True, True, True]
    assert np.flatnonzero(movable[0]).size == 0  # nothing is paired with 2 and with 3
    assert np.flatnonzero(movable[1]).tolist() == [0, 2]
    assert not movable[2:].any()
    parts = stretches(from_lists([[0, 1, 2, 3], [0, -1, 1]]), table)
    assert [parts.history(n).tolist() for n in range(len(parts))] == [[0, 1], [2, 3], [0], [1]]


def test_what_it_reads_and_moves_are_pairs_of_ten_learners_only(monkeypatch):
    log = walks(300, rare=9)
    model = popular(log)
    seen = []
    monkeypatch.setattr(reranking, "train", lambda _, histories, *__: seen.append(histories))
    reranker = fit_reranker(build_sequences(log, ITEM_VERBS), model.local, seed=0)
    pairs = model.local.factual.view(bool)
    (trained,) = seen
    for number in range(len(trained)):
        items = trained.history(number).tolist()
        assert all(pairs[one, other] for one in items for other in items if one != other)
    last = from_lists([[3, 4], [22], [5, 22]])
    _, movable = reranker.shares(last, pairs)
    assert np.array_equal(movable[0], pairs[3] & pairs[4])
    assert not movable[1:].any()
    assert not movable[:, 22].any()


@pytest.fixture(scope="module")
def reranked() -> ServingModel:
    log = walks(400, rare=9)
    model = popular(log)
    reranker = fit_reranker(build_sequences(log, ITEM_VERBS), model.local, seed=0)
    return with_reranker(model, reranker, 0.8)


def test_it_moves_items_towards_what_follows(reranked):
    scored = reranked.score([3, 4, 5])
    moved = scored.parts["reranker"]
    assert int(moved.argmax()) == 6
    assert moved[2] < 0 < moved[6]  # 2 came before 3 and after no other
    assert scored.total[6] > scored.total[2]
    assert np.allclose(sum(scored.parts.values()), scored.total, atol=1e-6)
    assert scored.parts["reranker"][22] == 0.0


@pytest.mark.parametrize("history", [[], [22], [3, 22]])
def test_where_it_may_read_nothing_it_moves_nothing(reranked, history):
    assert not reranked.score(history).parts["reranker"].any()


def test_one_learner_scores_as_in_a_batch(reranked):
    histories = from_lists([[3, 4], [], [22], [9, 10, 11]])
    batch = reranked.score_many(histories.start, histories.items.astype(np.int64)).sum(axis=0)
    for row in range(len(histories)):
        alone = reranked.score(histories.history(row).astype(np.int64)).total
        assert np.allclose(batch[row], alone, atol=1e-6)


def test_the_file_keeps_it_and_what_is_shared_does_not(reranked):
    again = model_from_bytes(reranked.to_bytes())
    assert again.digest() == reranked.digest()
    assert np.array_equal(again.score([3, 4]).total, reranked.score([3, 4]).total)
    shared = reranked.shared_only()
    assert shared.reranker is None
    assert not shared.score([3, 4]).parts["reranker"].any()


def test_a_damaged_one_is_refused(reranked):
    reranked.reranker.leave[0, 0] = np.nan
    with pytest.raises(ModelError, match=r"reranker\.leave"):
        model_from_bytes(reranked.to_bytes())
    reranked.reranker.leave[0, 0] = 0.0


def test_it_is_not_tried_on_a_small_platform():
    decision = decide_reranker(walks(50), ITEM_VERBS, popular)
    assert decision.weight == 0
    assert decision.reason.startswith("off: fewer than 20,000 learners")


def test_it_comes_on_where_it_earns_its_place_and_is_told():
    log = walks(400)
    model, decision = rerank_if_it_pays(popular(log), log, ITEM_VERBS, popular, fewest_learners=100)
    assert decision.reason.startswith("on: +")
    assert decision.gain > 0.02
    assert int(model.score([3, 4, 5]).parts["reranker"].argmax()) == 6
    assert model.blend[-1] == np.float32(decision.weight) > 0


def test_it_stays_off_where_there_is_nothing_to_learn(monkeypatch):
    monkeypatch.setattr(reranking, "FEWEST_GAIN", 0.5)  # chance hits move few targets by a lot
    log = noise(400)
    base = popular(log)
    model, decision = rerank_if_it_pays(base, log, ITEM_VERBS, popular, fewest_learners=100)
    assert model is base
    assert decision.reason.startswith("off: ")


def test_it_stays_off_where_no_pair_has_ten_learners():
    log = noise(100)
    decision = decide_reranker(log, ITEM_VERBS, popular, fewest_learners=10)
    assert decision.reason == "off: no pair of items with ten learners (R17)"


@pytest.mark.parametrize("seed", [0, 1])
def test_the_hold_out_is_kept_from_training_and_the_rest_is_not(seed):
    log = walks(200)
    split = reranking._hold_out(log, ITEM_VERBS, "one", seed)
    assert len(split.train) == len(log) - len(split.known)
    pairs = set(zip(split.train.learner.tolist(), split.train.item.tolist(), strict=True))
    for place, learner in enumerate(split.learner.tolist()):
        assert (learner, int(split.held_out.history(place)[0])) not in pairs


def test_a_model_of_no_re_ranker_weighs_none():
    assert blend_weights(DEFAULT_BLEND)[-1] == 0.0
