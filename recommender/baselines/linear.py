"""Baselines that score by an item-to-item matrix: item-knn, markov, ease."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.baselines.histories import item_counts, weighted_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.statistics.sequences import Sequences

DECAY = 0.8
SHRINKAGE = 10.0
EASE_REGULARISATION = 200.0
_TIE_BREAK = 1e-6


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Scores = decayed history times a matrix; popularity breaks ties.

    Attributes:
        weights: `weights[i, j]`, how strongly item i speaks for j; float32, `(items, items)`.
        popularity: In [0, 1]; float32, `(items,)`.
        decay: Weight of a history item a step older.
    """

    weights: NDArray[np.float32]
    popularity: NDArray[np.float32]
    decay: float = DECAY

    @property
    def parameters(self) -> int:
        """Weights that are not zero."""
        return int(np.count_nonzero(self.weights))

    def score(self, histories: Sequences, learner: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score all items; see `recommender.evaluation.Scorer`."""
        del learner
        rows = weighted_rows(histories, self.popularity.size, self.decay)
        scores: NDArray[np.float32] = rows @ self.weights + _TIE_BREAK * self.popularity
        return scores


def fit_item_knn(histories: Sequences, items: int, shrinkage: float = SHRINKAGE) -> LinearModel:
    """Cosine between items over learners, shrunk (Sarwar et al. 2001).

    n_ij / (sqrt(n_i n_j) + shrinkage), n_ij learners of both items.
    """
    rows = weighted_rows(histories, items)
    both = (rows.T @ rows).toarray().astype(np.float64)
    counts = item_counts(histories, items)
    cosine = both / (np.sqrt(counts[:, None] * counts[None, :]) + shrinkage)
    np.fill_diagonal(cosine, 0.0)
    return LinearModel(cosine.astype(np.float32), _popularity(counts))


def fit_markov(
    histories: Sequences, items: int, reach: int = 10, lag_decay: float = DECAY
) -> LinearModel:
    """Decayed transition counts, per earlier item (a mixed-order Markov chain).

    sum over lags l of lag_decay^(l-1) [j follows i after l], over (popularity of i + 10).
    """
    learner = np.repeat(np.arange(len(histories)), histories.lengths())
    counts = np.zeros(items * items)
    for lag in range(1, reach + 1):
        same = learner[:-lag] == learner[lag:]
        cell = histories.items[:-lag][same].astype(np.int64) * items + histories.items[lag:][same]
        counts += lag_decay ** (lag - 1) * np.bincount(cell, minlength=items * items)
    popularity = item_counts(histories, items)
    chain = counts.reshape(items, items) / (popularity[:, None] + SHRINKAGE)
    np.fill_diagonal(chain, 0.0)
    return LinearModel(chain.astype(np.float32), _popularity(popularity))


def fit_ease(
    histories: Sequences, items: int, regularisation: float = EASE_REGULARISATION
) -> LinearModel:
    """EASE: the closed-form item-item regression of Steck (2019).

    P = (X'X + lambda I)^-1, B = -P / diag(P), zero diagonal.
    """
    rows = weighted_rows(histories, items)
    gram = (rows.T @ rows).toarray().astype(np.float64)
    inverse = np.linalg.inv(gram + regularisation * np.eye(items))
    weights = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(weights, 0.0)
    return LinearModel(weights.astype(np.float32), _popularity(item_counts(histories, items)))


def _popularity(counts: NDArray[np.float64]) -> NDArray[np.float32]:
    share: NDArray[np.float32] = (counts / max(float(counts.max(initial=0.0)), 1.0)).astype(
        np.float32
    )
    return share
