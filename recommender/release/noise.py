"""Where noise comes from: one port, two sources.

- `ExactNoise`: the discrete Gaussian of opendp over the integers (Canonne, Kamath and Steinke
  2020), sampled exactly from the operating system's randomness. Every release uses it (R11).
- `FastNoise`: a rounded float Gaussian of a seeded numpy generator, for `evaluate`, `compare`
  and `simulate` only. It is not private against anyone who knows or guesses the seed.

This file alone imports opendp.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import numpy as np
from opendp.domains import atom_domain, vector_domain
from opendp.measurements import make_gaussian
from opendp.metrics import l2_distance
from opendp.mod import enable_features

from recommender.errors import ReleaseError
from recommender.release.manifest import MIN_SIGMA_SQUARED

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK_CELLS = 65_536
"""opendp answers with Python lists; drawing in pieces bounds their memory."""


class NoiseSource(Protocol):
    """A source of integer Gaussian noise."""

    @property
    def name(self) -> str:
        """Name for records: which sampler made a figure."""
        ...

    def draw(self, cells: int, sigma_squared: int) -> NDArray[np.int64]:
        """Draw independent noise for each cell.

        Args:
            cells: How many.
            sigma_squared: Variance, in squared grid units.

        Returns:
            int64, `(cells,)`.

        Raises:
            ReleaseError: The standard deviation is below 8 grid units (R11).
        """
        ...


class ExactNoise:
    """The exact discrete Gaussian, unseeded."""

    name = "exact"

    def draw(self, cells: int, sigma_squared: int) -> NDArray[np.int64]:
        """Draw noise that may protect a release; see `NoiseSource.draw`."""
        _check(sigma_squared)
        # opendp asks that its community-checked constructors be switched on by name. Its prelude
        # would also import scikit-learn, hence the imports by module.
        enable_features("contrib")
        measurement = make_gaussian(
            vector_domain(atom_domain(T="i64")),
            l2_distance(T="f64"),
            scale=scale_at_least(sigma_squared),
        )
        noise = np.empty(cells, dtype=np.int64)
        zeros = np.zeros(min(cells, CHUNK_CELLS), dtype=np.int64)
        for start in range(0, cells, CHUNK_CELLS):
            piece = noise[start : start + CHUNK_CELLS]
            piece[:] = measurement(zeros[: piece.size])
        return noise


class FastNoise:
    """Rounded float noise for evaluation; never for a release."""

    name = "fast"

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def draw(self, cells: int, sigma_squared: int) -> NDArray[np.int64]:
        """Draw noise for a figure; see `NoiseSource.draw`."""
        _check(sigma_squared)
        noise = self._rng.normal(0.0, math.sqrt(sigma_squared), cells)
        return np.rint(noise).astype(np.int64)


def scale_at_least(sigma_squared: int) -> float:
    """Give the smallest float whose exact square is at least `sigma_squared`.

    opendp takes the standard deviation as a float and treats it as the rational it is; rounding
    it down would give a little less noise than the contract says (R12).
    """
    scale = math.sqrt(sigma_squared)
    while Fraction(scale) ** 2 < sigma_squared:
        scale = math.nextafter(scale, math.inf)
    return scale


def _check(sigma_squared: int) -> None:
    if sigma_squared < MIN_SIGMA_SQUARED:
        raise ReleaseError(
            f"noise variance {sigma_squared} is below {MIN_SIGMA_SQUARED}: a standard deviation "
            "under 8 grid units is refused (R11); raise the scale of the manifest"
        )
