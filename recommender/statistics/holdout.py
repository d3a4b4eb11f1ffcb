"""A platform's own hold-out: the last items of some of its learners, for choosing the mix (R5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.statistics.sequences import Sequences, first_occurrences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.interactions import Interactions

MOST = 2_000
"""Learners whose last items are held out at most; more would change the mix no further."""

SHARE = 4
"""A platform of many learners holds out one in so many: the rest must look as the whole does."""

_ENOUGH = 400


@dataclass(frozen=True, eq=False)
class HoldOut:
    """Held-out items, and histories without them.

    Attributes:
        learner: The chosen learners' indices in the rows, ascending; int64, `(chosen,)`.
        known: What stays known of each chosen learner, oldest first.
        targets: The items held out of each.
        remaining: Histories of all learners without the held-out items.
    """

    learner: NDArray[np.int64]
    known: Sequences
    targets: Sequences
    remaining: Sequences


def hold_out(
    rows: Interactions,
    verbs: Sequence[str],
    *,
    ties: str = "set",
    most: int = MOST,
    seed: int = 0,
) -> HoldOut:
    """Hold the last new item out.

    Args:
        rows: The platform's own rows.
        verbs: Verbs that count.
        ties: `set` holds out all that share the last one's moment, if something stays known;
            `one` holds out one, for logs whose clock is coarse.
        most: Learners at most; drawn by the seed, the same for the same rows.
        seed: Of the draw.
    """
    first = first_occurrences(rows, verbs)
    learner = rows.learner[first].astype(np.int64)
    learners = len(rows.learner_ids)
    count = np.bincount(learner, minlength=learners)
    last = np.append(learner[1:] != learner[:-1], True) if learner.size else np.zeros(0, bool)
    moment = _same_moment(rows, first, last) if ties == "set" else last
    tied = np.bincount(learner[moment], minlength=learners)
    held = np.where((tied < count)[learner], moment, last)
    eligible = np.flatnonzero(count >= 2)
    most = min(most, max(_ENOUGH, eligible.size // SHARE))
    if eligible.size > most:
        rng = np.random.default_rng([seed, 41])
        eligible = np.sort(rng.choice(eligible, most, replace=False))
    chosen = np.zeros(learners, dtype=bool)
    chosen[eligible] = True
    held &= chosen[learner]
    item = rows.item[first]
    everybody = np.arange(learners)
    return HoldOut(
        eligible.astype(np.int64),
        _histories(learner[~held], item[~held], eligible, learners),
        _histories(learner[held], item[held], eligible, learners),
        _histories(learner[~held], item[~held], everybody, learners),
    )


def _same_moment(
    rows: Interactions, first: NDArray[np.int64], last: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Rows at the same (timestamp, order) as their learner's last one."""
    if first.size == 0:
        return np.zeros(0, dtype=bool)
    ends = np.flatnonzero(last)
    final = np.repeat(first[ends], np.diff(np.concatenate([[-1], ends])))
    same: NDArray[np.bool_] = rows.timestamp[first] == rows.timestamp[final]
    same &= rows.order[first] == rows.order[final]
    return same


def _histories(
    learner: NDArray[np.int64],
    item: NDArray[np.int32],
    chosen: NDArray[np.int64],
    learners: int,
) -> Sequences:
    """Histories of the chosen learners; rows are sorted by learner."""
    lengths = np.bincount(learner, minlength=learners)
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Sequences(start, item.astype(np.int32)).select(chosen.astype(np.int64))
