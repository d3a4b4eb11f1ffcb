"""How many learners a member's own totals can be of, against the bracket it declared (R14).

A bracket is a power of ten that nobody can look behind, and a member's share of the learners, by
which it is held at home, grows with it. What others can check is what it has sent: each learner
adds no less and no more than the manifest lets it to a block's total, and of a total over many
cells the noise is small and its standard error public. A member that invents learners one by one
is consistent and not found; one that only raises its popularity is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recommender.release.sum import times_said, value_tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.release.manifest import Manifest
    from recommender.statistics.shares import MemberSums

CERTAIN_SD = 4.0
"""Standard errors of noise beyond which a total contradicts a number of learners."""

SMALLEST = 100
"""Upper bound of the smallest bracket."""

_COUNTED = ("together", "popularity", "starts")  # a direction's total says nothing: it has signs


def learner_range(members: MemberSums) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The fewest and the most learners that each member's totals can be of, by every block.

    Where a member's blocks contradict each other, the fewest are more than the most.

    Returns:
        float64, `(members,)` each; no less than 0, infinite where the manifest tells nothing.
    """
    count = members.variance.size
    fewest, most = np.zeros(count), np.full(count, np.inf)
    per_learner = totals_of_learners(members.manifest)
    for name, place in members.manifest.block_slices.items():
        if name not in per_learner:
            continue
        least, largest = per_learner[name]
        said = members.cells[:, place].sum(axis=1).astype(np.float64)
        free = CERTAIN_SD * np.sqrt(members.variance * (place.stop - place.start))
        fewest = np.maximum(fewest, (said - free) / largest)
        most = np.minimum(most, np.maximum(said + free, 0.0) / least)
    return fewest, most


def believed_learners(members: MemberSums) -> NDArray[np.int64]:
    """The most learners that each member is taken to have: its bracket, or its totals if fewer.

    Returns:
        At least 1; 0 where it declared nothing and the manifest tells nothing. int64, `(members,)`.
    """
    _, most = learner_range(members)
    declared = np.where(members.learners > 0, members.learners, np.inf)
    believed = np.maximum(np.ceil(np.minimum(declared, most)), 1.0)
    return np.where(np.isfinite(believed), believed, 0.0).astype(np.int64)


def contradicted(members: MemberSums) -> NDArray[np.bool_]:
    """Members whose totals no number of learners within the declared bracket explains.

    The bracket "< 1,000" is of 100 to 999 learners, "< 100" of any. Who declared nothing is not
    contradicted.

    Returns:
        bool, `(members,)`.
    """
    fewest, most = learner_range(members)
    least = np.where(members.learners > SMALLEST, members.learners / 10, 0)
    outside = (most < least) | (fewest >= members.learners) | (fewest > most)
    wrong: NDArray[np.bool_] = outside & (members.learners > 0)
    return wrong


def totals_of_learners(manifest: Manifest) -> dict[str, tuple[int, int]]:
    """The least and the largest total of one released learner in each block that counts."""
    found = {}
    for name, table in value_tables(manifest).items():
        if name in _COUNTED:
            totals = [
                sum(times_said(name, visits, column) * int(v) for column, v in enumerate(row))
                for visits, row in enumerate(table)
                if visits >= manifest.min_items
            ]
            if min(totals) > 0:
                found[name] = (min(totals), max(totals))
    return found
