"""How much each part counts on this platform: the default mix, adjusted where the data carry it.

A part's weight is its default times exp(theta). theta is fitted on the platform's own hold-out by
the softmax likelihood of the held-out items among the union of each part's first 60, with
theta ~ N(0, .25): few hold-outs move it little, and a part that misleads (merged sums that are
junk, texts that tell nothing) loses its weight. A hold-out is never quite like what comes, so that
more than 400 count as 400. The way own pairs are solved, then the history's memory, and once more
the way of solving where the memory changed, are chosen by the same likelihood; they leave the
default only when they beat it by more than a standard error and rank held-out items no lower, or
by two and lower by no more than half a standard error. What is fitted stays at home (R5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from recommender.statistics.serving_model import PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from recommender.statistics.blend import Mix
    from recommender.statistics.holdout import HoldOut
    from recommender.statistics.serving_model import ServingModel

FEWEST = 30
"""Hold-outs below which the default stays."""

VARIANCE = 0.25
"""Of theta's prior."""

MEMORIES = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Weights of a history item a step older that are tried."""

MOST = 1.5
"""|theta| at most: a hold-out that is unlike what comes may not turn the mix over."""

COUNTED = 400
"""Hold-outs that count in full; more weigh as much as so many together."""

CLEARLY = 2.0
SLACK = 0.5
"""What is so many standard errors likelier may rank held-out items so many lower: level ranks fall
by chance."""

FIRST = 60
_AT = 10
_BATCH = 128


@dataclass(frozen=True, eq=False)
class Candidates:
    """The items between which a hold-out is decided.

    Attributes:
        start: Where each target's candidates begin; int64, `(targets + 1,)`.
        scores: Unweighted parts of each candidate; float64, `(candidates, parts)`.
        share: 1 over the number of held-out items at each of them, else 0; float64,
            `(candidates,)`.
    """

    start: NDArray[np.int64]
    scores: NDArray[np.float64]
    share: NDArray[np.float64]


def fit_mix(models: Mapping[tuple[float, float], ServingModel], held: HoldOut, default: Mix) -> Mix:
    """Adjust the default mix to a hold-out.

    Args:
        models: Fitted without the hold-out, by the ridge's share and memory; the default's, (0, 0),
            among them. One with a short memory is tried with a short history.
        held: The hold-out.
        default: What is adjusted.

    Returns:
        The fitted mix; the default if nothing finite could be fitted.
    """
    usual = (default.ridge, default.ridge_memory)
    places = places_of(models[usual], held)
    start = np.array([default.weights.get(name, 0.0) for name in PARTS])

    def attempt(form: tuple[float, float], decay: float) -> _Trial:
        return _Trial.of(form, replace(models[form], decay=decay), held, places, start)

    first = attempt(usual, default.decay)
    best = _best_memory(_best_form(first, models, attempt), attempt)
    if best.model.decay != default.decay:
        again = _best_form(best, models, attempt)
        best = best if again is best else _best_memory(again, attempt)
    if not np.isfinite(best.weights).all() or not np.isfinite(best.likelihood).all():
        return replace(default, holdouts=len(held.known))
    return replace(
        default,
        weights=dict(zip(default.weights, _of(default, best.weights), strict=True)),
        decay=best.model.decay,
        ridge=best.form[0],
        ridge_memory=best.form[1],
        holdouts=len(held.known),
        fitted=True,
        gain=float(np.mean(best.likelihood - first.likelihood_of(start))),
    )


def _best_form(
    best: _Trial,
    forms: Iterable[tuple[float, float]],
    attempt: Callable[[tuple[float, float], float], _Trial],
) -> _Trial:
    """Every other way of solving, a ridge's with no more than the memory it was made for."""
    begun, decay = best.form, best.model.decay
    for form in forms:
        if form != begun:
            trial = attempt(form, min(decay, form[1]) if form[1] > 0 else decay)
            if trial.clearly_beats(best):
                best = trial
    return best


def _best_memory(best: _Trial, attempt: Callable[[tuple[float, float], float], _Trial]) -> _Trial:
    """Longer memories, then shorter ones, as long as each beats the one before."""
    decay = best.model.decay
    longer = [memory for memory in MEMORIES if memory > decay]
    shorter = [memory for memory in reversed(MEMORIES) if memory < decay]
    for memories in (longer, shorter):
        for memory in memories:
            trial = attempt(best.form, memory)
            if not trial.clearly_beats(best):
                break
            best = trial
    return best


def _of(mix: Mix, weights: NDArray[np.float64]) -> list[float]:
    """Weights in the order of the mix, out of those in the order of `PARTS`."""
    return [float(weights[PARTS.index(name)]) for name in mix.weights]


def softmax_likelihood(
    candidates: Candidates, weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log likelihood of each hold-out, and the gradient of their sum.

    Args:
        candidates: Between what it is decided.
        weights: Of the parts; float64, `(parts,)`.

    Returns:
        float64, `(targets,)`; and float64, `(parts,)`.
    """
    total = candidates.scores @ weights
    begin = candidates.start[:-1]
    lengths = np.diff(candidates.start)
    largest = np.maximum.reduceat(total, begin)
    raised = np.exp(total - np.repeat(largest, lengths))
    whole = np.add.reduceat(raised, begin)
    chance = raised / np.repeat(whole, lengths)
    said = np.add.reduceat(total * candidates.share, begin) - largest - np.log(whole)
    return said, candidates.scores.T @ (candidates.share - chance)


def rank_gains(candidates: Candidates, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """NDCG@10 of the best held-out item of each target among its candidates.

    Args:
        candidates: Between what it is decided.
        weights: Of the parts; float64, `(parts,)`.

    Returns:
        float64, `(targets,)`.
    """
    total = candidates.scores @ weights
    begin, lengths = candidates.start[:-1], np.diff(candidates.start)
    held = np.where(candidates.share > 0, total, -np.inf)
    best = np.repeat(np.maximum.reduceat(held, begin), lengths)
    rank = 1 + np.add.reduceat((total > best).astype(np.int64), begin)
    return np.where(rank <= _AT, 1.0 / np.log2(1.0 + rank), 0.0)


@dataclass(frozen=True, eq=False)
class _Trial:
    """One memory and one way of solving, its weights fitted."""

    form: tuple[float, float]
    model: ServingModel
    candidates: Candidates
    weights: NDArray[np.float64]
    likelihood: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        form: tuple[float, float],
        model: ServingModel,
        held: HoldOut,
        places: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
        start: NDArray[np.float64],
    ) -> _Trial:
        candidates = _read_candidates(model, held, places)
        weights = fit_weights(candidates, start)
        return cls(form, model, candidates, weights, softmax_likelihood(candidates, weights)[0])

    def likelihood_of(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return softmax_likelihood(self.candidates, weights)[0]

    def clearly_beats(self, other: _Trial) -> bool:
        """By the paired differences, in standard errors, of likelihood and of rank."""
        likelier = _in_errors(self.likelihood - other.likelihood)
        higher = _in_errors(self.rank_gains() - other.rank_gains())
        return (likelier > 1 and higher >= 0) or (likelier > CLEARLY and higher >= -SLACK)

    def rank_gains(self) -> NDArray[np.float64]:
        """NDCG@10 of the best held-out item of each target among its candidates."""
        return rank_gains(self.candidates, self.weights)


def _in_errors(differences: NDArray[np.float64]) -> float:
    """Their mean over its standard error."""
    error = float(differences.std() / np.sqrt(differences.size))
    return float(differences.mean()) / max(error, 1e-12)


def fit_weights(candidates: Candidates, start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights start x exp(theta) of the largest posterior; float64, `(parts,)`."""
    tempered = min(1.0, COUNTED / (candidates.start.size - 1))

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = start * np.exp(theta)
        said, gradient = softmax_likelihood(candidates, weights)
        value = float((theta**2).sum() / (2.0 * VARIANCE) - tempered * said.sum())
        return value, theta / VARIANCE - tempered * gradient * weights

    found = minimize(
        loss, np.zeros(start.size), jac=True, method="L-BFGS-B", bounds=[(-MOST, MOST)] * start.size
    )
    weights: NDArray[np.float64] = start * np.exp(found.x)
    return weights


def places_of(
    model: ServingModel, held: HoldOut
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Target, item and share of each candidate: the same for every memory that is tried."""
    plain = replace(model, blend=np.ones(len(PARTS), dtype=np.float32))
    found = []
    for rows, scores in _batches(plain, held):
        some = np.zeros((rows.size, len(model.item_ids)), dtype=bool)
        depth = min(FIRST, len(model.item_ids))
        for part in scores:
            nearest = np.argpartition(-part, depth - 1, axis=1)[:, :depth]
            row, place = np.nonzero(np.take_along_axis(part, nearest, axis=1) > 0)
            some[row, nearest[row, place]] = True  # whatever other parts say of it
        known, targets = held.known.select(rows), held.targets.select(rows)
        some[np.repeat(np.arange(rows.size), known.lengths()), known.items] = False
        share = np.zeros(some.shape)
        of = np.repeat(np.arange(rows.size), targets.lengths())
        share[of, targets.items] = 1.0 / targets.lengths()[of]
        row, item = np.nonzero(some | (share > 0))
        found.append((rows[row], item, share[row, item]))
    return (
        np.concatenate([target for target, _, _ in found]),
        np.concatenate([item for _, item, _ in found]),
        np.concatenate([share for _, _, share in found]),
    )


def _read_candidates(
    model: ServingModel,
    held: HoldOut,
    places: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
) -> Candidates:
    target, item, share = places
    plain = replace(model, blend=np.ones(len(PARTS), dtype=np.float32))
    start = np.searchsorted(target, np.arange(len(held.known) + 1))
    table = np.empty((target.size, len(PARTS)))
    for rows, scores in _batches(plain, held):
        here = slice(start[rows[0]], start[rows[-1] + 1])
        table[here] = scores[:, target[here] - rows[0], item[here]].T
    return Candidates(start.astype(np.int64), table, share)


def _batches(
    model: ServingModel, held: HoldOut
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Unweighted parts, a batch of targets at a time; float32, `(parts, rows, items)`."""
    for first in range(0, len(held.known), _BATCH):
        rows = np.arange(first, min(first + _BATCH, len(held.known)), dtype=np.int64)
        known = held.known.select(rows)
        yield rows, model.score_many(known.start, known.items.astype(np.int64))
