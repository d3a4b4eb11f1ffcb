"""A platform's own exact statistics: never released, never leave the institution (R5).

R17: a learner counts once per pair, a pair counts only with at least 10 distinct learners behind
it, and below 50 learners there are no own statistics at all. The unit of every figure is that of
the release (R8, without its grid): a learner with long histories counts 1 over a whole block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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
    """Exact sums over a platform's learners.

    Attributes:
        learners: Learners with an item.
        domain: Items with pair statistics, ascending; int32, `(m,)`.
        together: How strongly pairs go together, symmetric, zero diagonal; float64, `(m, m)`.
        direction: `direction[i, j]` > 0 where i comes first; antisymmetric; float64, `(m, m)`.
        popularity: How popular each item is, zero where R17 hides it; float64, `(items,)`.
        support: Distinct learners behind a pair, symmetric; int32, `(m, m)`.
    """

    learners: int
    domain: NDArray[np.int32]
    together: NDArray[np.float64]
    direction: NDArray[np.float64]
    popularity: NDArray[np.float64]
    support: NDArray[np.int32]


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
    pair_floor: int = PAIR_FLOOR,
    learner_floor: int = LEARNER_FLOOR,
    most_items: int = MAX_ITEMS,
) -> OwnStatistics | None:
    """Sum a platform's histories exactly.

    Args:
        sequences: Histories of consenting learners over the platform's own items.
        items: Number of items.
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
    domain = _most_popular(popularity, most_items)
    together, direction, support = _pair_sums(recent, domain, items)
    hidden = support < pair_floor
    together[hidden] = 0.0
    direction[hidden] = 0.0
    return OwnStatistics(learners, domain, together, direction, popularity, support)


def _most_popular(popularity: NDArray[np.float64], most: int) -> NDArray[np.int32]:
    seen = np.flatnonzero(popularity)
    if seen.size > most:
        order = np.lexsort((seen, -popularity[seen]))
        seen = np.sort(seen[order[:most]])
    return seen.astype(np.int32)


def _pair_sums(
    recent: Sequences, domain: NDArray[np.int32], items: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]:
    """Sums over learners of t[i, j] = decay^(lag - 1), divided by max(norm, clip) (R8)."""
    size = domain.size
    place = np.full(items, -1, dtype=np.int64)
    place[domain] = np.arange(size)
    lengths = recent.lengths()
    norms = block_norms(int(lengths.max(initial=0)))
    weight = np.repeat(1.0 / np.maximum(norms[lengths], CLIP), lengths)
    learner = np.repeat(np.arange(lengths.size), lengths)
    where = place[recent.items]
    ahead = np.zeros(size * size)  # ahead[i, j]: i came before j
    support = np.zeros(size * size, dtype=np.int64)
    for lag in range(1, REACH + 1):
        same = learner[:-lag] == learner[lag:]
        before, after = where[:-lag], where[lag:]
        same &= (before >= 0) & (after >= 0)
        cell = before[same] * size + after[same]
        ahead += np.bincount(cell, weight[:-lag][same] * DECAY ** (lag - 1), size * size)
        support += np.bincount(cell, minlength=size * size)
    forward = ahead.reshape(size, size)
    count = support.reshape(size, size)
    return forward + forward.T, forward - forward.T, (count + count.T).astype(np.int32)
