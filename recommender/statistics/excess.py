"""What members say of an item beyond what their share of the learners and noise explain (R35).

A member, or two together, *promote* an item where both hold:

- They have sent more about it than `TIMES` their share of what all others say (as in
  `recommender.statistics.shares`, which holds ordinary members to that, and not anchors). The test
  is that of the sum of the item's pairs with the 8, 32, 128, ... most popular items, and of how
  often learners begin with it. Its standard error is known: released noise is public, and of what
  is said about an item each learner can say only so much. The threshold grows with the number of
  tests, so that honest members seldom reach it.
- Without them the item's reach is smaller by `LEAST_RISE`: what they sent counts.

It looks at all that members have sent since they joined, so a drift of small steps adds up, and the
first merge needs no model before it. A test of a member is against all others, of two against
the rest: two who promote the same item hide each other from the first and not from the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from recommender.release.sum import value_tables
from recommender.statistics.promotion import stand_merged
from recommender.statistics.shares import TIMES, member_sizes, popular_sets, sums_over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.statistics.member_view import MemberView
    from recommender.statistics.promotion import Standing
    from recommender.statistics.shares import MemberSums

    Group = tuple[int, ...]

FALSE_ALARMS = 0.05
"""Chance that an honest round tells an item, if all members said all that their share explains."""

LEAST_RISE = 0.06
"""How much of the panel an item must owe to a member, to be worth a designer's time."""


@dataclass(frozen=True, slots=True)
class Rise:
    """An item that many histories lead to because of what one member says, or two.

    Attributes:
        item: Place in the platform's catalogue.
        reach: See `Standing`.
        reach_without: The same without those who carried it.
        rank: See `Standing`.
        rank_without: The same without those who carried it.
        concentration: See `Standing`.
        carried: Rows of those who carried it, each with the share of its reach that is gone
            without it, in [0, 1]; largest first.
    """

    item: int
    reach: float
    reach_without: float
    rank: float
    rank_without: float
    concentration: float
    carried: tuple[tuple[int, float], ...]

    @property
    def height(self) -> float:
        """How much of the panel it owes to them."""
        return self.reach - self.reach_without


@dataclass(frozen=True, eq=False)
class _Said:
    """What members have said of each item.

    Attributes:
        sums: float64, `(members, items, tests)`.
        cells: Number of cells in each, which noise grows with; float64, `(tests,)`.
        most: The most that one learner says in each test; float64, `(tests,)`.
        variance: Of the noise of each member's cells; float64, `(members,)`.
        sizes: float64, `(members,)`.
    """

    sums: NDArray[np.float64]
    cells: NDArray[np.float64]
    most: NDArray[np.float64]
    variance: NDArray[np.float64]
    sizes: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Watcher:
    """Whose eyes look at a merge.

    Attributes:
        view: Who has sent what.
        own: This platform's row; None if it has none. It is not suspected.
        head: Each catalogue item's place in the head, or -1; int32, `(items,)`.
        catalogue: What the platform offers.
    """

    view: MemberView
    own: int | None
    head: NDArray[np.int32]
    catalogue: Sequence[CatalogueItem]

    def stand(self, without: Group = (), panel: NDArray[np.float64] | None = None) -> Standing:
        """Where items stand, some members left out.

        Raises:
            ModelError: `head` does not fit.
        """
        return stand_merged(self.view.seen_by(self.own, without), self.head, self.catalogue, panel)

    def groups(self, size: int) -> list[Group]:
        """Others who may promote together, so that somebody is left to compare them with."""
        rows = [row for row in range(self.view.members.variance.size) if row != self.own]
        left = self.view.members.variance.size - size
        return list(combinations(rows, size)) if left >= size else []


def find_promoted(
    watcher: Watcher, now: Standing, told: Mapping[int, float] | None = None
) -> tuple[Rise, ...]:
    """Items that one other member, or two together, promote at a platform; highest rise first.

    Args:
        watcher: Whose eyes look at the merge.
        now: Where its items stand.
        told: Reach of items that were told before, by place in the catalogue: they are told again
            only if it has grown by `LEAST_RISE` since.

    Returns:
        What rose.

    Raises:
        ModelError: `head` does not fit.
    """
    said = _read_said(watcher.view.members)
    if said is None:
        return ()
    before = np.array([(told or {}).get(int(item), 0.0) for item in now.items])
    left = np.flatnonzero(now.reach >= before + LEAST_RISE)
    rises: list[Rise] = []
    for size in (1, 2):
        for group, items in _suspected(watcher, said, now.items, left, size).items():
            rises += _carried(watcher, now, group, items)
        seen = {rise.item for rise in rises}
        left = np.array([at for at in left if int(now.items[at]) not in seen], dtype=np.int64)
    return tuple(sorted(rises, key=lambda rise: (-rise.height, rise.item)))


def _suspected(
    watcher: Watcher, said: _Said, known: NDArray[np.int32], items: NDArray[np.int64], size: int
) -> dict[Group, list[int]]:
    """Items of which a group has said too much, each with the group that has most so."""
    groups = watcher.groups(size)
    if not groups or not items.size:
        return {}
    least = -NormalDist().inv_cdf(FALSE_ALARMS / (len(groups) * items.size))
    places = watcher.head[known[items]]
    excess = np.stack([_excess(said, group)[places] for group in groups])
    suspected: dict[Group, list[int]] = {}
    for column in np.flatnonzero(excess.max(axis=0) >= least):
        group = groups[int(excess[:, column].argmax())]
        suspected.setdefault(group, []).append(int(items[column]))
    return suspected


def _carried(watcher: Watcher, now: Standing, group: Group, items: Sequence[int]) -> list[Rise]:
    """Those of some items whose reach is smaller by `LEAST_RISE` without a group."""
    left = watcher.stand(group, now.popularity)
    risen = [at for at in items if now.reach[at] - left.reach[at] >= LEAST_RISE]
    if not risen:
        return []
    alone = {
        row: watcher.stand((row,), now.popularity) if len(group) > 1 else left for row in group
    }
    rises = []
    for at in risen:
        shares = [(row, float(1 - alone[row].reach[at] / now.reach[at])) for row in group]
        shares.sort(key=lambda one: -one[1])
        rises.append(
            Rise(
                int(now.items[at]),
                float(now.reach[at]),
                float(left.reach[at]),
                float(now.rank[at]),
                float(left.rank[at]),
                float(now.concentration[at]),
                tuple((row, min(max(share, 0.0), 1.0)) for row, share in shares),
            )
        )
    return rises


def _read_said(members: MemberSums) -> _Said | None:
    """What members have said of items; None if the manifest has nothing to tell it by."""
    manifest, tables = members.manifest, value_tables(members.manifest)
    slices = manifest.block_slices
    sums, cells, most = [], [], []
    if "together" in slices:
        sets = popular_sets(manifest, members.cells.sum(axis=0).astype(np.float32))
        pairs = (row[slices["together"]].astype(np.float32) for row in members.cells)
        sums.append(np.stack([sums_over(row, sets) for row in pairs]))
        cells.append(sets.sum(axis=0))
        each_way = 2.0 * float(tables["together"][:, 1:].sum(axis=1).max())
        most.append(np.full(sets.shape[1], each_way))
    if "starts" in slices:
        sums.append(members.cells[:, slices["starts"], None].astype(np.float64))
        cells.append(np.ones(1))
        most.append(np.array([float(tables["starts"].max())]))
    if not sums:
        return None
    return _Said(
        np.concatenate(sums, axis=2),
        np.concatenate(cells).astype(np.float64),
        np.concatenate(most),
        members.variance,
        member_sizes(members),
    )


def _excess(said: _Said, group: Group) -> NDArray[np.float64]:
    """Standard errors by which a group says more than its share, the largest of the tests."""
    inside = np.isin(np.arange(said.variance.size), group)
    times = TIMES * said.sizes[inside].sum() / said.sizes[~inside].sum()
    own = said.sums[inside].sum(axis=0)
    others = np.maximum(said.sums[~inside].sum(axis=0), 0.0)
    noise = said.variance[inside].sum() + times**2 * said.variance[~inside].sum()
    learners = said.most * np.maximum(own, 0.0)  # as of a Poisson number of learners, each so loud
    variance = np.maximum(noise * said.cells + learners, 1.0)
    largest: NDArray[np.float64] = ((own - times * others) / np.sqrt(variance)).max(axis=1)
    return largest
