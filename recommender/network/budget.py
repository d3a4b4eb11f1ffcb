"""One privacy budget for statistics and a network, and what the network may spend of it.

A learner is in one release (R2): noised statistics, noised popularity and noised training steps of
the same learners compose. All are added up at every Renyi order: a Gaussian release of rho gives
rho x alpha, training gives the subsampled Gaussian's figure (Mironov, Talwar, Zhang 2019), and the
sum is converted to (epsilon, delta) once (Canonne, Kamath, Steinke 2020).

The split is stated in hundredths of the statistics' rho. The product's is 100 to 0: statistics
alone, the network off, since a network of this budget finds less than the statistics do
(docs/results.md). `evaluate --model network` measures 0 to 100, all for the network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recommender.errors import EvaluationError

if TYPE_CHECKING:
    from fractions import Fraction

STATISTICS_PERCENT = 100
"""The product's split: this much to the statistics, the rest to a network."""
POPULARITY_PERCENT = 5
"""Of the rho that is not the statistics', this much buys the popularity prior, as R10 does."""

BRACKETS = (100, 1_000, 10_000, 100_000, 1_000_000)
"""Upper ends of the public brackets of size (R14)."""
EXPECTED_BATCH = 24_576
"""Learners a step of a full bracket: steps cost time, and large ones find more at equal privacy."""
USUAL_ITEMS = 512
LARGEST_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """Public constants of private training; none depends on a learner's events.

    Attributes:
        epsilon: Of everything together.
        delta: Of everything together.
        rho_statistics: zCDP spent on statistics of the same learners.
        rho_popularity: zCDP spent on the popularity prior.
        sample_rate: Chance of a learner to be in a step (Poisson).
        steps: Number of steps.
        clip: Bound of the norm of a learner's gradient.
    """

    epsilon: float
    delta: float
    rho_statistics: float
    rho_popularity: float
    sample_rate: float
    steps: int
    clip: float = 1.0

    @property
    def rho_spent(self) -> float:
        """ZCDP of everything but the training steps."""
        return self.rho_statistics + self.rho_popularity


def make_plan(
    epsilon: float,
    delta: Fraction,
    rho: Fraction,
    sample_rate: float,
    steps: int,
    statistics_percent: int = STATISTICS_PERCENT,
) -> Plan:
    """Split a budget.

    Args:
        epsilon: The whole budget, finite.
        delta: In (0, 1).
        rho: What the statistics would spend if they had all of it.
        sample_rate: Chance of a learner to be in a step; see `sample_rate_for`.
        steps: Training steps.
        statistics_percent: Hundredths of `rho` for the statistics, 0 to 100.

    Raises:
        EvaluationError: The percentage is out of its range, or nothing is left for a network.
    """
    if not 0 <= statistics_percent <= 100:
        raise EvaluationError(f"a share of {statistics_percent} % cannot be; give 0 to 100")
    if statistics_percent == 100:
        raise EvaluationError("all of the budget is the statistics': the network is off")
    statistics = float(rho) * statistics_percent / 100
    popularity = (float(rho) - statistics) * POPULARITY_PERCENT / 100
    return Plan(epsilon, float(delta), statistics, popularity, sample_rate, steps)


def sample_rate_for(learners: int, items: int) -> float:
    """Chance of a learner to be in a step, from public facts alone.

    Args:
        learners: On the platform; only their bracket (R14) is used.
        items: In the catalogue; the time of a step grows with it.
    """
    bracket = next((top for top in BRACKETS if learners < top), BRACKETS[-1])
    batch = EXPECTED_BATCH * min(USUAL_ITEMS / max(items, 1), 1.0)
    return min(batch / bracket, LARGEST_SHARE)


def popularity_variance(rho: float, scale: int) -> int:
    """Variance of noise on the popularity counts, in squared grid units, rounded up."""
    return math.ceil(scale**2 / (2 * rho))
