"""The sampler's own test: mean, variance and distribution against the discrete Gaussian (R16).

Probabilities are those of Canonne, Kamath and Steinke (2020): P(x) proportional to
exp(-x^2 / (2 sigma^2)) over the integers. At the manifest's sigma, integers are put into bins of
about equal probability; at the smallest sigma allowed, 8 grid units, each integer has a bin of
its own, so that a fault in single digits shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from recommender.release.manifest import MIN_SIGMA_SQUARED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.release.manifest import Manifest
    from recommender.release.noise import NoiseSource

RARE = 1e-6
"""A fair sampler fails once in a million tests."""
_REACH = 12
"""Standard deviations beyond which nothing is expected (below 1e-32)."""
_BINS = 200
_LEAST_EXPECTED = 20.0


@dataclass(frozen=True, slots=True)
class SamplerResult:
    """What the test found.

    Attributes:
        sampler: Name of the noise source.
        sigma: Standard deviation asked for, in grid units.
        draws: Numbers drawn.
        mean: Their mean, in sigmas.
        variance: Their variance, over sigma squared.
        chi_square: Pearson's statistic.
        bins: Number of its bins.
        p_value: The smallest of the three tests' p-values.
        faults: Sentences; empty if the sampler is fair.
    """

    sampler: str
    sigma: float
    draws: int
    mean: float
    variance: float
    chi_square: float
    bins: int
    p_value: float
    faults: tuple[str, ...]


def audit_sampler(manifest: Manifest, noise: NoiseSource, draws: int) -> list[SamplerResult]:
    """Test a noise source at the manifest's sigma and at the smallest one allowed.

    Args:
        manifest: The manifest of the claim.
        noise: The source.
        draws: Numbers to draw for each, at least 1,000.
    """
    return [
        _check(noise, sigma_squared, draws)
        for sigma_squared in dict.fromkeys((manifest.sigma_squared, MIN_SIGMA_SQUARED))
    ]


def _check(noise: NoiseSource, sigma_squared: int, draws: int) -> SamplerResult:
    drawn = noise.draw(draws, sigma_squared)
    reach = math.ceil(_REACH * math.sqrt(sigma_squared))
    chances = probabilities(sigma_squared, reach)
    mean, variance = float(drawn.mean()), float(drawn.var())
    chi_square, bins = _chi_square(drawn, chances, reach)
    p_values = (
        2 * float(stats.norm.sf(abs(mean) * math.sqrt(draws / sigma_squared))),
        2 * float(stats.norm.sf(abs(variance / sigma_squared - 1) * math.sqrt(draws / 2))),
        float(stats.chi2.sf(chi_square, bins - 1)),
    )
    named = zip(("mean", "variance", "distribution"), p_values, strict=True)
    return SamplerResult(
        sampler=noise.name,
        sigma=math.sqrt(sigma_squared),
        draws=draws,
        mean=mean / math.sqrt(sigma_squared),
        variance=variance / sigma_squared,
        chi_square=chi_square,
        bins=bins,
        p_value=min(p_values),
        faults=tuple(
            f"the sampler's {what} is not the discrete Gaussian's (p = {p:.1e})"
            for what, p in named
            if p < RARE
        ),
    )


def probabilities(sigma_squared: int, reach: int) -> NDArray[np.float64]:
    """Of each integer from -reach to reach under the discrete Gaussian."""
    places = np.arange(-reach, reach + 1, dtype=np.float64)
    weights = np.exp(-places * places / (2.0 * sigma_squared))
    return np.asarray(weights / weights.sum())


def _chi_square(
    drawn: NDArray[np.int64], chances: NDArray[np.float64], reach: int
) -> tuple[float, int]:
    """Pearson's statistic over bins that are expected to hold at least 20 numbers each."""
    least = max(1.0 / _BINS, _LEAST_EXPECTED / drawn.size)
    upper = np.cumsum(chances)
    # The bin of an integer is how many whole steps of probability lie below its middle; where
    # one integer weighs more than a step, it has a bin of its own.
    places = np.floor((upper - chances / 2) / least).astype(np.int64)
    _, bin_of = np.unique(places, return_inverse=True)
    inside = np.clip(drawn + reach, 0, 2 * reach)
    count = int(bin_of.max()) + 1
    seen = np.bincount(bin_of[inside], minlength=count)
    expected = np.bincount(bin_of, weights=chances, minlength=count) * drawn.size
    keep = expected >= _LEAST_EXPECTED / 4
    spare = ~keep
    statistic = float(((seen[keep] - expected[keep]) ** 2 / expected[keep]).sum())
    if spare.any() and expected[spare].sum() > 0:
        statistic += float((seen[spare].sum() - expected[spare].sum()) ** 2 / expected[spare].sum())
    return statistic, int(keep.sum()) + int(spare.any())
