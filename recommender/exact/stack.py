"""How much each part counts: one weight each, by the softmax likelihood of held-out items.

Weights have the prior N(7 / parts, 4); a part that only repeats others may get a negative one. The
hold-outs are the last items of training learners, and parts are fitted without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.optimize import minimize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.statistics.holdout import HoldOut
    from recommender.statistics.sequences import Sequences

FIRST = 60
"""First items of each part between which a hold-out is decided."""

TOGETHER = 7.0
VARIANCE = 4.0
_BATCH = 128


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
    """

    start: NDArray[np.int64]
    scores: NDArray[np.float64]
    share: NDArray[np.float64]


def read_choices(parts: Sequence[Part], held: HoldOut, size: int) -> Choices:
    """Each hold-out against the union of the parts' first 60 that the learner does not know."""
    starts, tables, shares, seen = [], [], [], 0
    for first in range(0, len(held.known), _BATCH):
        rows = np.arange(first, min(first + _BATCH, len(held.known)), dtype=np.int64)
        known, targets = held.known.select(rows), held.targets.select(rows)
        scores = np.stack([part.score(known, size) for part in parts])  # (parts, rows, items)
        some = _first_items(scores, known)
        share = np.zeros(some.shape)
        of = np.repeat(np.arange(rows.size), targets.lengths())
        share[of, targets.items] = 1.0 / targets.lengths()[of]
        row, item = np.nonzero(some | (share > 0))
        starts.append(seen + np.searchsorted(row, np.arange(rows.size)))
        tables.append(scores[:, row, item].T.astype(np.float64))
        shares.append(share[row, item])
        seen += row.size
    return Choices(
        np.concatenate(starts).astype(np.int64), np.concatenate(tables), np.concatenate(shares)
    )


def join_choices(several: Sequence[Choices]) -> Choices:
    """Choices of several hold-outs as one."""
    before = np.cumsum([0, *(each.share.size for each in several)])
    return Choices(
        np.concatenate([each.start + at for each, at in zip(several, before, strict=False)]),
        np.concatenate([each.scores for each in several]),
        np.concatenate([each.share for each in several]),
    )


def default_weights(parts: int) -> NDArray[np.float64]:
    """The prior's mean: all alike."""
    return np.full(parts, TOGETHER / max(parts, 1))


def fit_weights(choices: Choices) -> NDArray[np.float64]:
    """Weights of the largest posterior; the prior's mean if nothing finite is found."""
    start = default_weights(choices.scores.shape[1])
    of = np.repeat(
        np.arange(choices.start.size), np.diff(np.append(choices.start, choices.share.size))
    )

    def loss(moved: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = choices.scores @ (start + moved)
        logits -= np.maximum.reduceat(logits, choices.start)[of]
        chance = np.exp(logits)
        total = np.add.reduceat(chance, choices.start)
        said = choices.share @ (logits - np.log(total)[of])
        gradient = choices.scores.T @ (choices.share - chance / total[of])
        return float(moved @ moved / (2 * VARIANCE) - said), moved / VARIANCE - gradient

    found = minimize(loss, np.zeros(start.size), jac=True, method="L-BFGS-B")
    weights: NDArray[np.float64] = start + found.x
    return weights if np.isfinite(weights).all() else start


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
