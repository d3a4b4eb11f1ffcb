"""Ranking figures: each a mean over learners, with how many they were and a standard error.

A learner's figure comes from the ranks of the held-out items among the items that were candidates.
Equal scores are ranked by item index, which knows nothing of the held-out item. Definitions as in
Shani and Gunawardana (2011); with several held-out items recall is found / |test| and the ideal of
ndcg is min(k, |test|) hits at the top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MISSED = np.iinfo(np.int64).max
"""Rank of a held-out item that was no candidate."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """Ranks of held-out items, and the items that came first.

    Attributes:
        learner: Which target each rank belongs to, ascending from 0; int64, `(held out,)`.
        rank: From 1; `MISSED` where the item was no candidate; int64, `(held out,)`.
        targets: Number of targets (learners with a held-out item).
        top: The first items of each target's ranking, -1 where fewer; int32, `(targets, depth)`.
        items: Number of items in the catalogue.
    """

    learner: NDArray[np.int64]
    rank: NDArray[np.int64]
    targets: int
    top: NDArray[np.int32]
    items: int


def rank_targets(
    scores: NDArray[np.float32],
    candidate: NDArray[np.bool_],
    row: NDArray[np.int64],
    item: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Rank of each held-out item among its row's candidates, from 1.

    Args:
        scores: float32, `(rows, items)`.
        candidate: What may be ranked; bool, `(rows, items)`.
        row: Row of each held-out item; int64, `(held out,)`.
        item: The held-out items; int32, `(held out,)`.

    Raises:
        EvaluationError: A candidate's score is not a number.
    """
    if np.isnan(scores[candidate]).any():
        raise EvaluationError("the model gave a score that is not a number; it cannot be ranked")
    masked = np.where(candidate, scores, -np.inf)
    own = masked[row, item][:, None]  # (held out, 1)
    ahead = masked[row] > own
    earlier = np.arange(scores.shape[1])[None, :] < item[:, None]
    ahead |= (masked[row] == own) & earlier & candidate[row]
    rank = 1 + ahead.sum(axis=1)
    ranks: NDArray[np.int64] = np.where(candidate[row, item], rank, MISSED)
    return ranks


def top_items(
    scores: NDArray[np.float32], candidate: NDArray[np.bool_], depth: int
) -> NDArray[np.int32]:
    """First `depth` candidates of each row, best first, -1 where fewer; int32, `(rows, depth)`."""
    masked = np.where(candidate, scores, -np.inf)
    order = np.argsort(-masked, axis=1, kind="stable")[:, :depth]
    top = np.full((scores.shape[0], depth), -1, dtype=np.int32)
    is_candidate = np.take_along_axis(candidate, order, axis=1)
    top[:, : order.shape[1]] = np.where(is_candidate, order, -1)
    return top


def hit_rate(outcome: Outcome, k: int) -> NDArray[np.float64]:
    """1 for each target with a held-out item among the first k; float64, `(targets,)`."""
    return np.minimum(_found(outcome, k), 1.0)


def recall(outcome: Outcome, k: int) -> NDArray[np.float64]:
    """Found / |test| for each target; float64, `(targets,)`."""
    size = np.bincount(outcome.learner, minlength=outcome.targets)
    share: NDArray[np.float64] = _found(outcome, k) / size
    return share


def precision(outcome: Outcome, k: int) -> NDArray[np.float64]:
    """Found / k for each target; float64, `(targets,)`."""
    return _found(outcome, k) / k


def ndcg(outcome: Outcome, k: int) -> NDArray[np.float64]:
    """Sum of 1/log2(1 + rank) over hits, over that of an ideal ranking; float64, `(targets,)`.

    Järvelin and Kekäläinen (2002), binary gains, ideal of min(k, |test|) hits.
    """
    hit = outcome.rank <= k
    gain = np.where(hit, 1.0 / np.log2(1.0 + np.where(hit, outcome.rank, 1)), 0.0)
    gained = np.bincount(outcome.learner, gain, minlength=outcome.targets)
    ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))])
    size = np.bincount(outcome.learner, minlength=outcome.targets)
    normalised: NDArray[np.float64] = gained / ideal[np.minimum(size, k)]
    return normalised


def reciprocal_rank(outcome: Outcome) -> NDArray[np.float64]:
    """1 / rank of the first held-out item, 0 if none was ranked; float64, `(targets,)`."""
    best = np.full(outcome.targets, MISSED, dtype=np.int64)
    np.minimum.at(best, outcome.learner, outcome.rank)
    return np.where(best == MISSED, 0.0, 1.0 / best)


def coverage(outcome: Outcome, k: int) -> float:
    """Share of the catalogue that is among the first k of some target, in [0, 1]."""
    if outcome.items == 0:
        return 0.0
    shown = outcome.top[:, :k]
    return float(np.unique(shown[shown >= 0]).size / outcome.items)


def summarise(outcome: Outcome, at: Sequence[int]) -> dict[str, float | int]:
    """All figures under the names of the records, with `hit_rate@k_se` beside each hit rate.

    Args:
        outcome: The ranks of one model on one split.
        at: Cut-offs k, each at least 1.

    Raises:
        EvaluationError: There is no target, or a cut-off is below 1.
    """
    if outcome.targets == 0:
        raise EvaluationError(
            "no learner has an item to hold out: every learner has fewer than two distinct items"
        )
    if not at or min(at) < 1:
        raise EvaluationError(f"cut-offs must be whole numbers from 1, not {list(at)}")
    figures: dict[str, float | int] = {"n": outcome.targets}
    for k in at:
        for name, values in (
            ("hit_rate", hit_rate(outcome, k)),
            ("recall", recall(outcome, k)),
            ("precision", precision(outcome, k)),
            ("ndcg", ndcg(outcome, k)),
        ):
            figures[f"{name}@{k}"] = float(values.mean())
            figures[f"{name}@{k}_se"] = standard_error(values)
    values = reciprocal_rank(outcome)
    figures["mrr"] = float(values.mean())
    figures["mrr_se"] = standard_error(values)
    figures["coverage"] = coverage(outcome, max(at))
    return figures


def standard_error(values: NDArray[np.float64]) -> float:
    """Standard error of the mean; NaN for a single value."""
    if values.size < 2:
        return float("nan")
    return float(values.std(ddof=1) / np.sqrt(values.size))


def _found(outcome: Outcome, k: int) -> NDArray[np.float64]:
    hits = (outcome.rank <= k).astype(np.float64)
    found: NDArray[np.float64] = np.bincount(
        outcome.learner, hits, minlength=outcome.targets
    ).astype(np.float64)
    return found
