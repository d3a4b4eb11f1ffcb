"""A platform's own exact statistics: never released, never leave the institution (R5).

R17: a learner counts once per pair, a pair counts only with at least 10 distinct learners behind
it, and below 50 learners there are no own statistics at all. Pairs below the floor count in groups
of at least 10 distinct learners (`recommender.statistics.pooling`). The unit of every figure is
that of the release (R8, without its grid): a learner with long histories counts 1 over a whole
block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from recommender.statistics.pooling import Guess, group_pairs, guess_pairs, pool_pairs
from recommender.statistics.starts import own_length, own_starts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.statistics.sequences import Sequences

PAIR_FLOOR = 10
"""Distinct learners behind a pair before it is used (R17)."""

LEARNER_FLOOR = 50
"""Learners before a platform has own statistics (R17)."""

KEEP = 30
REACH = 10
DECAY = 0.8
CLIP = 2.0
MAX_ITEMS = 2000
"""Items with pair statistics: the most popular ones; the solve is cubic in their number."""


@dataclass(frozen=True, eq=False)
class OwnStatistics:
    """Sums over a platform's learners, pairs below R17's floor in groups.

    Attributes:
        learners: Learners with an item.
        domain: Items with pair statistics, ascending; int32, `(m,)`.
        together: How strongly pairs go together, symmetric, zero diagonal; float64, `(m, m)`.
        direction: `direction[i, j]` > 0 where i comes first; antisymmetric; float64, `(m, m)`.
        popularity: How popular each item is, by the last 30 of each learner; float64, `(items,)`.
        visits: Learners who ever visited an item; float64, `(items,)`.
        starts: How often learners begin with an item, zero below the floor; float64, `(items,)`.
        support: Distinct learners behind a pair, symmetric; int32, `(m, m)`.
        visible: Pairs at or above the floor, exact; symmetric; bool, `(m, m)`.
        groups: Which group of each row's item a hidden pair belongs to, or -1; int32, `(m, m)`.
        guess: Lays a group's sum out over its pairs.
        moments: Mean time of each item's visits, NaN where it is not known; float64, `(items,)`.
        unit: What one learner adds to a pair on average, over all pairs.
        length: Mean number of a learner's items, 30 at most for each.
    """

    learners: int
    domain: NDArray[np.int32]
    together: NDArray[np.float64]
    direction: NDArray[np.float64]
    popularity: NDArray[np.float64]
    visits: NDArray[np.float64]
    starts: NDArray[np.float64]
    support: NDArray[np.int32]
    visible: NDArray[np.bool_]
    groups: NDArray[np.int32]
    guess: Guess
    moments: NDArray[np.float64]
    unit: float
    length: float

    def within_floor(self, sums: NDArray[np.float64], *, signed: bool) -> NDArray[np.float64]:
        """What R17 lets through of exact sums over `domain`.

        Args:
            sums: Symmetric, or antisymmetric if `signed`; float64, `(m, m)`.
            signed: Whether they say which item comes first.
        """
        return np.where(self.visible, sums, 0.0) + pool_pairs(
            sums, self.groups, self.guess, signed=signed
        )


def block_norms(longest: int, keep: int = KEEP, reach: int = REACH) -> NDArray[np.float64]:
    """L2 norm of a pair block by history length 0 to `longest`; float64, `(longest + 1,)`.

    A pair occurs once in a history, at its lag, so the norm depends on the length alone:
    sqrt(sum over lags l of (k - l) decay^(2 (l - 1))).
    """
    lengths = np.minimum(np.arange(longest + 1), keep)
    lags = np.arange(1, reach + 1)
    pairs = np.maximum(lengths[:, None] - lags[None, :], 0)  # (longest + 1, reach)
    norms: NDArray[np.float64] = np.sqrt((pairs * DECAY ** (2.0 * (lags - 1))).sum(axis=1))
    return norms


def own_statistics(
    sequences: Sequences,
    items: int,
    *,
    moments: NDArray[np.float64] | None = None,
    pair_floor: int = PAIR_FLOOR,
    learner_floor: int = LEARNER_FLOOR,
    most_items: int = MAX_ITEMS,
) -> OwnStatistics | None:
    """Sum a platform's histories.

    Args:
        sequences: Histories of consenting learners over the platform's own items.
        items: Number of items.
        moments: Mean time of each item's visits, NaN where it is not known; float64, `(items,)`.
        pair_floor: R17's floor for a pair; 0 only where a rule says so (`compare`'s `local`).
        learner_floor: R17's floor for a platform.
        most_items: Items with pair statistics at most.

    Returns:
        The sums, or None where R17 switches them off.
    """
    learners = int((sequences.lengths() > 0).sum())
    if learners < max(learner_floor, 1) or items == 0:
        return None
    recent = sequences.last(KEEP)
    lengths = recent.lengths()
    scale = np.repeat(1.0 / np.maximum(np.sqrt(lengths), CLIP), lengths)
    popularity = np.bincount(recent.items, scale, minlength=items).astype(np.float64)
    visits = np.bincount(sequences.items, minlength=items).astype(np.float64)
    domain = _most_popular(popularity, most_items)
    walks = _Walks.of(recent, domain, items)
    together, direction, support = walks.sums()
    visible = support >= pair_floor
    usual = np.full(items, np.nan) if moments is None else moments
    guess = guess_pairs(
        np.where(visible, together, 0.0), popularity[domain], usual[domain], _step(recent, usual)
    )
    groups = np.full(visible.shape, -1, np.int32)
    if not visible.all():
        hidden = ~visible & ~np.eye(domain.size, dtype=bool)
        groups = group_pairs(walks.over(hidden), hidden, guess, pair_floor)
    exact = OwnStatistics(
        learners,
        domain,
        together,
        direction,
        popularity,
        visits,
        own_starts(sequences, items, pair_floor),
        support,
        visible,
        groups,
        guess,
        usual,
        float(together.sum() / max(int(support.sum()), 1)),
        own_length(sequences),
    )
    together = exact.within_floor(together, signed=False)
    direction = np.clip(exact.within_floor(direction, signed=True), -together, together)
    return replace(exact, together=together, direction=direction)


def _step(recent: Sequences, moments: NDArray[np.float64]) -> float:
    """Median distance, where there is one, of the moments of items that follow each other; or 0."""
    learner = np.repeat(np.arange(len(recent)), recent.lengths())
    apart = np.abs(np.diff(moments[recent.items]))[learner[1:] == learner[:-1]]
    apart = apart[np.isfinite(apart) & (apart > 0)]
    return float(np.median(apart)) if apart.size else 0.0


def _most_popular(popularity: NDArray[np.float64], most: int) -> NDArray[np.int32]:
    seen = np.flatnonzero(popularity)
    if seen.size > most:
        order = np.lexsort((seen, -popularity[seen]))
        seen = np.sort(seen[order[:most]])
    return seen.astype(np.int32)


@dataclass(frozen=True, eq=False)
class _Walks:
    """Histories as places in the domain (-1 outside), with each learner's weight (R8)."""

    size: int
    where: NDArray[np.int64]
    learner: NDArray[np.int64]
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, recent: Sequences, domain: NDArray[np.int32], items: int) -> _Walks:
        place = np.full(items, -1, dtype=np.int64)
        place[domain] = np.arange(domain.size)
        lengths = recent.lengths()
        norms = block_norms(int(lengths.max(initial=0)))
        return cls(
            domain.size,
            place[recent.items],
            np.repeat(np.arange(lengths.size), lengths),
            np.repeat(1.0 / np.maximum(norms[lengths], CLIP), lengths),
        )

    def _at(self, lag: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Cells of the pairs so many steps apart, and which places of a history begin one."""
        before, after = self.where[:-lag], self.where[lag:]
        both = self.learner[:-lag] == self.learner[lag:]
        both &= (before >= 0) & (after >= 0)
        return before[both] * self.size + after[both], both

    def sums(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]:
        """Sums over learners of t[i, j] = decay^(lag - 1), divided by max(norm, clip) (R8)."""
        cells = self.size * self.size
        ahead = np.zeros(cells)  # ahead[i, j]: i came before j
        support = np.zeros(cells, dtype=np.int64)
        for lag in range(1, REACH + 1):
            cell, both = self._at(lag)
            ahead += np.bincount(cell, self.weight[:-lag][both] * DECAY ** (lag - 1), cells)
            support += np.bincount(cell, minlength=cells)
        forward = ahead.reshape(self.size, self.size)
        count = support.reshape(self.size, self.size)
        return forward + forward.T, forward - forward.T, (count + count.T).astype(np.int32)

    def over(
        self, hidden: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Both items and the learner of each walk of a hidden pair."""
        cells, learners = [], []
        for lag in range(1, REACH + 1):
            cell, both = self._at(lag)
            below = hidden.ravel()[cell]
            cells.append(cell[below])
            learners.append(self.learner[:-lag][both][below])
        first, second = np.divmod(np.concatenate(cells), self.size)
        return first, second, np.concatenate(learners)
