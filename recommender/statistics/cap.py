"""The others' sums as estimation sees them: no ordinary member outweighs all others (R34).

HEAD holds two arrays: `sum` over members, and `rest`, the sum without the largest contribution to
that cell by a member that is not an anchor. A cell counts for at most 2 max(rest, 0). A platform
subtracts what it contributed itself, noise and all, since it knows those bytes exactly: what is
left carries only the others' noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def others_within_cap(
    total: NDArray[np.int64],
    rest: NDArray[np.int64],
    own: NDArray[np.int64] | None = None,
    *,
    signed: bool = False,
) -> NDArray[np.int64]:
    """What the other members count for, cell by cell (R34).

    Where this platform itself is the largest contributor (rest = total - own) the others are within
    the cap by definition: the cap protects from a member, never punishes us for our own weight.
    Elsewhere own and others together count for at most 2 max(rest, 0), so the others for at most
    that less own.

    Args:
        total: HEAD's `sum`; int64, `(cells,)`.
        rest: HEAD's `rest`; int64, `(cells,)`.
        own: Sum of this platform's own contributions in `total`; None if it made none.
        signed: The cells may be negative (the direction block): the cap holds on both sides.

    Returns:
        int64, `(cells,)`.

    Raises:
        ModelError: The arrays differ in length.
    """
    mine = np.zeros_like(total) if own is None else own.astype(np.int64)
    if not total.shape == rest.shape == mine.shape:
        raise ModelError(
            f"sum, rest and own contribution differ in length: "
            f"{total.size}, {rest.size} and {mine.size} cells"
        )
    others = total - mine
    capped = np.minimum(total, 2 * np.maximum(rest, 0))
    if signed:
        capped = np.where(total < 0, np.maximum(total, 2 * np.minimum(rest, 0)), capped)
    free = rest == others if own is not None else np.zeros(total.shape, dtype=bool)
    within: NDArray[np.int64] = np.where(free, others, capped - mine)
    return within


def sum_and_rest(
    contributions: NDArray[np.int64], anchors: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """HEAD's two arrays, as the swarm's merge computes them (R34), for measurements.

    Args:
        contributions: One row a member; int64, `(members, cells)`.
        anchors: Which members are anchors; bool, `(members,)`.

    Returns:
        `sum` and `rest`; with anchors only, `rest` equals `sum`. int64, `(cells,)` each.
    """
    total = contributions.sum(axis=0)
    ordinary = contributions[~anchors]
    if ordinary.shape[0] == 0:
        return total, total.copy()
    rest: NDArray[np.int64] = total - ordinary.max(axis=0)
    return total, rest
