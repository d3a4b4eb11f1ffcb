"""Ways of adding members' sums up, from no defence to the one that serves.

Each is a function of what every member has in open mode, and of whose view it is: a platform knows
its own contribution and needs what the others count for. Those that lost stay here, to be measured.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.statistics.cap import others_within_cap, sum_and_rest
from recommender.statistics.shares import limit_shares, member_sizes, without

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from recommender.statistics.shares import MemberSums

    Defence = Callable[[MemberSums, int], NDArray[np.int64]]

CLEAR_SD = 2.0
"""`rest` below so many sd drops a cell under `clear cap`."""

VOTED = 3.0
"""Times the median rate per learner that a member's cell may be under `vote`."""


def plain_sum(members: MemberSums, own: int) -> NDArray[np.int64]:
    """What the others have sent."""
    total: NDArray[np.int64] = members.cells.sum(axis=0) - members.cells[own]
    return total


def cap(members: MemberSums, own: int) -> NDArray[np.int64]:
    """R34's cap: a cell counts for at most twice what all but its largest contributor say."""
    total, rest = sum_and_rest(members.cells, members.anchors)
    capped = np.empty_like(total)
    for name, place in members.manifest.block_slices.items():
        mine = members.cells[own, place]
        capped[place] = others_within_cap(
            total[place], rest[place], mine, signed=name == "direction"
        )
    return capped


def clear_cap(members: MemberSums, own: int) -> NDArray[np.int64]:
    """The same, without cells whose `rest` is below 2 sd of its noise."""
    _, rest = sum_and_rest(members.cells, members.anchors)
    least = CLEAR_SD * np.sqrt(members.variance.sum() * (1 - 1 / members.variance.size))
    return np.where(np.abs(rest) < least, 0, cap(members, own))


def vote(members: MemberSums, own: int) -> NDArray[np.int64]:
    """Each cell of a member is at most 3 times the median of all members' rates per learner.

    Two sd of its own noise are free. The median is of rates, a member a vote.
    """
    sizes = member_sizes(members)[:, None]
    median = np.maximum(np.median(members.cells / sizes, axis=0), 0.0)
    free = CLEAR_SD * np.sqrt(members.variance)[:, None]
    most = VOTED * sizes * median + free
    lowest = np.broadcast_to(-free, most.shape).copy()
    signed = members.manifest.block_slices.get("direction")
    if signed is not None:
        rate = np.abs(np.median(members.cells[:, signed] / sizes, axis=0))
        most[:, signed] = VOTED * sizes * rate + free
        lowest[:, signed] = -most[:, signed]
    held = np.clip(members.cells, lowest, most)
    held[members.anchors] = members.cells[members.anchors]
    return _whole(np.delete(held, own, axis=0).sum(axis=0))


def trimmed_sum(members: MemberSums, own: int) -> NDArray[np.int64]:
    """The others without the largest and the smallest in each cell, scaled up to all."""
    others = np.sort(np.delete(members.cells, own, axis=0), axis=0)
    if others.shape[0] < 3:
        return _whole(others.sum(axis=0))
    scale = others.shape[0] / (others.shape[0] - 2)
    return _whole(scale * others[1:-1].sum(axis=0))


def weighted_median(members: MemberSums, own: int) -> NDArray[np.int64]:
    """The median of rates per learner, each member weighing its size, times all sizes."""
    kept = np.arange(members.cells.shape[0]) != own
    sizes = member_sizes(members)[kept]
    rates = members.cells[kept] / sizes[:, None]
    order = np.argsort(rates, axis=0, kind="stable")
    passed = np.cumsum(sizes[order], axis=0) >= sizes.sum() / 2
    middle = np.take_along_axis(order, passed.argmax(axis=0)[None, :], axis=0)
    return _whole(np.take_along_axis(rates, middle, axis=0)[0] * sizes.sum())


def agreement(members: MemberSums, own: int) -> NDArray[np.int64]:
    """Each cell is the lowest of those with and without each other member, scaled to its size."""
    kept = np.flatnonzero(np.arange(members.cells.shape[0]) != own)
    sizes = member_sizes(members)[kept]
    total = members.cells[kept].sum(axis=0)
    lowest = total.astype(np.float64)
    for member, size in zip(kept, sizes, strict=True):
        if not members.anchors[member]:
            left = (total - members.cells[member]) * (sizes.sum() / (sizes.sum() - size))
            lowest = np.where(np.abs(left) < np.abs(lowest), left, lowest)
    return _whole(lowest)


def shares(
    members: MemberSums, own: int, *, cells: bool = True, items: bool = True
) -> NDArray[np.int64]:
    """`recommender.statistics.shares`, which serves; or its limit of cells, or of items, alone."""
    free = {} if cells else {"cell_sd": math.inf}
    if not items:
        free["item_sd"] = math.inf
    return without(limit_shares(members, **free), own)


DEFENCES: Mapping[str, Defence] = {
    "plain sum": plain_sum,
    "cap (R34)": cap,
    "cap, clear cells": clear_cap,
    "vote of rates": vote,
    "trimmed sum": trimmed_sum,
    "weighted median": weighted_median,
    "lowest without one": agreement,
    "shares of cells": partial(shares, items=False),
    "shares of items": partial(shares, cells=False),
    "shares": shares,
}
"""By name; the last is what serves."""


def _whole(cells: NDArray[Any]) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = np.rint(cells).astype(np.int64)
    return whole
