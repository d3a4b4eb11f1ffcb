"""Baselines at their best: constants chosen on a hold-out of the training rows, as ours are.

One constant after the other, from the usual values (coordinate search), by NDCG@10 on the last
items of up to 2,000 training learners; then fitted again on everything. The test items are never
looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from recommender.baselines.factorisation import Factorised, fit_als, fit_bpr
from recommender.baselines.linear import LinearModel, fit_ease, fit_item_knn, fit_markov
from recommender.evaluation import Split, evaluate
from recommender.metrics import ndcg
from recommender.statistics.holdout import hold_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from recommender.interactions import Interactions
    from recommender.statistics.sequences import Sequences

FEWEST = 30
"""Hold-outs below which the usual values stay: too few to choose by."""

Constants = dict[str, float]


@dataclass(frozen=True)
class Family:
    """A baseline with constants to choose.

    Attributes:
        fit: Histories, number of items, seed and constants to a model.
        grid: Values to try, by constant; the first is the usual one.
    """

    fit: Callable[[Sequences, int, int, Constants], LinearModel | Factorised]
    grid: Mapping[str, tuple[float, ...]]


_DECAYS = (0.8, 0.3, 0.5, 0.65, 1.0)

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "item-knn": Family(
            lambda h, n, _, c: replace(fit_item_knn(h, n, c["shrinkage"]), decay=c["decay"]),
            {"decay": _DECAYS, "shrinkage": (10.0, 1.0, 100.0)},
        ),
        "markov": Family(
            lambda h, n, _, c: replace(
                fit_markov(h, n, int(c["reach"]), c["lag_decay"]), decay=c["decay"]
            ),
            {"decay": _DECAYS, "lag_decay": (0.8, 0.5, 1.0), "reach": (10, 1, 3, 30)},
        ),
        "ease": Family(
            lambda h, n, _, c: replace(fit_ease(h, n, c["regularisation"]), decay=c["decay"]),
            {"decay": _DECAYS, "regularisation": (200.0, 20.0, 1000.0)},
        ),
        "als": Family(
            lambda h, n, s, c: fit_als(
                h, n, s, int(c["factors"]), c["regularisation"], c["confidence"]
            ),
            {
                "factors": (64, 16, 32, 128),
                "regularisation": (0.01, 1.0, 10.0),
                "confidence": (1.0, 5.0, 20.0),
            },
        ),
        "bpr": Family(
            lambda h, n, s, c: fit_bpr(
                h, n, s, int(c["factors"]), c["regularisation"], c["learning_rate"]
            ),
            {
                "factors": (64, 16, 128),
                "learning_rate": (0.01, 0.05),
                "regularisation": (0.01, 0.001, 0.1),
            },
        ),
    }
)
"""Baselines with constants, by name."""


@dataclass(frozen=True, eq=False)
class TunedModel:
    """A baseline with its chosen constants.

    Attributes:
        model: Fitted on all training rows.
        constants: What was chosen, by name.
    """

    model: LinearModel | Factorised
    constants: Constants

    @property
    def parameters(self) -> int:
        """Numbers that were learned."""
        return self.model.parameters

    def score(self, histories: Sequences, learner: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score all items; see `recommender.evaluation.Scorer`."""
        return self.model.score(histories, learner)


def fit_tuned(
    family: Family,
    rows: Interactions,
    histories: Sequences,
    verbs: Sequence[str],
    ties: str,
    seed: int,
) -> TunedModel:
    """Choose a baseline's constants on a hold-out of the training rows, then fit it on all.

    Args:
        family: The baseline.
        rows: Training rows.
        histories: The same rows as histories.
        verbs: Verbs that count.
        ties: How the test items were held out, so that the hold-out is alike.
        seed: For initial values.

    Raises:
        EvaluationError: The baseline's package is not installed.
    """
    items = len(rows.item_ids)
    held = hold_out(rows, verbs, ties=ties)
    chosen = {name: values[0] for name, values in family.grid.items()}
    if len(held.known) >= FEWEST:
        split = Split(rows, held.learner, held.known, held.targets, 0, "hold-out", "set")

        def quality(constants: Constants) -> float:
            model = family.fit(held.remaining, items, seed, constants)
            return float(ndcg(evaluate(model, split, items), 10).mean())

        chosen = _coordinate_search(family.grid, chosen, quality)
    return TunedModel(family.fit(histories, items, seed, chosen), chosen)


def _coordinate_search(
    grid: Mapping[str, tuple[float, ...]],
    start: Constants,
    quality: Callable[[Constants], float],
) -> Constants:
    """The best value of one constant after the other; the earlier one wins a tie."""
    best, reached = start, quality(start)
    for name, values in grid.items():
        for value in values[1:]:
            tried = {**best, name: value}
            found = quality(tried)
            if found > reached:
                best, reached = tried, found
    return best
