"""What texts and the catalogue's order are worth on this log: learned from released sums alone.

No hold-out of rows is needed. Noise of known sd can be split (data fission; Leiner, Duan, Wasserman
and Ramdas 2023): from Y = T + s e and fresh e', Y + .6 s e' and Y - s e' / .6 carry independent
noises. Pairs are estimated from the first; the second is a hold-out whose expectation is T, so
sum C log softmax(score) over it is an unbiased estimate of the likelihood of what came next. It is
post-processing of a release and costs no privacy.

What the release tells of a weight has a known error, and is averaged with a public prior by their
precisions. A release that tells nothing leaves the prior.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from recommender.statistics.blend import PublicWeights
from recommender.statistics.direction import split_directions
from recommender.statistics.gate import merged_gate
from recommender.statistics.merged import estimate
from recommender.statistics.order import is_ordered
from recommender.statistics.solve import BROAD, solve_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.statistics.merged import Estimates, Noised
    from recommender.statistics.serving_parts import TextPart

SPLIT = 0.6
"""How much noise the first half of a split gets; the second gets 1/.6."""

DRAWS = 3
BROAD_DRAWS = 2
"""Splits, whose answers are averaged; above `BROAD` items each takes seconds and has more cells."""

MOST_ROWS = 300
"""Items whose following ones are looked at: the most popular."""

POPULARITY = 0.05
POPULARITY_BESIDE_PAIRS = 0.1
"""What popularity may count more where pairs are clear: there it only tips close scores."""

PRIOR_SD = (0.1, 0.05)
MOST = (0.35, 0.2)
_START = np.array([3.6, 0.3, 0.2, 0.5])
_VARIANCE = 4.0
_LARGEST = 12.0
_CLEAR = 2.0
_FEWEST = 2


def learn_weights(
    noised: Noised | None,
    catalogue: Sequence[CatalogueItem],
    head: NDArray[np.int32],
    text: TextPart,
    order: TextPart,
) -> PublicWeights:
    """What public parts count, learned from sums over those of the head's items that it has.

    Args:
        noised: The released sums; None before the first merge, or without a swarm.
        catalogue: The platform's items.
        head: Each item's place in the head, or -1; int32, `(items,)`.
        text: Likeness of text.
        order: Neighbours in the catalogue's order.
    """
    if noised is not None:
        noised, head = _known(noised, head)
    prior = prior_weights(catalogue, noised)
    if noised is None or noised.together_sd <= 0 or noised.popularity.size < _FEWEST:
        return prior
    rows = np.argsort(-noised.popularity, kind="stable")[:MOST_ROWS]
    public = [_over_head(part, head, noised.popularity.size)[rows] for part in (text, order)]
    draws = BROAD_DRAWS if noised.popularity.size > BROAD else DRAWS
    found = [_learn(noised, rows, public, draw) for draw in range(draws)]
    ratio = np.mean([each[0] for each in found], axis=0)
    precision = np.mean([each[1] for each in found], axis=0)
    wanted = np.array([prior.text, prior.order])
    own = 1.0 / np.square(PRIOR_SD)
    weights = np.clip((own * wanted + precision * ratio) / (own + precision), 0.0, MOST)
    clear = float(np.mean([each[2] for each in found]))
    more = 1.0 + POPULARITY_BESIDE_PAIRS / POPULARITY * clear**2
    return PublicWeights(float(weights[0]), float(weights[1]), prior.popularity * more)


def _known(noised: Noised, head: NDArray[np.int32]) -> tuple[Noised, NDArray[np.int32]]:
    """The sums over items that the platform has, and where its items are among them."""
    places = np.unique(head[head >= 0])
    if places.size == noised.popularity.size:
        return noised, head
    grid = np.ix_(places, places)
    own = replace(
        noised,
        together=noised.together[grid],
        direction=noised.direction[grid],
        popularity=noised.popularity[places],
    )
    return own, np.where(head >= 0, np.searchsorted(places, head), -1).astype(np.int32)


def prior_weights(catalogue: Sequence[CatalogueItem], noised: Noised | None) -> PublicWeights:
    """Public constants, before the release is looked at.

    Texts count more the more items have a description of their own; an order counts more where the
    catalogue states positions than where its rows may stand in any order; popularity counts by the
    share of its variance that is not noise.
    """
    times: dict[str, int] = {}
    for entry in catalogue:
        times[entry.description] = times.get(entry.description, 0) + 1
    own = sum(bool(entry.description) and times[entry.description] == 1 for entry in catalogue)
    told = 0.0
    if noised is not None and noised.popularity.size and noised.popularity.var() > 0:
        spread = float(noised.popularity.var())
        told = max(spread - noised.popularity_sd**2, 0.0) / spread
    return PublicWeights(
        text=0.04 + 0.12 * own / max(len(catalogue), 1),
        order=0.06 if is_ordered(catalogue) else 0.02,
        popularity=POPULARITY * told,
    )


def split_noise(
    noised: Noised, rng: np.random.Generator
) -> tuple[Noised, NDArray[np.float64], float]:
    """Two looks at the same sums, with independent noises.

    Args:
        noised: The sums.
        rng: Draws the noise that splits them.

    Returns:
        The first look, its sds enlarged; the second as directed sums, float64, `(K, K)`; the sd of
        a cell of these.
    """
    together = _fresh(noised.together.shape[0], 1.0, rng) * noised.together_sd
    direction = _fresh(noised.together.shape[0], -1.0, rng) * noised.direction_sd
    wider = float(np.sqrt(1.0 + SPLIT**2))
    first = replace(
        noised,
        together=noised.together + SPLIT * together,
        direction=noised.direction + SPLIT * direction,
        together_sd=wider * noised.together_sd,
        direction_sd=wider * noised.direction_sd,
    )
    second = split_directions(
        noised.together - together / SPLIT, noised.direction - direction / SPLIT
    )
    sd = np.hypot(noised.together_sd, noised.direction_sd) * np.sqrt(1.0 + SPLIT**-2) / 2.0
    return first, second, float(sd)


def _fresh(size: int, sign: float, rng: np.random.Generator) -> NDArray[np.float64]:
    upper = np.triu(rng.standard_normal((size, size)), 1)
    both: NDArray[np.float64] = upper + sign * upper.T
    return both


def _over_head(part: TextPart, head: NDArray[np.int32], size: int) -> NDArray[np.float32]:
    """A part's neighbours as a matrix over the head, each row over its largest; float32, `(K, K)`.

    Copies of one content share a place, and the largest likeness counts.
    """
    square = np.zeros((size, size), dtype=np.float32)
    row = np.repeat(head, part.neighbours.shape[1])
    column = head[part.neighbours.ravel()]
    inside = (row >= 0) & (column >= 0) & (row != column)
    np.maximum.at(square, (row[inside], column[inside]), part.weights.ravel()[inside])
    return _over_largest(square)


def _over_largest(square: NDArray[np.float32]) -> NDArray[np.float32]:
    largest = square.max(axis=1, keepdims=True, initial=0.0)
    share: NDArray[np.float32] = np.divide(
        square, largest, out=np.zeros_like(square), where=largest > 0
    )
    return share


def _learn(
    noised: Noised,
    rows: NDArray[np.int64],
    public: Sequence[NDArray[np.float32]],
    draw: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Weights of the public parts beside the merged one's, and their precisions, by one split.

    And how clear pairs are: the mean of the squared gates, weighted by popularity.
    """
    first, second, sd = split_noise(noised, np.random.default_rng([0, 71, draw]))
    estimates = estimate(first)
    logged = np.log1p(estimates.popularity)
    popular = (logged / max(float(logged.max(initial=0.0)), 1e-9)).astype(np.float32)
    gate = merged_gate(np.zeros_like(estimates.together), estimates.together, first.together_sd)
    whole = max(float(estimates.popularity.sum()), 1e-9)
    clear = float(estimates.popularity @ np.square(gate)) / whole
    parts = [
        _merged_rows(estimates, gate, rows),
        *public,
        np.tile(popular, (rows.size, 1)),
    ]
    features = np.stack(parts)  # (parts, rows, K)
    weights, covariance = _fit(features, rows, second[rows], sd)
    error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    nothing = np.zeros(len(public)), np.zeros(len(public)), clear
    if not np.isfinite(error).all() or weights[0] < _CLEAR * error[0]:
        return nothing
    known = np.array([bool(part.any()) for part in public]) & (error[1:3] > 0)
    precision = np.divide(weights[0] ** 2, error[1:3] ** 2, out=np.zeros(len(public)), where=known)
    return weights[1:3] / weights[0], precision, clear


def _merged_rows(
    estimates: Estimates, gate: NDArray[np.float64], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """What the merged part says after a history of one of the rows; float32, `(rows, K)`."""
    weights = solve_weights(
        estimates.together,
        split_directions(estimates.together, estimates.direction),
        estimates.popularity,
        rows=rows,
    ).astype(np.float32)
    trust = np.square(gate[rows])[:, None].astype(np.float32)
    said: NDArray[np.float32] = _over_largest(weights) * trust
    return said


def _fit(
    features: NDArray[np.float32],
    rows: NDArray[np.int64],
    counts: NDArray[np.float64],
    sd: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Maximise sum C log softmax(w F) less the prior; the covariance of the answer.

    The gradient's error has the covariance V = sd^2 sum (F - mean)(F - mean)'; with the curvature H
    the answer's is about H^-1 (V + H) H^-1.

    Args:
        features: float32, `(parts, rows, K)`.
        rows: The head item of each row; int64, `(rows,)`.
        counts: Noised directed sums; float64, `(rows, K)`.
        sd: Noise sd of a cell of `counts`.
    """
    own = np.zeros(counts.shape, dtype=bool)
    own[np.arange(rows.size), rows] = True
    seen = np.where(own, 0.0, counts)
    said = np.tensordot(features, seen, axes=2)
    mass = np.maximum(seen.sum(axis=1), 0.0)
    whole = float(seen.sum())
    mass *= max(whole, 0.0) / max(float(mass.sum()), 1e-9)

    def chances(weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        logits = np.tensordot(weights.astype(np.float32), features, axes=1).astype(np.float64)
        logits[own] = -np.inf
        largest = logits.max(axis=1, keepdims=True)
        chance = np.exp(logits - largest)
        total = chance.sum(axis=1, keepdims=True)
        return chance / total, (largest + np.log(total))[:, 0]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        chance, logged = chances(weights)
        moved = weights - _START
        value = mass @ logged - weights @ said + moved @ moved / (2.0 * _VARIANCE)
        slope = np.tensordot(features, mass[:, None] * chance, axes=2) - said + moved / _VARIANCE
        return float(value), slope

    bounds = [(0.0, _LARGEST)] * _START.size
    found = minimize(loss, _START, jac=True, method="L-BFGS-B", bounds=bounds)
    chance, _ = chances(found.x)
    centred = features - np.einsum("krc,rc->kr", features, chance)[:, :, None]
    centred[:, own] = 0.0
    curvature = np.einsum("krc,lrc,rc->kl", centred, centred, mass[:, None] * chance, optimize=True)
    noise = sd**2 * np.einsum("krc,lrc->kl", centred, centred, optimize=True)
    inverse = np.linalg.pinv(curvature + 1e-3 * np.eye(_START.size))
    covariance: NDArray[np.float64] = inverse @ (noise + curvature) @ inverse
    return np.asarray(found.x, dtype=np.float64), covariance
