"""From noised sums to estimates: one-dimensional deconvolution by EM.

All cells of a block are taken to be draws from one unknown distribution of true values, seen
through Gaussian noise of known sd. The distribution is fitted on a grid by expectation-maximisation
(the nonparametric maximum-likelihood estimate of Kiefer and Wolfowitz 1956, computed as in Laird
1978), and each cell becomes its posterior mean. It is post-processing of a release: no learner's
data enter, and it costs no privacy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

POINTS = 60
ITERATIONS = 300
TRUSTED_SD = 8.0
"""A cell this many sd above zero is taken as it is: shrinking it would be the larger error."""

_FINE_SD = 20.0
_STEPS_PER_SD = 16


@dataclass(frozen=True, eq=False)
class Mixture:
    """A distribution of true values on a grid.

    Attributes:
        grid: Possible true values, ascending from 0; float64, `(points,)`.
        weights: Their probabilities; float64, `(points,)`.
        sd: Noise sd of one observation.
    """

    grid: NDArray[np.float64]
    weights: NDArray[np.float64]
    sd: float


def make_grid(largest: float, sd: float) -> NDArray[np.float64]:
    """Zero, and 60 log-spaced points from max(sd/20, .05) to max(largest, 10 sd)."""
    low = max(0.05 * sd, 0.05)
    high = max(largest, 10.0 * sd, 2.0 * low)
    return np.concatenate([[0.0], np.geomspace(low, high, POINTS)])


def fit_mixture(observed: NDArray[np.float64], sd: float) -> Mixture:
    """Fit the distribution of true values behind noised cells.

    Args:
        observed: Noised cells; float64, any shape.
        sd: Their noise sd, above 0.

    Raises:
        ModelError: A cell is not finite, or `sd` is not a positive number.
    """
    cells = np.asarray(observed, dtype=np.float64).ravel()
    if not sd > 0 or not np.isfinite(sd):
        raise ModelError(f"the noise sd must be a positive number, not {sd}")
    if not np.isfinite(cells).all():
        raise ModelError("the merged sums hold a value that is not finite")
    grid = make_grid(float(cells.max(initial=0.0)), sd)
    weights = np.full(grid.size, 1.0 / grid.size)
    if cells.size == 0:
        return Mixture(grid, weights, sd)
    values, counts = _binned(cells, sd)
    density = _density(values, grid, sd)  # (bins, points)
    share = counts / counts.sum()
    for _ in range(ITERATIONS):
        seen = density @ weights
        weights = weights * (density.T @ (share / seen))
        weights /= weights.sum()
    return Mixture(grid, weights, sd)


def posterior_mean(mixture: Mixture, observed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate of the true value behind each cell; float64, the shape of `observed`.

    Cells above 8 sd are kept as they are.
    """
    cells = np.asarray(observed, dtype=np.float64)
    if cells.size == 0:
        return cells.copy()
    # The posterior mean is smooth in the cell: computed on a grid of sd/64, read off between.
    low = float(cells.min())
    high = max(TRUSTED_SD * mixture.sd, low)
    at = np.linspace(low, high, 2 + min(int(64 * (high - low) / mixture.sd), 20_000))
    density = _density(at, mixture.grid, mixture.sd) * mixture.weights
    mean = (density @ mixture.grid) / density.sum(axis=1)
    estimate = np.interp(cells, at, mean)
    return np.where(cells > TRUSTED_SD * mixture.sd, cells, estimate)


def denoise(observed: NDArray[np.float64], sd: float) -> NDArray[np.float64]:
    """Estimate the true values of noised cells; with `sd` 0 negative cells become 0.

    Args:
        observed: Cells of one block; float64, any shape.
        sd: Their noise sd, 0 where no noise was added.

    Raises:
        ModelError: See `fit_mixture`.
    """
    if sd == 0:
        return np.maximum(np.asarray(observed, dtype=np.float64), 0.0)
    return posterior_mean(fit_mixture(observed, sd), observed)


def _binned(
    cells: NDArray[np.float64], sd: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and number of the cells in bins of sd/16 up to 20 sd, and of 1 % above."""
    fine = np.floor(np.minimum(cells, _FINE_SD * sd) * (_STEPS_PER_SD / sd))
    coarse = np.floor(np.log(np.maximum(cells / (_FINE_SD * sd), 1.0)) / 0.01)
    bins = np.unique(fine + coarse, return_inverse=True)[1].ravel()
    counts = np.bincount(bins).astype(np.float64)
    return np.bincount(bins, cells) / counts, counts


def _density(
    values: NDArray[np.float64], grid: NDArray[np.float64], sd: float
) -> NDArray[np.float64]:
    """Gaussian likelihood of each value under each grid point, scaled by its largest; never 0/0."""
    exponent = -0.5 * ((values[:, None] - grid[None, :]) / sd) ** 2  # (values, points)
    density: NDArray[np.float64] = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    return density
