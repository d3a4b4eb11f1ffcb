"""How much each part counts: one weight each, by the softmax likelihood of held-out items.

Weights have the prior N(7 / parts, 4); a part that only repeats others may get a negative one. The
hold-outs are what training learners came to next, and parts are fitted without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.optimize import minimize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.statistics.sequences import Sequences

FIRST = 60
"""First items of each part between which a hold-out is decided."""

OTHERS = 100
"""Items drawn from all the rest; each stands for so many as it was drawn from."""

TOGETHER = 7.0
VARIANCE = 4.0
_BATCH = 128
_AT = 10
_CLEARLY = 2.0
_CLEARLY_MANY = 30


class Part(Protocol):
    """Something that scores items, each row's largest being 1."""

    @property
    def name(self) -> str:
        """Of the part."""
        ...

    def score(self, histories: Sequences, size: int) -> NDArray[np.float32]:
        """In [0, 1]; float32, `(learners, size)`."""
        ...


@dataclass(frozen=True, eq=False)
class Choices:
    """Candidates of each hold-out.

    Attributes:
        start: Where each hold-out's candidates begin; int64, `(hold-outs,)`.
        scores: Of each part; float64, `(candidates, parts)`.
        share: 1 over the number of held-out items at each of them, else 0; float64,
            `(candidates,)`.
        stands_for: How many items each stands for; float64, `(candidates,)`.
    """

    start: NDArray[np.int64]
    scores: NDArray[np.float64]
    share: NDArray[np.float64]
    stands_for: NDArray[np.float64]


def read_choices(
    parts: Sequence[Part], histories: Sequences, following: Sequences, size: int
) -> Choices:
    """What followed, against all that the learner does not know.

    The union of the parts' first 60, and some drawn from the rest, so that the likelihood's sum
    over all items is estimated without bias: against first items alone a part that seldom puts what
    comes next among them (popularity, in a large catalogue) would count against all it speaks for.
    """
    starts, tables, shares, counts, seen = [], [], [], [], 0
    rng = np.random.default_rng([0, 47])
    for first in range(0, len(histories), _BATCH):
        rows = np.arange(first, min(first + _BATCH, len(histories)), dtype=np.int64)
        known, targets = histories.select(rows), following.select(rows)
        scores = np.stack([part.score(known, size) for part in parts])  # (parts, rows, items)
        some = _first_items(scores, known)
        share = np.zeros(some.shape)
        of = np.repeat(np.arange(rows.size), targets.lengths())
        share[of, targets.items] = 1.0 / targets.lengths()[of]
        stands_for = _with_others(some | (share > 0), known, rng)
        row, item = np.nonzero(stands_for)
        starts.append(seen + np.searchsorted(row, np.arange(rows.size)))
        tables.append(scores[:, row, item].T.astype(np.float64))
        shares.append(share[row, item])
        counts.append(stands_for[row, item])
        seen += row.size
    return Choices(
        np.concatenate(starts).astype(np.int64),
        np.concatenate(tables),
        np.concatenate(shares),
        np.concatenate(counts),
    )


def join_choices(several: Sequence[Choices]) -> Choices:
    """Choices of several hold-outs as one."""
    before = np.cumsum([0, *(each.share.size for each in several)])
    return Choices(
        np.concatenate([each.start + at for each, at in zip(several, before, strict=False)]),
        np.concatenate([each.scores for each in several]),
        np.concatenate([each.share for each in several]),
        np.concatenate([each.stands_for for each in several]),
    )


def default_weights(parts: int) -> NDArray[np.float64]:
    """The prior's mean: all alike."""
    return np.full(parts, TOGETHER / max(parts, 1))


def fit_weights(choices: Choices, mean: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Weights of the largest posterior; the prior's mean if nothing finite is found.

    Args:
        choices: Between what it was decided.
        mean: The prior's; None is `default_weights`. float64, `(parts,)`.
    """
    start = default_weights(choices.scores.shape[1]) if mean is None else mean
    of = np.repeat(
        np.arange(choices.start.size), np.diff(np.append(choices.start, choices.share.size))
    )

    offset = np.log(choices.stands_for)

    def loss(moved: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = choices.scores @ (start + moved) + offset
        logits -= np.maximum.reduceat(logits, choices.start)[of]
        chance = np.exp(logits)
        total = np.add.reduceat(chance, choices.start)
        said = choices.share @ (logits - np.log(total)[of])  # offsets of held-out items are 0
        gradient = choices.scores.T @ (choices.share - chance / total[of])
        return float(moved @ moved / (2 * VARIANCE) - said), moved / VARIANCE - gradient

    found = minimize(loss, np.zeros(start.size), jac=True, method="L-BFGS-B")
    weights: NDArray[np.float64] = start + found.x
    return weights if np.isfinite(weights).all() else start


def fit_where_clear(choices: Sequence[Choices], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights for some learners apart from others, if these clearly rank better.

    Fitted on either half of the choices, they must gain two standard errors on the other.

    Args:
        choices: Of these learners.
        usual: Everybody's weights; float64, `(parts,)`.
    """
    if sum(each.start.size for each in choices) < 2 * _CLEARLY_MANY:
        return usual
    every = join_choices(choices)
    halves = [_some(every, first) for first in (0, 1)]
    gains = np.concatenate(
        [
            rank_gains(other, fit_weights(half, usual)) - rank_gains(other, usual)
            for half, other in (halves, reversed(halves))
        ]
    )
    clear = gains.mean() > _CLEARLY * gains.std() / np.sqrt(gains.size)
    return fit_weights(every, usual) if clear else usual


def rank_gains(choices: Choices, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """NDCG@10 of the best of what followed, for each hold-out; float64, `(hold-outs,)`."""
    total = choices.scores @ weights
    best = np.maximum.reduceat(np.where(choices.share > 0, total, -np.inf), choices.start)
    above = choices.stands_for * (total > best[_row_of(choices)])
    rank = np.add.reduceat(above, choices.start)
    gains: NDArray[np.float64] = np.where(rank < _AT, 1.0 / np.log2(rank + 2.0), 0.0)
    return gains


def _row_of(choices: Choices) -> NDArray[np.int64]:
    """The hold-out of each candidate; int64, `(candidates,)`."""
    lengths = np.diff(np.append(choices.start, choices.share.size))
    return np.repeat(np.arange(choices.start.size), lengths)


def _some(choices: Choices, first: int) -> Choices:
    """Every second hold-out."""
    of = _row_of(choices)
    kept = of % 2 == first
    start = np.searchsorted(of[kept], np.arange(first, choices.start.size, 2))
    return Choices(
        start.astype(np.int64),
        choices.scores[kept],
        choices.share[kept],
        choices.stands_for[kept],
    )


def _first_items(scores: NDArray[np.float32], known: Sequences) -> NDArray[np.bool_]:
    """The union of the parts' first items, known ones left out; bool, `(rows, items)`."""
    rows, items = scores[0].shape
    some = np.zeros((rows, items), dtype=bool)
    depth = min(FIRST, items)
    for part in scores:
        nearest = np.argpartition(-part, depth - 1, axis=1)[:, :depth]
        np.put_along_axis(some, nearest, np.take_along_axis(part, nearest, 1) > 0, axis=1)
    some[np.repeat(np.arange(rows), known.lengths()), known.items] = False
    return some


def _with_others(
    some: NDArray[np.bool_], known: Sequences, rng: np.random.Generator
) -> NDArray[np.float64]:
    """How many items each stands for, 0 if it is left out; float64, `(rows, items)`."""
    drawn = rng.random(some.shape)
    drawn[some] = 2.0
    drawn[np.repeat(np.arange(len(known)), known.lengths()), known.items] = 2.0
    rest = (drawn < 1.0).sum(axis=1)
    kept = min(OTHERS, some.shape[1])
    nearest = np.argpartition(drawn, kept - 1, axis=1)[:, :kept]
    each = (rest / np.maximum(np.minimum(rest, kept), 1))[:, None]
    stands_for = some.astype(np.float64)
    values = np.where(np.take_along_axis(drawn, nearest, 1) < 1.0, each, 0.0)
    before = np.take_along_axis(stands_for, nearest, 1)
    np.put_along_axis(stands_for, nearest, np.maximum(values, before), axis=1)
    return stands_for
