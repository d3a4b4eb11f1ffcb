"""The merge: plain integer addition, the same bytes in every order and on every machine (P6).

Rules (R34):

- For each member, the integer sum of all its accepted contributions is kept apart.
- `sum` is the sum of these over members; any member can be taken out again exactly.
- `rest` is `sum` without the largest of them, cell by cell, among members that are no anchors.
  Estimates use at most `2 max(rest, 0)` of a cell, so that no ordinary member outweighs all
  others together.
- Cells are int64: 50 members could add int32 contributions for eighty million rounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from swarm.codec import digest
from swarm.errors import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray


def merge(
    contributions: Mapping[str, Sequence[NDArray[np.int32]]], anchors: Collection[str] = ()
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Merge all accepted contributions.

    Args:
        contributions: For each member, its contributions; int32, `(cells,)`, all of one length.
        anchors: Members exempt from the cap (R34).

    Returns:
        `sum` and `rest`, int64, `(cells,)`. With anchors only, `rest` equals `sum`.

    Raises:
        LocalProtocolError: No contribution at all, or two of different length.
    """
    totals = member_sums(contributions)
    if not totals:
        raise LocalProtocolError("a merge of nothing: a CloseSet has at least one contribution")
    total = np.zeros_like(next(iter(totals.values())))
    largest: NDArray[np.int64] | None = None
    for member in sorted(totals):
        total += totals[member]
        if member not in anchors:
            own = totals[member]
            largest = own.copy() if largest is None else np.maximum(largest, own)
    return total, total.copy() if largest is None else total - largest


def member_sums(
    contributions: Mapping[str, Sequence[NDArray[np.int32]]],
) -> dict[str, NDArray[np.int64]]:
    """For each member that has any, the sum of its contributions; int64, `(cells,)`.

    Raises:
        LocalProtocolError: Two contributions of different length.
    """
    sums: dict[str, NDArray[np.int64]] = {}
    lengths: set[int] = set()
    for member in sorted(contributions):
        for contribution in contributions[member]:
            lengths.add(len(contribution))
            if len(lengths) > 1:
                raise LocalProtocolError(f"contributions of different length: {sorted(lengths)}")
            if member in sums:
                sums[member] += contribution
            else:
                sums[member] = contribution.astype(np.int64)
    return sums


def head_digest(manifest_digest: bytes, total: NDArray[np.int64], rest: NDArray[np.int64]) -> bytes:
    """SHA-256 over manifest digest, `sum` and `rest`, each cell little-endian int64 (R34)."""
    cells = total.astype("<i8").tobytes() + rest.astype("<i8").tobytes()
    return digest(manifest_digest + cells)
