"""From HEAD's integers to estimates: what the members' sums say about the shared catalogue.

A platform knows its own noised contribution, so it takes it out of the sum exactly: the others'
part then carries only the others' noise, and each of the two is denoised for itself, which loses
less than denoising their sum (a large member's part is not drowned in the small ones' noise).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import ModelError
from recommender.statistics.cap import others_within_cap
from recommender.statistics.covariates import denoise_pairs
from recommender.statistics.deconvolution import denoise
from recommender.statistics.direction import shrink_direction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.release.manifest import Manifest
    from recommender.statistics.covariates import PairContext

FACTUAL_SD = 5.0
"""A merged pair above this many noise sd may be stated as a fact (R18)."""


@dataclass(frozen=True, eq=False)
class MergedSums:
    """HEAD as one member sees it.

    Attributes:
        manifest: What the cells are.
        total: HEAD's `sum`; int64, `(manifest.cells,)`.
        rest: HEAD's `rest` (R34); int64, `(manifest.cells,)`.
        own: This platform's own contributions within `total`; None if it made none.
        others_variance: Noise variance of `total - own`, in squared grid units; 0 without noise.
        own_variance: Noise variance of `own`, in squared grid units.
        others: What the other members count for, each held to about its share
            (`statistics.shares`); None where R34's cap is all there is, as in secure mode. int64,
            `(manifest.cells,)`.
    """

    manifest: Manifest
    total: NDArray[np.int64]
    rest: NDArray[np.int64]
    own: NDArray[np.int64] | None = None
    others_variance: float = 0.0
    own_variance: float = 0.0
    others: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        """Refuse sums that are not of the manifest.

        Raises:
            ModelError: A length or a variance is impossible.
        """
        for name in ("total", "rest", "own", "others"):
            cells = getattr(self, name)
            if cells is not None and cells.shape != (self.manifest.cells,):
                raise ModelError(
                    f"the merged array {name!r} has {cells.size} cells, "
                    f"expected {self.manifest.cells} by the manifest"
                )
        if min(self.others_variance, self.own_variance) < 0:
            raise ModelError("a noise variance cannot be negative")


@dataclass(frozen=True, eq=False)
class Noised:
    """Noised sums over the head, in units of a learner, before denoising.

    Attributes:
        together: Symmetric, zero diagonal; float64, `(K, K)`.
        direction: Antisymmetric; float64, `(K, K)`.
        popularity: float64, `(K,)`.
        starts: Where learners begin, zero if the manifest has no such block; float64, `(K,)`.
        together_sd: Noise sd of a cell of `together`; 0 without noise.
        direction_sd: Noise sd of a cell of `direction`.
        popularity_sd: Noise sd of a cell of `popularity`.
        starts_sd: Noise sd of a cell of `starts`; 0 where there are none.
    """

    together: NDArray[np.float64]
    direction: NDArray[np.float64]
    popularity: NDArray[np.float64]
    starts: NDArray[np.float64]
    together_sd: float
    direction_sd: float
    popularity_sd: float
    starts_sd: float


@dataclass(frozen=True, eq=False)
class Estimates:
    """Denoised sums over the head; the fields of `Noised` without the noise.

    Attributes:
        together: Not negative, symmetric, zero diagonal; float64, `(K, K)`.
        direction: Within +-together, antisymmetric; float64, `(K, K)`.
        popularity: Not negative; float64, `(K,)`.
        starts: Not negative; float64, `(K,)`.
    """

    together: NDArray[np.float64]
    direction: NDArray[np.float64]
    popularity: NDArray[np.float64]
    starts: NDArray[np.float64]


def noised_others(merged: MergedSums) -> Noised:
    """What the other members' sums say, held to their shares or within R34's cap."""
    if merged.others is not None:
        return in_learner_units(merged.others, merged.manifest, merged.others_variance)
    slices = merged.manifest.block_slices
    capped = np.empty_like(merged.total)
    for name, block in slices.items():
        own = None if merged.own is None else merged.own[block]
        capped[block] = others_within_cap(
            merged.total[block], merged.rest[block], own, signed=name == "direction"
        )
    return in_learner_units(capped, merged.manifest, merged.others_variance)


def noised_own(merged: MergedSums) -> Noised | None:
    """What this platform's own contributions say; None if it made none."""
    if merged.own is None:
        return None
    return in_learner_units(merged.own, merged.manifest, merged.own_variance)


def noised_all(merged: MergedSums) -> Noised:
    """What all members' contributions say, this platform's own among them, within R34's cap."""
    others, own = noised_others(merged), noised_own(merged)
    if own is None:
        return others
    return Noised(
        others.together + own.together,
        others.direction + own.direction,
        others.popularity + own.popularity,
        others.starts + own.starts,
        float(np.hypot(others.together_sd, own.together_sd)),
        float(np.hypot(others.direction_sd, own.direction_sd)),
        float(np.hypot(others.popularity_sd, own.popularity_sd)),
        float(np.hypot(others.starts_sd, own.starts_sd)),
    )


def in_learner_units(cells: NDArray[np.int64], manifest: Manifest, variance: float) -> Noised:
    """Lay cells out as matrices and divide each block by its weight.

    Args:
        cells: Sums in grid units; int64, `(manifest.cells,)`.
        manifest: Names, weights and places of the blocks; a block it lacks is all zero.
        variance: Noise variance of a cell in squared grid units.
    """
    size = manifest.items
    pairs = size * (size - 1) // 2
    sd = float(np.sqrt(variance))
    weights = {block.name: block.weight for block in manifest.blocks}
    values = {name: cells[block] / weights[name] for name, block in manifest.block_slices.items()}
    return Noised(
        together=_square(values.get("together", np.zeros(pairs)), size, 1.0),
        direction=_square(values.get("direction", np.zeros(pairs)), size, -1.0),
        popularity=values.get("popularity", np.zeros(size)),
        starts=values.get("starts", np.zeros(size)),
        together_sd=sd / weights.get("together", 1),
        direction_sd=sd / weights.get("direction", 1),
        popularity_sd=sd / weights.get("popularity", 1),
        starts_sd=sd / weights["starts"] if "starts" in weights else 0.0,
    )


def estimate(
    noised: Noised,
    where: NDArray[np.bool_] | None = None,
    context: PairContext | None = None,
) -> Estimates:
    """Denoise all blocks; direction is shrunk towards none.

    Args:
        noised: The sums.
        where: Pairs to estimate, symmetric; the others become 0. All if None. bool, `(K, K)`.
        context: What the prior network may look at; None denoises all pairs alike.

    Raises:
        ModelError: A sum is not finite.
    """
    size = noised.popularity.size
    popularity = denoise(noised.popularity, noised.popularity_sd)
    upper = np.triu(np.ones((size, size), dtype=bool), 1)
    chosen = upper[upper] if where is None else where[upper]
    estimated = denoise_pairs(noised.together, popularity, noised.together_sd, chosen, context)
    together = _square(estimated, size, 1.0)
    return Estimates(
        together,
        shrink_direction(together, noised.direction, noised.direction_sd),
        popularity,
        denoise(noised.starts, noised.starts_sd),
    )


def factual_pairs(others: Noised, own: Noised | None) -> NDArray[np.bool_]:
    """Pairs whose merged sum is above 5 noise sd (R18); bool, `(K, K)`."""
    seen = others.together + (0.0 if own is None else own.together)
    variance = others.together_sd**2 + (0.0 if own is None else own.together_sd**2)
    factual: NDArray[np.bool_] = (seen > FACTUAL_SD * np.sqrt(variance)) & (seen > 0)
    return factual


def _square(upper: NDArray[np.float64], size: int, sign: float) -> NDArray[np.float64]:
    """A matrix from its upper triangle, row-major; the lower one is `sign` times it."""
    square = np.zeros((size, size))
    square[np.triu(np.ones((size, size), dtype=bool), 1)] = upper
    square += sign * square.T
    return square
