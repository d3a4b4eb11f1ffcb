"""What R17 still allows of pairs with fewer than ten learners: their sums in groups of ten or more.

A pair below the floor is not used. For each item such pairs are put in order by a guess that does
not look at them, and joined along that order until at least ten distinct learners stand behind the
group; only the group's sum is used, laid out over its pairs in proportion to the guess. Which pairs
of a group were walked, and whether any one was, cannot be told. What is left over below ten is not
used. (Grouping along an order is univariate microaggregation, Domingo-Ferrer and Mateo-Sanz 2002.)

The guess: (.2 q_i q_j / sum q + two-step walk over pairs above the floor) x (closeness in time
+ .05), closeness exp(-|t_i - t_j| / h) of the items' mean moments, h the median over steps of the
histories. The later of two items is taken to follow the earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMOOTHING = 5.0
INDEPENDENT = 0.2
APART = 0.05
_HALF = 0.5


@dataclass(frozen=True, eq=False)
class Guess:
    """What is expected of pairs, without looking at those below the floor.

    Attributes:
        together: Relative strength of a pair, above 0, symmetric; float32, `(m, m)`.
        lean: In [-1, 1], above 0 where the column's item is the later one; antisymmetric;
            float32, `(m, m)`.
    """

    together: NDArray[np.float32]
    lean: NDArray[np.float32]


def guess_pairs(
    visible: NDArray[np.float64],
    popularity: NDArray[np.float64],
    moments: NDArray[np.float64],
    step: float,
) -> Guess:
    """See the module's docstring.

    Args:
        visible: Together sums, 0 below the floor; float64, `(m, m)`.
        popularity: Of the same items; float64, `(m,)`.
        moments: Mean time of each item, NaN where it is not known; float64, `(m,)`.
        step: Typical distance of two moments that follow each other, in the unit of `moments`.
    """
    root = 1.0 / np.sqrt(popularity + SMOOTHING)
    usual = popularity + _HALF
    normal = visible * root[:, None] * root[None, :]
    guess = (normal @ normal) * np.sqrt(usual[:, None] * usual[None, :])
    guess += INDEPENDENT * usual[:, None] * usual[None, :] / usual.sum()
    apart = moments[None, :] - moments[:, None]
    known = np.isfinite(apart) & (step > 0)
    steps = np.where(known, apart, 0.0) / (step if step > 0 else 1.0)
    guess *= np.where(known, np.exp(-np.abs(steps)), 0.0) + APART
    return Guess(guess.astype(np.float32), np.tanh(steps).astype(np.float32))


def group_pairs(
    walked: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    hidden: NDArray[np.bool_],
    guess: Guess,
    floor: int,
) -> NDArray[np.int32]:
    """Join each item's hidden pairs until `floor` distinct learners stand behind a group.

    Args:
        walked: First item, second item and learner of each walk of a hidden pair.
        hidden: Pairs below the floor, symmetric; bool, `(m, m)`.
        guess: Decides the order, the strongest first.
        floor: Distinct learners behind a group.

    Returns:
        `[i, j]`, the group among item i's that holds the pair, or -1; int32, `(m, m)`.
    """
    size = hidden.shape[0]
    order = np.argsort(-np.where(hidden, guess.together, -1.0), axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.broadcast_to(np.arange(size), order.shape), axis=1)
    item, at, before = _by_place(walked, place)
    begin = np.searchsorted(at, np.arange(size + 1))
    opened = np.zeros(size, dtype=np.int64)  # where each item's present group begins
    behind = np.zeros(size, dtype=np.int64)
    group = np.zeros(size, dtype=np.int32)
    by_place = np.empty((size, size), dtype=np.int32)
    for where in range(size):
        here = item[begin[where] : begin[where + 1]]
        fresh = before[begin[where] : begin[where + 1]] < opened[here]  # not yet in the group
        behind += np.bincount(here[fresh], minlength=size)
        by_place[:, where] = group
        full = behind >= floor
        group[full] += 1
        opened[full] = where + 1
        behind[full] = 0
    by_place[by_place >= group[:, None]] = -1  # never filled
    groups = np.empty((size, size), dtype=np.int32)
    np.put_along_axis(groups, order, by_place, axis=1)
    groups[~hidden] = -1
    return groups


def _by_place(
    walked: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    place: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Item, place in its order, and the same learner's place before it (-1), sorted by place."""
    first, second, who = walked
    size = place.shape[0]
    learners = int(who.max(initial=0)) + 1
    # One number for item, learner and place: a plain sort is several times faster than a lexsort.
    keys = [
        (one * learners + who) * size + place[one, other]
        for one, other in ((first, second), (second, first))
    ]
    pair, at = np.divmod(np.sort(np.concatenate(keys)), size)
    before = np.full(at.size, -1, dtype=np.int64)
    same = pair[1:] == pair[:-1]
    before[1:][same] = at[:-1][same]
    rows = np.argsort(at, kind="stable")
    return (pair // learners)[rows], at[rows], before[rows]


def pool_pairs(
    values: NDArray[np.float64], groups: NDArray[np.int32], guess: Guess, *, signed: bool
) -> NDArray[np.float64]:
    """Replace hidden pairs by what their groups say; the others become 0.

    Each pair belongs to a group of either item; the mean of both is taken.

    Args:
        values: Exact sums, symmetric, or antisymmetric if `signed`; float64, `(m, m)`.
        groups: From `group_pairs`.
        guess: Lays a group's sum out.
        signed: Whether the later item following the earlier one counts as above 0.
    """
    size = groups.shape[0]
    most = int(groups.max(initial=-1)) + 1
    inside = groups >= 0
    if most == 0:
        return np.zeros_like(values)
    key = (groups + np.arange(size)[:, None] * most)[inside]
    expected = guess.together[inside].astype(np.float64)
    counted = values[inside] * guess.lean[inside] if signed else values[inside]
    if signed:
        expected = expected * guess.lean[inside].astype(np.float64) ** 2
    whole = np.bincount(key, counted, size * most)
    scale = np.bincount(key, expected, size * most)
    share = np.divide(whole, scale, out=np.zeros_like(whole), where=scale > 0)
    laid = np.zeros_like(values)
    laid[inside] = share[key] * guess.together[inside]
    if signed:
        laid *= guess.lean
        return (laid - laid.T) / 2.0
    return (laid + laid.T) / 2.0
