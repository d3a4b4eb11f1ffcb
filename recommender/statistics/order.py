"""Where an item stands in the catalogue: what is next to what a learner knows.

A public fact that costs no privacy. Places are by course as they first appear, then position, then
the catalogue's own rows; d places on weighs .8^(d-1), as many back .7 of that, 30 places at most,
and never from one course into another unless the courses themselves are the items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recommender.statistics.serving_parts import TextPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem

REACH = 30
FALL = 0.8
BACKWARD = 0.7


def is_ordered(catalogue: Sequence[CatalogueItem]) -> bool:
    """Whether the catalogue says any position; else its rows may stand in any order."""
    return any(entry.position is not None for entry in catalogue)


def catalogue_places(catalogue: Sequence[CatalogueItem]) -> NDArray[np.int64]:
    """Place of each item by course, position, row; items without position come last."""
    first: dict[str, int] = {}
    for row, entry in enumerate(catalogue):
        first.setdefault(entry.course, row)
    keys = [
        (first[entry.course], entry.position is None, entry.position or 0, row)
        for row, entry in enumerate(catalogue)
    ]
    places = np.empty(len(keys), dtype=np.int64)
    places[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return places


def fit_order(catalogue: Sequence[CatalogueItem]) -> TextPart:
    """Each item's neighbours in the catalogue with their weights, laid out like texts' neighbours.

    Args:
        catalogue: The items, in the model's order.
    """
    size = len(catalogue)
    steps = np.concatenate([np.arange(1, REACH + 1), -np.arange(1, REACH + 1)])
    fall = FALL ** (np.abs(steps) - 1.0) * np.where(steps > 0, 1.0, BACKWARD)
    at = np.argsort(catalogue_places(catalogue))  # item by place
    group = _groups(catalogue)
    there = np.arange(size)[:, None] + steps[None, :]  # (places, steps)
    inside = (there >= 0) & (there < size)
    other = np.where(inside, at[np.clip(there, 0, max(size - 1, 0))], 0) if size else there
    near = inside & (group[at][:, None] == group[other])
    neighbours = np.zeros((size, steps.size), dtype=np.int32)
    weights = np.zeros((size, steps.size), dtype=np.float32)
    neighbours[at] = np.where(near, other, 0)
    weights[at] = np.where(near, fall[None, :], 0.0)
    return TextPart(neighbours, weights)


def _groups(catalogue: Sequence[CatalogueItem]) -> NDArray[np.int64]:
    """A number for each course; courses of one item, and items without, are one group together."""
    numbers: dict[str, int] = {}
    course = np.array(
        [numbers.setdefault(entry.course, len(numbers)) for entry in catalogue], dtype=np.int64
    )
    alone = np.bincount(course, minlength=len(numbers)) == 1
    return np.where(alone[course], -1, course) if course.size else course
