"""Where learners begin: what is offered to a learner without history, and counts for a short one.

How often an item is visited says little of where learners begin. A release sums the first eight
visits of each learner, each weighing half of the one before (`starts` of the manifest); own exact
starts are the same sums with R17's floor. They count the less the more of their variance is noise,
and are forgotten the sooner the shorter histories are: who takes three courses of hundreds has no
common beginning, who reads a course's pages has one for long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recommender.release.manifest import STARTS
from recommender.statistics.serving_parts import StartPart

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.statistics.merged import Noised
    from recommender.statistics.sequences import Sequences

HALF_LENGTH = 15.0
"""Length of histories at which starts are half remembered after one item."""

_LONGEST = 30
_SURE_SD = 2.0
_NORMS = np.sqrt(np.cumsum(0.25 ** np.arange(STARTS)))
"""Of a learner's first visits, by their number less 1."""


def own_starts(histories: Sequences, items: int, floor: int) -> NDArray[np.float64]:
    """Sum where a platform's learners begin, in the unit of the release.

    Args:
        histories: Whole histories of consenting learners, oldest first.
        items: Number of items.
        floor: Learners with an item among their first ones before it counts (R17).

    Returns:
        float64, `(items,)`.
    """
    lengths = histories.lengths()
    place = np.arange(histories.items.size) - np.repeat(histories.start[:-1], lengths)
    early = place < STARTS
    norm = np.repeat(_NORMS[np.clip(lengths, 1, STARTS) - 1], lengths)
    item, said = histories.items[early], (0.5**place / norm)[early]
    sums = np.bincount(item, said, items)
    learners = np.bincount(item, minlength=items)
    found: NDArray[np.float64] = np.where(learners >= floor, sums, 0.0)
    return found


def start_part(
    estimated: NDArray[np.float64], seen: NDArray[np.float64], sd: float, length: float
) -> StartPart:
    """Starts as a part of a score.

    Args:
        estimated: How often learners begin with an item; float64, `(items,)`.
        seen: The same before denoising; float64, any shape.
        sd: Noise sd of a cell of `seen`.
        length: Usual number of a learner's items.
    """
    logged = np.log1p(np.maximum(estimated, 0.0))
    largest = float(logged.max(initial=0.0))
    spread = float(seen.var()) if seen.size else 0.0
    told = max(1.0 - sd**2 / spread, 0.0) if spread > 0 else 0.0
    share = told**2 / largest if largest > 0 else 0.0
    memory = length / (length + HALF_LENGTH)
    return StartPart((share * logged).astype(np.float32), np.array([memory], np.float32))


def own_length(histories: Sequences) -> float:
    """Mean number of items of a platform's learners, 30 at most for each."""
    lengths = np.minimum(histories.lengths(), _LONGEST)
    return float(lengths[lengths > 0].mean()) if lengths.any() else 0.0


def released_length(noised: Noised | None) -> float:
    """What released sums say of the usual number of a learner's items; rather too few.

    k items add sqrt(k) to popularity, from four on, and their first eight 1.73 to starts.
    """
    if noised is None:
        return 0.0
    size = noised.starts.size
    begun = noised.starts.sum() + _SURE_SD * noised.starts_sd * np.sqrt(size)
    each = float((0.5 ** np.arange(STARTS)).sum() / _NORMS[-1])
    ratio = each * max(float(noised.popularity.sum()), 0.0) / max(float(begun), 1.0)
    return min(ratio**2, float(_LONGEST))
