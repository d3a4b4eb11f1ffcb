"""What each member's sums count for at home: about its share, whatever it sends (R34).

HEAD's cap leaves a member that has three per cent of the learners as much weight in a cell as all
others together, their noise included. In open mode every member holds every accepted contribution,
so a home can ask for more: what a member says of a cell, and of an item's pairs together, is held
against what the others say, scaled by the member's share of the learners.

- A cell counts for at most `TIMES` the member's share of what the others say, never for more than
  they say (R34), plus `CELL_SD` of noise.
- So does the sum of an item's pairs with the first 8, 32, 128, ... of the others' most popular
  items, plus `ITEM_SD` of that sum's noise. If it is more, the pairs are scaled down.

Honest noise hardly ever reaches these limits. An attacker keeps its share and the noise in which
the others' noise hides it. A share is the popularity that a member has sent over the others', at
most what the learners of its declared bracket can sum to, or what its own totals can be of
(`recommender.statistics.brackets`). Members that prop each other up gain
nothing: limits are found from the limited sums, again and again. (A mean winsorised about a
leave-one-out prediction; compare Huber 1964. The test of an item is a scan over nested sets.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import ModelError
from recommender.release.sum import value_tables
from recommender.statistics.brackets import believed_learners

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.release.manifest import Manifest

TIMES = 3.0
"""A member may say this many times its share: platforms differ."""

CELL_SD = 2.0
ITEM_SD = 2.0
PASSES = 4
FEWEST = 3
"""Members below which nobody can tell who is right, and R34's cap is all there is."""

SD_WITHIN = 12.0
"""Sd of honest noise in a cell that anybody would believe (R33)."""

_FIRST = 8
_GROWTH = 4


@dataclass(frozen=True, eq=False)
class MemberSums:
    """All accepted contributions in open mode, summed by member.

    Attributes:
        manifest: What the cells are.
        cells: int64, `(members, manifest.cells)`.
        variance: Noise variance of each member's sums, in squared grid units; float64,
            `(members,)`.
        learners: The most learners that each has declared, 0 where none; int64, `(members,)`.
        anchors: Members that the swarm trusts beyond their share (R34); bool, `(members,)`.
    """

    manifest: Manifest
    cells: NDArray[np.int64]
    variance: NDArray[np.float64]
    learners: NDArray[np.int64]
    anchors: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Refuse sums that do not fit.

        Raises:
            ModelError: Lengths differ.
        """
        members = self.cells.shape[0]
        told = (self.variance, self.learners, self.anchors)
        if self.cells.shape[1:] != (self.manifest.cells,) or any(
            each.shape != (members,) for each in told
        ):
            raise ModelError("members' sums, variances, brackets and anchors differ in length")


def limit_shares(
    members: MemberSums, cell_sd: float = CELL_SD, item_sd: float = ITEM_SD
) -> NDArray[np.float32]:
    """Hold every member to about its share; anchors stay as they are.

    Args:
        members: At least `FEWEST` of them.
        cell_sd: Noise that a cell is allowed; infinite does not limit cells, for measurements.
        item_sd: Noise that an item's pairs are allowed; infinite does not limit items.

    Returns:
        What each member counts for; float32, `(members, cells)`.

    Raises:
        ModelError: Fewer members.
    """
    if members.cells.shape[0] < FEWEST:
        raise ModelError(f"shares need {FEWEST} members, there are {members.cells.shape[0]}")
    members = replace(members, learners=believed_learners(members))
    most = cell_bounds(members.manifest, 1, 0.0)
    sizes = _no_more_than_half(member_sizes(members), members.anchors)
    counted = members.cells.astype(np.float32)
    whole = counted.sum(axis=0)
    for _ in range(PASSES):
        after = np.zeros_like(whole)
        for member in range(counted.shape[0]):
            if not members.anchors[member]:
                rest = whole - counted[member]
                limit = _Limit.of(members, sizes, member, cell_sd, item_sd)
                sent = _believable(members, member, most)
                sent = _limit_cells(members.manifest, sent, rest, limit)
                counted[member] = _limit_items(members.manifest, sent, rest, limit)
            after += counted[member]
        whole = after
    return counted


def without(counted: NDArray[np.float32], own: int | None) -> NDArray[np.int64]:
    """What all members but one count for together, all of them if None; int64, `(cells,)`."""
    kept = np.arange(counted.shape[0]) != (-1 if own is None else own)
    others: NDArray[np.int64] = np.rint(counted[kept].sum(axis=0)).astype(np.int64)
    return others


@dataclass(frozen=True, slots=True)
class _Limit:
    """How far a member may go.

    Attributes:
        share: Its learners over all others'.
        cell: What a cell may hold beside that share, in grid units.
        item: The same of an item's pairs, for a set of one item.
    """

    share: float
    cell: float
    item: float

    @classmethod
    def of(
        cls,
        members: MemberSums,
        sizes: NDArray[np.float64],
        member: int,
        cell_sd: float,
        item_sd: float,
    ) -> _Limit:
        share = float(sizes[member] / (sizes.sum() - sizes[member]))
        own = float(members.variance[member])
        others = float(members.variance.sum()) - own
        sd = float(np.sqrt(own + min(share, 1.0) ** 2 * others))
        return cls(share, cell_sd * sd, item_sd * sd)

    @property
    def times(self) -> float:
        """How much of what the others say it may say: never more than all of it (R34)."""
        return min(TIMES * self.share, 1.0)


def _believable(members: MemberSums, member: int, most: NDArray[np.int64]) -> NDArray[np.float32]:
    """A member's cells, cut to what its bracket and 12 sd of noise can be (R33)."""
    cells: NDArray[np.float32] = members.cells[member].astype(np.float32)
    learners = int(members.learners[member])
    if learners == 0:
        return cells
    bound = learners * most + SD_WITHIN * np.sqrt(members.variance[member])
    return np.clip(cells, -bound, bound).astype(np.float32)


def cell_bounds(manifest: Manifest, learners: int, variance: float) -> NDArray[np.int64]:
    """The largest magnitude of each cell for so many learners and noise; int64, `(cells,)`."""
    bounds = np.empty(manifest.cells, dtype=np.int64)
    noise = int(np.ceil(SD_WITHIN * np.sqrt(variance)))
    tables = value_tables(manifest)
    for name, place in manifest.block_slices.items():
        bounds[place] = learners * int(tables[name].max()) + noise
    return bounds


def member_sizes(members: MemberSums) -> NDArray[np.float64]:
    """Members' sizes in a common unit: popularity's sum, at least its noise, within the bracket.

    Returns:
        float64, `(members,)`.
    """
    bracket = np.where(members.learners > 0, members.learners, np.inf)
    place = members.manifest.block_slices.get("popularity")
    if place is None:
        return np.where(members.learners > 0, members.learners, 1).astype(np.float64)
    said = members.cells[:, place].sum(axis=1).astype(np.float64)
    noise = np.sqrt(members.variance * (place.stop - place.start))
    table = value_tables(members.manifest)["popularity"][:, 0]
    most = bracket * float((table * np.arange(table.size)).max())
    sizes: NDArray[np.float64] = np.minimum(np.maximum(said, np.maximum(noise, 1.0)), most)
    return sizes


def _no_more_than_half(
    sizes: NDArray[np.float64], anchors: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """An ordinary member counts for no more than all others (R34), so their shares are of that."""
    largest = int(sizes.argmax())
    held = sizes.copy()
    if not anchors[largest]:
        held[largest] = min(sizes[largest], sizes.sum() - sizes[largest])
    return held


def _limit_cells(
    manifest: Manifest, sent: NDArray[np.float32], rest: NDArray[np.float32], limit: _Limit
) -> NDArray[np.float32]:
    free = np.float32(limit.cell)
    upper = np.float32(limit.times) * np.maximum(rest, np.float32(0)) + free
    lower = np.full_like(upper, -free)
    signed = manifest.block_slices.get("direction")
    if signed is not None:
        upper[signed] = np.float32(limit.times) * np.abs(rest[signed]) + free
        lower[signed] = -upper[signed]
    limited: NDArray[np.float32] = np.clip(sent, lower, upper)
    return limited


def _limit_items(
    manifest: Manifest, sent: NDArray[np.float32], rest: NDArray[np.float32], limit: _Limit
) -> NDArray[np.float32]:
    """Scale an item's pairs down where their sum over popular items is out of proportion."""
    slices = manifest.block_slices
    if "together" not in slices:
        return sent
    row, column = _pairs(manifest.items)
    sets = popular_sets(manifest, rest)
    own, others = (sums_over(cells[slices["together"]], sets) for cells in (sent, rest))
    free = limit.item * np.sqrt(sets.sum(axis=0))
    most = np.where(own > 0, limit.times * np.maximum(others, 0.0), 0.0) + free
    factor = np.minimum(most / np.maximum(np.abs(own), 1.0), 1.0).min(axis=1)
    pair = np.minimum(factor[row], factor[column]).astype(np.float32)
    limited = sent.copy()
    for name in ("together", "direction"):
        if name in slices:
            limited[slices[name]] *= pair
    return limited


@lru_cache(maxsize=1)
def _pairs(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Both items of each pair, in the order of the cells."""
    return np.triu_indices(size, 1)


def sums_over(pairs: NDArray[np.float32], sets: NDArray[np.float32]) -> NDArray[np.float64]:
    """Each item's pairs with the items of each set, added up; float64, `(items, sets)`."""
    size = sets.shape[0]
    square = np.zeros((size, size), dtype=np.float32)
    square[_pairs(size)] = pairs
    sums: NDArray[np.float64] = (square @ sets + square.T @ sets).astype(np.float64)
    return sums


def popular_sets(manifest: Manifest, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """The most popular 8, 32, 128, ... and all items; 0 or 1, float32, `(items, sets)`."""
    size, sizes = manifest.items, [_FIRST]
    place = manifest.block_slices.get("popularity")
    popular = rest[place] if place is not None else np.zeros(size, dtype=np.float32)
    rank = np.empty(size, dtype=np.int64)
    rank[np.argsort(-popular, kind="stable")] = np.arange(size)
    while sizes[-1] < size:
        sizes.append(sizes[-1] * _GROWTH)
    sets: NDArray[np.float32] = (rank[:, None] < np.array(sizes)[None, :]).astype(np.float32)
    return sets
