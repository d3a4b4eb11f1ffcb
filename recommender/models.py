"""The models that `evaluate` measures, by name.

A model is fitted on training rows and scores histories; the product's default is `statistics`.
Baselines exist without privacy only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from recommender.baselines.simple import fit_course_order, fit_popularity
from recommender.baselines.tuned import FAMILIES, Family, fit_tuned
from recommender.catalogue import CatalogueItem
from recommender.errors import EvaluationError
from recommender.exact.model import ExactModel, fit_exact
from recommender.statistics.fit import fit_serving
from recommender.statistics.sequences import build_sequences
from recommender.statistics.text import fit_text
from recommender.trial import DELTA, choose_head, privacy_for, run_pooled, sum_platforms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

    from recommender.interactions import Interactions
    from recommender.statistics.covariates import PriorKind
    from recommender.statistics.sequences import Sequences
    from recommender.statistics.serving_model import ServingModel


class FittedModel(Protocol):
    """A fitted model."""

    @property
    def parameters(self) -> int:
        """Numbers that were learned."""
        ...

    def score(self, histories: Sequences, learner: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score all items; see `recommender.evaluation.Scorer`."""
        ...


@dataclass(frozen=True, eq=False)
class Training:
    """What a model is fitted on.

    Attributes:
        interactions: Training rows.
        verbs: Verbs that count.
        catalogue: Entries in the order of `interactions.item_ids`; None without a catalogue.
        epsilon: Of one release; infinite without privacy.
        delta: Of one release.
        seed: For noise and initial values.
        prior: How `statistics` denoises pairs; without torch it is always plain deconvolution.
        ties: How the targets were held out, so that a hold-out of the training rows is alike.
    """

    interactions: Interactions
    verbs: Sequence[str]
    catalogue: Sequence[CatalogueItem] | None = None
    epsilon: float = math.inf
    delta: Fraction = DELTA
    seed: int = 0
    prior: PriorKind = "network"
    ties: str = "set"

    @property
    def items(self) -> int:
        """Number of items."""
        return len(self.interactions.item_ids)

    def histories(self) -> Sequences:
        """Training histories of all learners."""
        return build_sequences(self.interactions, self.verbs)

    def entries(self) -> Sequence[CatalogueItem]:
        """The catalogue, or entries that know nothing but their ids."""
        if self.catalogue is not None:
            return self.catalogue
        return [CatalogueItem(item) for item in self.interactions.item_ids]


@dataclass(frozen=True, eq=False)
class StatisticsModel:
    """A serving model as `evaluate` sees it.

    Attributes:
        model: What would serve.
        details: Fields for the record.
    """

    model: ServingModel
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Weights that are not zero."""
        return self.model.parameters

    def score(self, histories: Sequences, learner: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score all items; see `recommender.evaluation.Scorer`."""
        del learner
        parts = self.model.score_many(histories.start, histories.items.astype(np.int64))
        total: NDArray[np.float32] = parts.sum(axis=0, dtype=np.float32)
        return total


def fit_statistics(training: Training) -> StatisticsModel | ExactModel:
    """Fit the product's model on one release of all learners, without own exact statistics.

    Without privacy there is nothing to release: the statistics are exact, and the mix is fitted on
    a hold-out of the training rows.

    Raises:
        EvaluationError: Fewer than two items, or an epsilon that cannot be.
    """
    privacy = privacy_for(training.epsilon, training.delta)
    if math.isinf(training.epsilon):
        return fit_exact(
            training.interactions,
            training.verbs,
            training.entries(),
            fit_text(training.entries()),
            training.ties,
        )
    platforms = [training.interactions]
    head, left = choose_head(platforms, training.verbs, privacy, training.seed)
    sums = sum_platforms(platforms, training.verbs, head)
    merged = run_pooled(sums, left, training.seed)
    model = fit_serving(
        catalogue=training.entries(), head=head, merged=merged, prior=training.prior
    )
    return StatisticsModel(model, left.record())


def fit_private_network(training: Training, statistics_percent: int = 0) -> FittedModel:
    """Fit the sequence encoder, by DP-SGD where epsilon is finite.

    Args:
        training: What it is fitted on.
        statistics_percent: Of the budget, what statistics of the same learners spend.

    Raises:
        EvaluationError: torch or opacus is not installed, or nothing can be learnt.
    """
    privacy = privacy_for(training.epsilon, training.delta)
    return _fit_neural(
        lambda networks: networks.fit_network(
            training.histories(), training.entries(), privacy, training.seed, statistics_percent
        )
    )


def _fit_neural(fit: Callable[[Any], FittedModel]) -> FittedModel:
    """Call a function of `recommender.network.models`, which needs torch."""
    try:
        from recommender.network import models as networks  # noqa: PLC0415 - optional and slow

        return fit(networks)
    except ImportError as error:
        raise EvaluationError(
            f"torch or opacus is not installed ({error}); install the extra 'train'"
        ) from error


def _fit_tuned(family: Family, training: Training) -> FittedModel:
    return fit_tuned(
        family,
        training.interactions,
        training.histories(),
        training.verbs,
        training.ties,
        training.seed,
    )


BASELINES: Mapping[str, Callable[[Training], FittedModel]] = {
    "popularity": lambda t: fit_popularity(t.histories(), t.items),
    "course-order": lambda t: fit_course_order(t.interactions, t.verbs, t.catalogue),
    **{name: partial(_fit_tuned, family) for name, family in FAMILIES.items()},
    "gru4rec": lambda t: _fit_neural(lambda n: n.fit_gru4rec(t.histories(), t.items, t.seed)),
    "sasrec": lambda t: _fit_neural(lambda n: n.fit_sasrec(t.histories(), t.items, t.seed)),
}
"""Models without privacy, by name."""

STATISTICS = "statistics"
NETWORK = "network"
MODEL_NAMES: tuple[str, ...] = (*BASELINES, NETWORK, STATISTICS)


def fit_model(name: str, training: Training) -> FittedModel:
    """Fit a model by name.

    Raises:
        EvaluationError: No such model, one that needs what is not installed, or a baseline at a
            finite epsilon.
    """
    if name == STATISTICS:
        return fit_statistics(training)
    if name == NETWORK:
        return fit_private_network(training)
    if name not in BASELINES:
        raise EvaluationError(f"unknown model {name!r}; known: {', '.join(MODEL_NAMES)}")
    if not math.isinf(training.epsilon):
        raise EvaluationError(f"the baseline {name!r} has no private form; use epsilon 'inf'")
    return BASELINES[name](training)
