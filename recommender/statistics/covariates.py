"""What is known about a pair of items before its own noised cell is looked at.

Features for the prior of `recommender.network.prior`: popularity, likeness of text, two-step walks
over other pairs. All come from released sums and the catalogue; `own` alone is exact, and a context
that holds it is for models that stay at home (R5, R6). A cell's features leave its own noise out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from recommender.statistics.deconvolution import denoise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.statistics.serving_parts import TextPart

PriorKind = Literal["network", "none"]
"""How noised pairs are denoised: with the prior network (needs torch), or by popularity alone."""

LEVELS = (0.5, 0.8, 0.95, 0.99)
"""Shares of pairs below which the product of popularities bounds a stratum with its own prior."""

NETWORK_SHARE = 0.7
"""What the network says of a pair counts so much, what its stratum says the rest: errors of the
network run along features, so that they add up over a history (decision 0077)."""

ROUNDS = 2
TEXT_NEIGHBOURS = 15
_SMOOTHING = 5.0
_FIRST_SD = 4.2
_LATER_SD = 0.1
_CLIP = 6.0
_FEWEST_CELLS = 50


@dataclass(frozen=True, eq=False)
class PairContext:
    """What is known about the head's items beside the released sums.

    Attributes:
        text: Likeness of text, symmetric, zero diagonal; float32, `(K, K)`.
        has_text: Items with a text; bool, `(K,)`.
        publisher: A number for each publisher, -1 where unknown; int64, `(K,)`.
        own: The platform's own exact together sums, None in what may be shown to others (R18);
            float64, `(K, K)`.
    """

    text: NDArray[np.float32]
    has_text: NDArray[np.bool_]
    publisher: NDArray[np.int64]
    own: NDArray[np.float64] | None = None


def pair_context(
    catalogue: Sequence[CatalogueItem], text: TextPart, head: NDArray[np.int32], size: int
) -> PairContext:
    """Lay texts and publishers of a platform's catalogue out over the head.

    Args:
        catalogue: The platform's items.
        text: Their likeness.
        head: Each item's place in the head, or -1; int32, `(items,)`.
        size: Items of the head.
    """
    likeness = np.zeros((size, size), dtype=np.float32)
    rows = np.repeat(head, text.neighbours.shape[1])
    columns = head[text.neighbours.ravel()]
    inside = (rows >= 0) & (columns >= 0)
    np.maximum.at(likeness, (rows[inside], columns[inside]), text.weights.ravel()[inside])
    likeness = np.maximum(likeness, likeness.T)
    np.fill_diagonal(likeness, 0.0)
    has_text = np.zeros(size, dtype=bool)
    publisher = np.full(size, -1, dtype=np.int64)
    numbers: dict[str, int] = {}
    for entry, place in zip(catalogue, head, strict=True):
        if place < 0:
            continue
        has_text[place] |= bool(entry.title or entry.description)
        if entry.publisher:
            publisher[place] = numbers.setdefault(entry.publisher, len(numbers))
    return PairContext(likeness, has_text, publisher)


def denoise_pairs(
    square: NDArray[np.float64],
    popularity: NDArray[np.float64],
    sd: float,
    chosen: NDArray[np.bool_],
    context: PairContext | None,
) -> NDArray[np.float64]:
    """Estimate the chosen cells of the upper triangle; the others become 0.

    Args:
        square: Noised together sums, symmetric, zero diagonal; float64, `(K, K)`.
        popularity: Denoised popularity; float64, `(K,)`.
        sd: Noise sd of a cell; 0 without noise.
        chosen: Cells of the upper triangle, row-major; bool, `(K (K - 1) / 2,)`.
        context: What the prior may look at; None looks at popularity alone.

    Returns:
        float64, `(K (K - 1) / 2,)`.
    """
    upper = np.triu(np.ones(square.shape, dtype=bool), 1)
    cells = square[upper]
    estimated = np.zeros(cells.size)
    product = np.outer(popularity + _SMOOTHING, popularity + _SMOOTHING)[upper][chosen]
    estimated[chosen] = _by_popularity(cells[chosen], product, sd)
    if context is not None and sd > 0:
        found = _by_network(square, cells, popularity, sd, chosen, context)
        if found is not None:
            estimated[chosen] += NETWORK_SHARE * (found - estimated[chosen])
    return estimated


def _by_popularity(
    cells: NDArray[np.float64], product: NDArray[np.float64], sd: float
) -> NDArray[np.float64]:
    """Denoise pairs of more popular items apart from others: each level has its own prior.

    Args:
        cells: Noised cells; float64, `(n,)`.
        product: Product of the two items' popularities; float64, `(n,)`.
        sd: Noise sd of a cell.
    """
    levels = [level for level in LEVELS if (1.0 - level) * cells.size >= _FEWEST_CELLS]
    if not levels or sd == 0:
        return denoise(cells, sd)
    stratum = np.searchsorted(np.quantile(product, levels), product)
    estimated = np.zeros(cells.size)
    for number in range(len(levels) + 1):
        here = stratum == number
        estimated[here] = denoise(cells[here], sd)
    return estimated


def _by_network(
    square: NDArray[np.float64],
    cells: NDArray[np.float64],
    popularity: NDArray[np.float64],
    sd: float,
    chosen: NDArray[np.bool_],
    context: PairContext,
) -> NDArray[np.float64] | None:
    """Two rounds of the prior network; None without torch or where features do not help."""
    try:
        from recommender.network.prior import denoise_with_features  # noqa: PLC0415 - optional
    except ImportError:
        return None
    upper = np.triu(np.ones(square.shape, dtype=bool), 1)
    known = np.where(square > _FIRST_SD * sd, square, 0.0).astype(np.float32)
    found = None
    for number in range(ROUNDS):
        features = pair_features(known, popularity, context)[chosen]
        found = denoise_with_features(cells[chosen], features, sd, seed=number)
        if found is None:
            return None
        if number + 1 < ROUNDS:
            known[:] = 0.0
            triangle = np.zeros(cells.size, dtype=np.float32)
            triangle[chosen] = np.where(found > _LATER_SD * sd, found, 0.0)
            known[upper] = triangle
            known += known.T
    return found


def pair_features(
    known: NDArray[np.float32], popularity: NDArray[np.float64], context: PairContext
) -> NDArray[np.float32]:
    """Features of all cells of the upper triangle, standardised and clipped at 6 sd.

    With D = q + 5 and N = D^-1/2 T D^-1/2: the larger and smaller log D; likeness of text; both
    have text; one publisher; log (N^2 + 1e-4); log of the two-step walk; log of the mean of N over
    each item's 15 nearest by text; how many pairs the two items have for their popularity; the
    larger and smaller log of their row sums; with `context.own` the log of own pairs + .1.

    Args:
        known: T, a first estimate of the pairs, symmetric, zero diagonal; float32, `(K, K)`.
        popularity: q; float64, `(K,)`.
        context: Texts, publishers, own exact pairs.

    Returns:
        float32, `(K (K - 1) / 2, features)`.
    """
    size = popularity.size
    upper = np.triu(np.ones((size, size), dtype=bool), 1)
    degree = (popularity + _SMOOTHING).astype(np.float32)
    root: NDArray[np.float32] = (1.0 / np.sqrt(degree)).astype(np.float32)
    normal: NDArray[np.float32] = known * root[:, None] * root[None, :]
    columns = [
        *_larger_and_smaller(np.log(degree), upper),
        context.text[upper],
        np.logical_and.outer(context.has_text, context.has_text)[upper],
        _same_publisher(context.publisher)[upper],
        np.log((normal @ normal)[upper] + 1e-4),
        np.log(_walk(known, degree)[upper] + 0.01),
        np.log(_near_by_text(normal, context.text)[upper] + 1e-4),
        *_strengths(known, np.log(degree), upper),
    ]
    if context.own is not None:
        columns.append(np.log(context.own[upper] + 0.1))
    table = np.empty((columns[0].size, len(columns)), dtype=np.float32)
    for place, column in enumerate(columns):
        table[:, place] = _standardised(column)
    return table


def _larger_and_smaller(
    values: NDArray[np.float32], upper: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return np.maximum.outer(values, values)[upper], np.minimum.outer(values, values)[upper]


def _same_publisher(publisher: NDArray[np.int64]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (publisher[:, None] == publisher[None, :]) & (publisher >= 0)
    return same


def _walk(known: NDArray[np.float32], degree: NDArray[np.float32]) -> NDArray[np.float32]:
    """From i over any third item to j, times D_i, the mean of both ways; the pair itself left out.

    P_ik = T_ik / (row sum_i - T_ij + 5) and P_kj = T_kj / (row sum_k + 5).
    """
    total = known.sum(axis=1)
    steps = known @ (known / (total + _SMOOTHING)[:, None])
    steps *= degree[:, None]
    steps /= np.maximum(total[:, None] - known, 0.0) + _SMOOTHING
    walk: NDArray[np.float32] = (steps + steps.T) / 2.0
    return walk


def _near_by_text(normal: NDArray[np.float32], text: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of N over the 15 nearest of j by text, weights G^2, the mean of both directions."""
    size = text.shape[0]
    weights: NDArray[np.float32] = np.zeros_like(text)
    if size > TEXT_NEIGHBOURS:
        nearest = np.argsort(-text, axis=1, kind="stable")[:, :TEXT_NEIGHBOURS]
        values = np.take_along_axis(text, nearest, axis=1) ** 2
        np.put_along_axis(weights, nearest, values, axis=1)
    else:
        np.square(text, out=weights)
    whole = weights.sum(axis=1, keepdims=True)
    np.divide(weights, whole, out=weights, where=whole > 0)
    mean = normal @ weights.T
    both: NDArray[np.float32] = ((mean + mean.T) / 2.0).astype(np.float32)
    return both


def _strengths(
    known: NDArray[np.float32], log_degree: NDArray[np.float32], upper: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Number of pairs of both items for their popularity, larger and smaller row sum, less own."""
    there = known > 0
    pairs = there.sum(axis=1).astype(np.float32)[:, None] - there
    lonely = np.log1p(pairs) - 0.5 * log_degree[:, None]
    sums = np.log(np.maximum(known.sum(axis=1)[:, None] - known, 0.0) + _SMOOTHING)
    return (
        (lonely + lonely.T)[upper],
        np.maximum(sums, sums.T)[upper],
        np.minimum(sums, sums.T)[upper],
    )


def _standardised(column: NDArray[np.float32] | NDArray[np.bool_]) -> NDArray[np.float32]:
    values = column.astype(np.float32)
    centred = values - values.mean(dtype=np.float64)
    spread = float(centred.std(dtype=np.float64))
    if not spread > 1e-6:
        return np.zeros_like(values)
    scaled: NDArray[np.float32] = np.clip(centred / spread, -_CLIP, _CLIP).astype(np.float32)
    return scaled
