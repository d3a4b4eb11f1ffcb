"""What one attacking member knows, and where an item's cells lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import EvaluationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.release.manifest import Manifest
    from recommender.trial import Round


@dataclass(frozen=True, eq=False)
class Insight:
    """What an attacker has before it sends: everything that others have sent, and its own learners.

    In open mode blobs are served once their Commits are final, so the last to commit can look at
    all the others' first: attacks here may do so.

    Attributes:
        manifest: What the cells are.
        learners: The attacker's number of learners, by which its share of the swarm is counted.
        own: What its real learners sum to, without noise; int64, `(manifest.cells,)`.
        others: What every other member has sent; int64, `(members - 1, manifest.cells)`.
    """

    manifest: Manifest
    learners: int
    own: NDArray[np.int64]
    others: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Refuse sums of another manifest.

        Raises:
            EvaluationError: A length is not the manifest's.
        """
        cells = self.manifest.cells
        if self.own.shape != (cells,) or self.others.ndim != 2 or self.others.shape[1] != cells:
            raise EvaluationError(
                f"an attacker's sums have {self.own.shape} and {self.others.shape} cells, "
                f"expected ({cells},) and (members, {cells}) by the manifest"
            )

    def popular(self) -> NDArray[np.int64]:
        """Items by the popularity that the others have sent, largest first; int64, `(items,)`."""
        said = self.others[:, self.manifest.block_slices["popularity"]].sum(axis=0)
        return np.argsort(-said, kind="stable").astype(np.int64)


def insight_of(merged: Round, attacker: int, learners: int) -> Insight:
    """What member `attacker` of a round knows of it.

    Args:
        merged: The round as it was without an attack.
        attacker: Its row among the contributions.
        learners: Its number of learners.
    """
    return Insight(
        merged.sums.manifest,
        learners,
        merged.sums.exact[attacker],
        np.delete(merged.contributions, attacker, axis=0),
    )


@dataclass(frozen=True, eq=False)
class Column:
    """Where the pairs of one item lie.

    Attributes:
        items: The other items; int64, `(items - 1,)`.
        cells: Place of each pair within a block of pairs; int64, `(items - 1,)`.
        sign: +1 where a positive direction means that the item follows the other one, else -1;
            int64, `(items - 1,)`.
    """

    items: NDArray[np.int64]
    cells: NDArray[np.int64]
    sign: NDArray[np.int64]


def column_of(target: int, items: int) -> Column:
    """The pairs of `target` with all other items (the layout of `release.vector.pair_cell`).

    Raises:
        EvaluationError: There is no such item.
    """
    if not 0 <= target < items:
        raise EvaluationError(f"item {target} is outside the head of {items} items")
    other = np.delete(np.arange(items, dtype=np.int64), target)
    low, high = np.minimum(other, target), np.maximum(other, target)
    cells = low * items - low * (low + 1) // 2 + high - low - 1
    return Column(other, cells, np.where(other < target, 1, -1).astype(np.int64))
