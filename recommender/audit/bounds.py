"""What an attack's success proves about epsilon.

- `one_run_epsilon`: Steinke, Nasr and Jagielski, "Privacy Auditing with One (1) Training Run"
  (2023), theorem 5.2 and the algorithm of its appendix D.
- `threshold_epsilon`: one event, more likely with the learner than without, exact binomial
  bounds (Clopper and Pearson 1934); it assumes nothing about the noise.
- `gaussian_epsilon`: what a measured mu means if the noise is Gaussian (Balle and Wang 2018,
  theorem 8); the sampler's test is what makes that assumption fair.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Callable

_BISECTIONS = 40
MAX_EPSILON = 60.0
"""Where searches end; far above any claim."""


def one_run_epsilon(
    canaries: int, guesses: int, correct: int, delta: float, confidence: float = 0.95
) -> float:
    """Lower bound on epsilon from guesses about canaries of one run.

    Args:
        canaries: How many coins were flipped.
        guesses: For how many a guess was made, at most `canaries`.
        correct: How many of those guesses were right.
        delta: Of the claim.
        confidence: That the bound holds.

    Returns:
        The largest epsilon found that the outcome refutes; 0 if none.
    """

    def refuted(epsilon: float) -> bool:
        p_value = _one_run_p_value(canaries, guesses, correct, epsilon, delta)
        return p_value < 1.0 - confidence

    return _largest(refuted)


def _one_run_p_value(
    canaries: int, guesses: int, correct: int, epsilon: float, delta: float
) -> float:
    """Chance of so many right guesses under (epsilon, delta), at most."""
    honest = 1.0 / (1.0 + math.exp(-epsilon))
    beta = float(stats.binom.sf(correct - 1, guesses, honest))
    steps = np.arange(1, correct + 1)
    below = np.cumsum(stats.binom.pmf(correct - steps, guesses, honest))
    alpha = float(np.max(below / steps, initial=0.0))
    return min(beta + alpha * delta * 2 * canaries, 1.0)


def threshold_epsilon(
    hits: int, with_learner: int, alarms: int, without: int, delta: float
) -> float:
    """Lower bound on epsilon at 95 % from one event counted on both sides.

    Args:
        hits: Releases with the learner in which the event happened, of `with_learner`.
        with_learner: Releases with the learner.
        alarms: Releases without the learner in which it happened, of `without`.
        without: Releases without the learner.
        delta: Of the claim.
    """
    low = stats.beta.ppf(0.025, hits, with_learner - hits + 1) if hits else 0.0
    high = stats.beta.ppf(0.975, alarms + 1, without - alarms) if alarms < without else 1.0
    return math.log((low - delta) / high) if low - delta > high else 0.0


def gaussian_epsilon(mu: float, delta: float) -> float:
    """Epsilon at delta of two unit Gaussians whose means are mu apart; the least there is."""
    if mu <= 0:
        return 0.0

    def needed(epsilon: float) -> bool:
        ahead = stats.norm.cdf(mu / 2 - epsilon / mu)
        behind = stats.norm.logcdf(-mu / 2 - epsilon / mu)
        return bool(ahead - math.exp(min(epsilon + behind, 700.0)) > delta)

    return _largest(needed)


def _largest(holds: Callable[[float], bool]) -> float:
    """Where a condition that holds at small numbers stops holding, at most `MAX_EPSILON`."""
    low, high = 0.0, MAX_EPSILON
    if holds(high):
        return high
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
