"""Matrix factorisation by the `implicit` package: als and bpr. This file alone imports it, late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from recommender.baselines.histories import weighted_rows
from recommender.errors import EvaluationError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from recommender.statistics.sequences import Sequences

FACTORS = 64
ITERATIONS = 15
BPR_ITERATIONS = 100
REGULARISATION = 0.01
LEARNING_RATE = 0.01


@dataclass(frozen=True, eq=False)
class Factorised:
    """Scores = learner factors times item factors.

    Attributes:
        model: The fitted model of `implicit`.
        folds_in: Whether learner factors are computed from the history given (als); otherwise
            those of training are used, and learners unknown to it get none (bpr).
    """

    model: Any
    folds_in: bool

    @property
    def parameters(self) -> int:
        """Entries of both factor matrices."""
        return int(self.model.item_factors.size + self.model.user_factors.size)

    def score(self, histories: Sequences, learner: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score all items; see `recommender.evaluation.Scorer`."""
        items = np.asarray(self.model.item_factors)
        if not self.folds_in:
            factors = np.asarray(self.model.user_factors)[learner]
        else:
            rows = weighted_rows(histories, items.shape[0])
            factors = np.asarray(self.model.recalculate_user(np.arange(len(histories)), rows))
        scores: NDArray[np.float32] = (factors @ items.T).astype(np.float32)
        return scores


def fit_als(
    histories: Sequences,
    items: int,
    seed: int,
    factors: int = FACTORS,
    regularisation: float = REGULARISATION,
    confidence: float = 1.0,
) -> Factorised:
    """Weighted alternating least squares (Hu, Koren, Volinsky 2008).

    Args:
        histories: Of all learners.
        items: Number of items.
        seed: Of the initial factors.
        factors: Dimensions.
        regularisation: On both factor matrices.
        confidence: Weight of an item that was taken, over that of one that was not.

    Raises:
        EvaluationError: `implicit` is not installed.
    """
    library = _implicit("als")  # first: it loads the BLAS to be limited
    with threadpool_limits(1, "blas"):  # implicit refuses to share the cores with BLAS
        model = library.AlternatingLeastSquares(
            factors=factors,
            regularization=regularisation,
            alpha=confidence,
            iterations=ITERATIONS,
            num_threads=1,
            random_state=seed,
        )
        return Factorised(_fitted(model, weighted_rows(histories, items)), folds_in=True)


def fit_bpr(
    histories: Sequences,
    items: int,
    seed: int,
    factors: int = FACTORS,
    regularisation: float = REGULARISATION,
    learning_rate: float = LEARNING_RATE,
) -> Factorised:
    """Bayesian personalised ranking (Rendle et al. 2009).

    Args:
        histories: Of all learners.
        items: Number of items.
        seed: Of the initial factors and the drawn pairs.
        factors: Dimensions.
        regularisation: On both factor matrices.
        learning_rate: Of a step.

    Raises:
        EvaluationError: `implicit` is not installed.
    """
    library = _implicit("bpr")
    with threadpool_limits(1, "blas"):
        model = library.BayesianPersonalizedRanking(
            factors=factors,
            regularization=regularisation,
            learning_rate=learning_rate,
            iterations=BPR_ITERATIONS,
            num_threads=1,
            random_state=seed,
        )
        return Factorised(_fitted(model, weighted_rows(histories, items)), folds_in=False)


def _fitted(model: Any, rows: csr_matrix) -> Any:  # noqa: ANN401 - implicit has no types
    model.fit(rows, show_progress=False)
    return model


def _implicit(module: str) -> Any:  # noqa: ANN401 - implicit has no types
    try:
        if module == "als":
            from implicit.cpu import als as library  # noqa: PLC0415 - optional, and slow to import
        else:
            from implicit.cpu import bpr as library  # noqa: PLC0415
    except ImportError as error:
        raise EvaluationError(
            f"the package 'implicit' is not installed ({error}); install the extra 'train'"
        ) from error
    return library
