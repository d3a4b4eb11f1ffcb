"""A merged model as one member sees it, each other member held to its share, and without some.

Every path from members' sums to what a home serves, watches or measures goes through here, so that
all of them look at the same merge (R34, decision 0102).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.statistics.cap import sum_and_rest
from recommender.statistics.merged import MergedSums
from recommender.statistics.shares import FEWEST, limit_shares

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from recommender.statistics.shares import MemberSums


@dataclass(frozen=True, eq=False)
class MemberView:
    """All accepted contributions in open mode, with what each counts for.

    Attributes:
        members: What each has sent.
        counted: What each counts for; None below `FEWEST` members, where R34's cap is all there
            is. float32, `(members, cells)`.
    """

    members: MemberSums
    counted: NDArray[np.float32] | None

    @classmethod
    def of(cls, members: MemberSums) -> MemberView:
        """Hold members to their shares, where there are enough of them."""
        enough = members.cells.shape[0] >= FEWEST
        return cls(members, limit_shares(members) if enough else None)

    def seen_by(self, own: int | None, without: Collection[int] = ()) -> MergedSums:
        """The merge as a member sees it, or one that has contributed nothing.

        Args:
            own: Its row; None if it has none.
            without: Rows of other members that are left out. What the rest counts for stays.
        """
        members = self.members
        rows = np.arange(members.variance.size)
        kept = ~np.isin(rows, list(without))
        others = kept & (rows != (-1 if own is None else own))
        total, rest = sum_and_rest(members.cells[kept], members.anchors[kept])
        held = None
        if self.counted is not None:
            held = np.rint(self.counted[others].sum(axis=0)).astype(np.int64)
        return MergedSums(
            members.manifest,
            total,
            rest,
            None if own is None else members.cells[own],
            others_variance=float(members.variance[others].sum()),
            own_variance=0.0 if own is None else float(members.variance[own]),
            others=held,
        )
