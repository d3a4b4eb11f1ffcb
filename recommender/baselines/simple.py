"""Baselines that need no model: popularity and course order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.baselines.histories import item_counts
from recommender.statistics.sequences import first_occurrences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.interactions import Interactions
    from recommender.statistics.sequences import Sequences


@dataclass(frozen=True, eq=False)
class Popularity:
    """The same ranking for everybody.

    Attributes:
        counts: Training learners of each item; float32, `(items,)`.
    """

    counts: NDArray[np.float32]

    @property
    def parameters(self) -> int:
        """One count an item."""
        return self.counts.size

    def score(self, histories: Sequences, learner: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score all items; see `recommender.evaluation.Scorer`."""
        del learner
        return np.tile(self.counts, (len(histories), 1))


def fit_popularity(histories: Sequences, items: int) -> Popularity:
    """Count each item's training learners."""
    return Popularity(item_counts(histories, items).astype(np.float32))


@dataclass(frozen=True, eq=False)
class CourseOrder:
    """What comes next in a fixed order: the items after the learner's last one, then from the top.

    Attributes:
        place: Place of each item in the order; int64, `(items,)`.
        source: Where the order comes from: `catalogue` or `median first visit`.
    """

    place: NDArray[np.int64]
    source: str

    @property
    def parameters(self) -> int:
        """One place an item."""
        return self.place.size

    def score(self, histories: Sequences, learner: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score all items; see `recommender.evaluation.Scorer`."""
        del learner
        items = self.place.size
        last = np.full(len(histories), -1, dtype=np.int64)
        some = histories.lengths() > 0
        last[some] = self.place[histories.items[histories.start[1:][some] - 1]]
        steps = (self.place[None, :] - last[:, None] - 1) % max(items, 1)
        return (-steps).astype(np.float32)


def fit_course_order(
    interactions: Interactions, verbs: Sequence[str], catalogue: Sequence[CatalogueItem] | None
) -> CourseOrder:
    """The catalogue's order where it has one, else items by the median day of first visits.

    Args:
        interactions: Training rows.
        verbs: Verbs that count.
        catalogue: Entries in the order of `interactions.item_ids`, or None.
    """
    if catalogue is not None and any(entry.position is not None for entry in catalogue):
        keys = [
            (entry.course, entry.position if entry.position is not None else len(catalogue), index)
            for index, entry in enumerate(catalogue)
        ]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        return CourseOrder(_places(np.array(order, dtype=np.int64)), "catalogue")
    rows = first_occurrences(interactions, verbs)
    item = interactions.item[rows]
    moment = interactions.timestamp[rows].astype(np.float64)
    median = np.full(len(interactions.item_ids), np.inf)
    by_item = np.argsort(item, kind="stable")
    items, starts = np.unique(item[by_item], return_index=True)
    for index, group in zip(items, np.split(moment[by_item], starts[1:]), strict=False):
        median[index] = np.median(group)
    return CourseOrder(_places(np.argsort(median, kind="stable")), "median first visit")


def _places(order: NDArray[np.int64]) -> NDArray[np.int64]:
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    return place
