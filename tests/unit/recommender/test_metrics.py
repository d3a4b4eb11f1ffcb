from __future__ import annotations

import math

import numpy as np
import pytest

from recommender import metrics
from recommender.errors import EvaluationError


def outcome(ranks, items=20, top=None) -> metrics.Outcome:
    """Ranks by target."""
    learner = [who for who, each in enumerate(ranks) for _ in each]
    flat = [metrics.MISSED if rank is None else rank for each in ranks for rank in each]
    return metrics.Outcome(
        np.array(learner, dtype=np.int64),
        np.array(flat, dtype=np.int64),
        len(ranks),
        np.array(top if top is not None else [[-1]] * len(ranks), dtype=np.int32),
        items,
    )


def plain_figures(ranks, k) -> dict[str, float]:
    """The definitions in plain lines, one learner at a time."""
    hits, recalls, precisions, ndcgs, firsts = [], [], [], [], []
    for each in ranks:
        found = [rank for rank in each if rank is not None and rank <= k]
        hits.append(1.0 if found else 0.0)
        recalls.append(len(found) / len(each))
        precisions.append(len(found) / k)
        ideal = sum(1 / math.log2(1 + place) for place in range(1, min(k, len(each)) + 1))
        ndcgs.append(sum(1 / math.log2(1 + rank) for rank in found) / ideal)
        ranked = [rank for rank in each if rank is not None]
        firsts.append(1 / min(ranked) if ranked else 0.0)

    def mean(values):
        return sum(values) / len(values)

    return {
        f"hit_rate@{k}": mean(hits),
        f"recall@{k}": mean(recalls),
        f"precision@{k}": mean(precisions),
        f"ndcg@{k}": mean(ndcgs),
        "mrr": mean(firsts),
    }


@pytest.mark.parametrize("k", [1, 3, 10])
def test_figures_equal_their_definitions_written_plainly(k):
    rng = np.random.default_rng(1)
    ranks = []
    for _ in range(200):
        places = rng.permutation(19)[: rng.integers(1, 6)] + 1
        ranks.append([None if rng.random() < 0.1 else int(place) for place in places])
    figures = metrics.summarise(outcome(ranks), [k])
    for name, value in plain_figures(ranks, k).items():
        assert figures[name] == pytest.approx(value, abs=1e-12)
    assert figures["n"] == 200


def test_the_standard_error_is_that_of_the_mean_over_targets():
    figures = metrics.summarise(outcome([[1], [1], [9], [9]]), [5])
    assert figures["hit_rate@5_se"] == pytest.approx(np.std([1, 1, 0, 0], ddof=1) / 2)
    assert math.isnan(metrics.summarise(outcome([[1]]), [5])["hit_rate@5_se"])


def test_coverage_is_the_share_of_items_shown_to_anybody():
    figures = metrics.summarise(outcome([[1], [1]], items=8, top=[[0, 1], [1, -1]]), [2])
    assert figures["coverage"] == pytest.approx(2 / 8)


def test_a_rank_counts_candidates_with_higher_scores_and_earlier_equals():
    scores = np.array([[0.5, 0.9, 0.5, 0.5, 0.7]], dtype=np.float32)
    candidate = np.array([[True, False, True, True, True]])
    row = np.zeros(4, dtype=np.int64)
    item = np.array([0, 2, 3, 1], dtype=np.int32)
    # Candidates: 4 first, then 0, 2, 3 by index; item 1 is no candidate.
    ranks = metrics.rank_targets(scores, candidate, row, item)
    assert ranks.tolist() == [2, 3, 4, metrics.MISSED]
    assert metrics.top_items(scores, candidate, 3).tolist() == [[4, 0, 2]]


def test_rankings_shorter_than_asked_are_filled_with_minus_one():
    scores = np.array([[0.1, 0.2]], dtype=np.float32)
    candidate = np.array([[True, False]])
    assert metrics.top_items(scores, candidate, 3).tolist() == [[0, -1, -1]]


def test_a_score_that_is_not_a_number_is_refused():
    scores = np.array([[np.nan, 0.1]], dtype=np.float32)
    with pytest.raises(EvaluationError, match="not a number"):
        metrics.rank_targets(
            scores, np.ones((1, 2), bool), np.zeros(1, np.int64), np.zeros(1, np.int32)
        )


def test_no_targets_and_impossible_cut_offs_are_refused():
    with pytest.raises(EvaluationError, match="no learner"):
        metrics.summarise(outcome([]), [5])
    with pytest.raises(EvaluationError, match="cut-offs"):
        metrics.summarise(outcome([[1]]), [0])
