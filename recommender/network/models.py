"""The networks that `evaluate` can measure, by name: each takes histories and gives a scorer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from recommender.network.budget import make_plan, popularity_variance, sample_rate_for
from recommender.network.encoder import SequenceEncoder
from recommender.network.features import content_features
from recommender.network.sequential import Gru4Rec, SasRec
from recommender.network.train import KEEP, TrainOptions, score_histories, seeded, train
from recommender.release.noise import FastNoise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.network.encoder import NextItem
    from recommender.statistics.sequences import Sequences
    from recommender.trial import Privacy

STEPS = 100
WIDTH = 16
BLOCKS = 0
_SCALE = 4096


@dataclass(frozen=True, eq=False)
class NetworkModel:
    """A trained network as `evaluate` sees it.

    Attributes:
        network: The network.
        privacy: Fields of the record that say what training promises; empty without privacy.
    """

    network: NextItem
    privacy: Mapping[str, object] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Learned numbers."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def score(self, histories: Sequences, learner: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score all items; see `recommender.evaluation.Scorer`."""
        del learner
        return score_histories(self.network, histories)


def fit_gru4rec(histories: Sequences, items: int, seed: int) -> NetworkModel:
    """GRU4Rec without privacy; constants tuned on a validation split of the sample.

    Raises:
        EvaluationError: There is nothing to learn from.
    """
    with seeded(seed):
        network = Gru4Rec(items)
    train(network, histories, TrainOptions(learning_rate=3e-3), seed)
    return NetworkModel(network)


def fit_sasrec(histories: Sequences, items: int, seed: int) -> NetworkModel:
    """SASRec without privacy; constants tuned on a validation split of the sample.

    Raises:
        EvaluationError: There is nothing to learn from.
    """
    with seeded(seed):
        network = SasRec(items, KEEP)
    train(network, histories, TrainOptions(learning_rate=3e-3), seed)
    return NetworkModel(network)


def fit_network(
    histories: Sequences,
    catalogue: Sequence[CatalogueItem],
    privacy: Privacy,
    seed: int,
    statistics_percent: int = 0,
) -> NetworkModel:
    """Fit the sequence encoder, by DP-SGD where the budget is finite.

    Args:
        histories: Of all learners.
        catalogue: The items.
        privacy: The whole budget; a learner's one release.
        seed: Draws initial values, steps and noise; for measurements only (R11).
        statistics_percent: Of the budget, what statistics of the same learners spend.

    Raises:
        EvaluationError: Opacus is not installed, the budget cannot be, or nothing can be learnt.
    """
    features = content_features(catalogue)
    if not privacy.sigma_squared:
        network = _encoder(features, _log_popularity(histories, len(catalogue), 0.0, seed), seed)
        train(network, histories, TrainOptions(), seed)
        return NetworkModel(network)
    from recommender.network import private  # noqa: PLC0415 - opacus is slow to import

    plan = make_plan(
        privacy.epsilon,
        privacy.delta,
        Fraction(privacy.scale**2, 2 * privacy.sigma_squared),
        sample_rate_for(len(histories), len(catalogue)),
        STEPS,
        statistics_percent,
    )
    prior = _log_popularity(histories, len(catalogue), plan.rho_popularity, seed)
    network = _encoder(features, prior, seed)
    run = private.train_private(network, histories, plan, seed)
    told = {
        "epsilon": plan.epsilon,
        "delta": plan.delta,
        "rho": None,  # a subsampled Gaussian has no zCDP figure worth naming
        "sigma": run.noise_multiplier,
        "sampler": private.SAMPLER,
        "epsilon_spent": run.epsilon,
        "sample_rate": plan.sample_rate,
        "steps": plan.steps,
    }
    return NetworkModel(network, told)


def _encoder(
    features: NDArray[np.float32], log_popularity: NDArray[np.float32], seed: int
) -> SequenceEncoder:
    with seeded(seed):
        return SequenceEncoder(features, log_popularity, width=WIDTH, blocks=BLOCKS)


def _log_popularity(histories: Sequences, items: int, rho: float, seed: int) -> NDArray[np.float32]:
    """Log of clipped popularity counts (R8, R10), noised at `rho` unless that is 0.

    Returns:
        float32, `(items,)`.
    """
    recent = histories.last(KEEP)
    lengths = recent.lengths()
    value = np.floor(_SCALE / np.maximum(np.sqrt(lengths), 2.0)).astype(np.int64)
    counts = np.zeros(items, dtype=np.int64)
    np.add.at(counts, recent.items, np.repeat(value, lengths))
    floor = 1.0
    if rho > 0:
        variance = popularity_variance(rho, _SCALE)
        counts += FastNoise(np.random.default_rng([seed, 37])).draw(items, variance)
        floor += math.sqrt(variance) / _SCALE
    popularity = np.maximum(counts / _SCALE, 0.0) + floor
    log: NDArray[np.float32] = np.log(popularity / popularity.sum()).astype(np.float32)
    return log
