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
from dataclasses import dataclass, replace
from fractions import Fraction

from recommender.errors import EvaluationError, ManifestError
from recommender.release.accounting import best_alpha
from recommender.release.training import Training, count_parameters

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


def sampled_cost(order: int, rate: float, multiplier: float) -> float:
    """Renyi divergence of one noised step of Poisson-sampled learners, at a whole order.

    Mironov, Talwar, Zhang 2019, section 3.3: log of the sum over k of binomial(order, k) x
    (1 - rate)^(order - k) x rate^k x exp((k^2 - k) / (2 multiplier^2)), over order - 1. It holds
    for the discrete Gaussian, too, whose moments are at most those of the continuous one (Canonne,
    Kamath, Steinke 2020) and whose neighbours are mirror images of each other.

    Args:
        order: At least 2.
        rate: Chance of a learner to be in the step, in (0, 1].
        multiplier: Standard deviation of the noise over the clip.
    """
    if rate == 1.0:
        return order / (2 * multiplier**2)
    terms = [
        math.lgamma(order + 1)
        - math.lgamma(k + 1)
        - math.lgamma(order - k + 1)
        + k * math.log(rate)
        + (order - k) * math.log1p(-rate)
        + (k * k - k) / (2 * multiplier**2)
        for k in range(order + 1)
    ]
    top = max(terms)
    return (top + math.log(sum(math.exp(term - top) for term in terms))) / (order - 1)


def keeps_contract(training: Training) -> bool:
    """Whether a training costs at most `rho_training` x order at every order from 2 to `orders`.

    (order - 1) x divergence is convex in the order, so that between two whole orders it is below
    the chord; where it is at most rho x (order - 1/4) at whole orders, it is at most rho x order
    in between.
    """
    steps = training.rounds * training.steps
    rate, rho = float(Fraction(*training.sample_rate)), float(training.rho_training)
    return all(
        steps * sampled_cost(order, rate, training.noise_multiplier) <= rho * (order - 0.25)
        for order in range(2, training.orders + 1)
    )


def require_contract(training: Training, delta: Fraction) -> None:
    """Prove a manifest's figures before a learner is trained on, or a founder signs.

    Raises:
        ManifestError: The noise is too little for the contract, or the contract does not reach
            the order by which epsilon is computed.
    """
    if not keeps_contract(training):
        raise ManifestError(
            f"noise of {training.noise_multiplier:.3f} times the clip is too little for rho "
            f"{training.rho_training} over {training.rounds} rounds of {training.steps} steps"
        )
    needed = best_alpha(training.rho_training, delta)
    if not 2 <= needed <= training.orders:
        raise ManifestError(
            f"the contract holds up to Renyi order {training.orders}, epsilon needs {needed:.1f}"
        )


def least_noise(training: Training) -> int:
    """The smallest variance, to a thousandth of the clip, at which a training keeps its contract.

    Args:
        training: All but its `sigma_squared`.

    Returns:
        Squared grid units of gradients.

    Raises:
        ManifestError: No noise does.
    """

    def variance(thousandths: int) -> int:
        return -(-((thousandths * training.scale) ** 2) // 10**6)

    low, high = 0, 2**17
    if not keeps_contract(replace(training, sigma_squared=variance(high))):
        raise ManifestError("no noise keeps a training of so many steps within its budget")
    while high - low > 1:
        middle = (low + high) // 2
        is_enough = keeps_contract(replace(training, sigma_squared=variance(middle)))
        low, high = (low, middle) if is_enough else (middle, high)
    return variance(high)


ROUNDS, STEPS, WIDTH = 4, 10, 16
"""Of a training that `swarm create --network` proposes; chosen on the sample (ADR 0080)."""


def make_training(
    items: int, rho: Fraction, delta: Fraction, *, rounds: int = ROUNDS, steps: int = STEPS
) -> Training:
    """The training that a new swarm starts with: all of a learner's budget, the least noise.

    Args:
        items: Of the shared catalogue.
        rho: Of one release of statistics: what a training may cost.
        delta: Lifetime delta.
        rounds: Merged rounds of a training.
        steps: Noised steps of a member in a round.

    Raises:
        ManifestError: No noise keeps so many steps within the budget.
    """
    share = rho / rounds
    training = Training(
        rounds=rounds,
        steps=steps,
        sample_rate=(1, 4),
        scale=2**16,
        sigma_squared=2**50,
        orders=math.ceil(best_alpha(rho, delta)) + 1,
        rho=(share.numerator, share.denominator),
        width=WIDTH,
        parameters=count_parameters(items, WIDTH),
        grid=2**16,
        entry=2**20,
        norm=2**23,
        batch=10_000,
        rate=(2, 1),
        momentum=(9, 10),
    )
    return replace(training, sigma_squared=least_noise(training))
