"""Ways of adding members' sums up, from no defence to the one that serves.

Each is a function of what every member has in open mode, and of whose view it is: a platform knows
its own contribution and needs what the others count for. Those that lost stay here, to be measured.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.poisoning.scene import RoundSums
from recommender.statistics.cap import others_within_cap, sum_and_rest
from recommender.statistics.shares import CELL_SD, ITEM_SD, limit_shares, member_sizes, without

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from recommender.statistics.shares import MemberSums

    Defence = Callable[[MemberSums, int], NDArray[np.int64]]

CLEAR_SD = 2.0
"""`rest` below so many sd drops a cell under `clear cap`."""

VOTED = 3.0
"""Times the median rate per learner that a member's cell, or column, may be under a vote."""

DRIFT = 3.0
"""Times what a member's earlier rounds say, learner for learner, that a later one may say."""


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


def vote(
    members: MemberSums, own: int, *, cells: bool = True, columns: bool = False
) -> NDArray[np.int64]:
    """Cells, or an item's pairs together, are at most 3 times the median of all rates per learner.

    Two sd of a member's own noise are free. The median is of rates, a member a vote.
    """
    held = members.cells.astype(np.float64)
    if cells:
        held = _vote_cells(members)
    if columns:
        held = _vote_columns(members, held)
    held[members.anchors] = members.cells[members.anchors]
    return _whole(np.delete(held, own, axis=0).sum(axis=0))


def _vote_cells(members: MemberSums) -> NDArray[np.float64]:
    sizes = member_sizes(members)[:, None]
    median = np.median(members.cells / sizes, axis=0)
    free = CLEAR_SD * np.sqrt(members.variance)[:, None]
    return _within(members, VOTED * sizes * median, free, members.cells)


def _vote_columns(members: MemberSums, cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pairs are scaled down where an item's are too much together."""
    slices, items = members.manifest.block_slices, members.manifest.items
    row, column = np.triu_indices(items, 1)
    columns = np.stack(
        [
            np.bincount(row, said, items) + np.bincount(column, said, items)
            for said in cells[:, slices["together"]]
        ]
    )
    sizes = member_sizes(members)[:, None]
    median = np.maximum(np.median(columns / sizes, axis=0), 0.0)
    free = CLEAR_SD * np.sqrt(members.variance * (items - 1))[:, None]
    most = np.where(columns > 0, VOTED * sizes * median, 0.0) + free
    factor = np.minimum(most / np.maximum(np.abs(columns), 1.0), 1.0)
    held = cells.copy()
    for name in ("together", "direction"):
        if name in slices:
            held[:, slices[name]] *= np.minimum(factor[:, row], factor[:, column])
    return held


def _within(
    members: MemberSums,
    expected: NDArray[np.float64],
    free: NDArray[np.float64],
    cells: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Cells held to what is expected and `free` of noise; directions on both sides."""
    most = np.maximum(expected, 0.0) + free
    lowest = np.broadcast_to(-free, most.shape).copy()
    signed = members.manifest.block_slices.get("direction")
    if signed is not None:
        most[..., signed] = np.abs(expected[..., signed]) + free
        lowest[..., signed] = -most[..., signed]
    return np.clip(cells, lowest, most)


def limit_drift(members: RoundSums) -> NDArray[np.int64]:
    """Hold each round of a member to what its earlier rounds and noise explain.

    A later round's cell may be three times what the member's earlier rounds say for as many
    learners, and two sd of both rounds' noise besides. Anchors and first rounds stay as they are.

    Returns:
        All rounds together; int64, `(members, cells)`.
    """
    rounds = members.rounds.shape[0]
    variance = members.variance[:, None] / rounds
    known = members.rounds[0].astype(np.float64)
    for number in range(1, rounds):
        learners = _sizes_of(members, members.rounds[number], 1)
        ratio = (learners / _sizes_of(members, known, number))[:, None]
        free = CLEAR_SD * np.sqrt(variance * (1.0 + number * ratio**2))
        known += _within(members, DRIFT * ratio * known, free, members.rounds[number])
    known[members.anchors] = members.cells[members.anchors]
    return _whole(known)


def _sizes_of(members: RoundSums, cells: NDArray[Any], rounds: int) -> NDArray[np.float64]:
    """Members' sizes by what they have sent in so many rounds."""
    share = rounds / members.rounds.shape[0]
    part = replace(members, cells=_whole(cells), variance=share * members.variance)
    return member_sizes(part)


def drift(members: MemberSums, own: int, *, rule: Defence) -> NDArray[np.int64]:
    """Rounds held to earlier ones, then added up by another rule; of one round, that rule alone."""
    if not isinstance(members, RoundSums) or members.rounds.shape[0] == 1:
        return rule(members, own)
    return rule(replace(members, cells=limit_drift(members)), own)


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
    return without(_held_to_shares(members, cells, items), own)


@lru_cache(maxsize=1)
def _held_to_shares(members: MemberSums, cells: bool, items: bool) -> NDArray[np.float32]:  # noqa: FBT001
    """The same for whoever looks, so that the members of a scene share it."""
    return limit_shares(members, CELL_SD if cells else math.inf, ITEM_SD if items else math.inf)


DEFENCES: Mapping[str, Defence] = {
    "plain sum": plain_sum,
    "cap (R34)": cap,
    "cap, clear cells": clear_cap,
    "vote on cells": vote,
    "vote on columns": partial(vote, cells=False, columns=True),
    "vote on both": partial(vote, columns=True),
    "trimmed sum": trimmed_sum,
    "weighted median": weighted_median,
    "lowest without one": agreement,
    "shares of cells": partial(shares, items=False),
    "shares of items": partial(shares, cells=False),
    "shares": shares,
    "drift, then cap": partial(drift, rule=cap),
    "drift, then shares": partial(drift, rule=shares),
}
"""By name; those of drift need several rounds."""

SERVING = "shares"
"""What serves."""


def _whole(cells: NDArray[Any]) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = np.rint(cells).astype(np.int64)
    return whole
