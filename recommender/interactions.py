"""Learner-item interactions as arrays: what every model in this package is fitted on.

Rows are kept as they came; order within a learner is decided where it is needed
(`recommender.release.vector` for releases, `recommender.evaluation` for splits).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recommender.errors import InteractionsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERBS: tuple[str, ...] = (
    "viewed",
    "started",
    "progressed",
    "answered",
    "attempted",
    "submitted",
    "scored",
    "completed",
    "uncompleted",
    "passed",
    "failed",
    "hinted",
    "enrolled",
    "unenrolled",
    "interacted",
    "rated",
    "other",
)
"""The verbs of the interaction table; `Interactions.verb` indexes this tuple."""

VERB_INDEX: dict[str, int] = {verb: index for index, verb in enumerate(VERBS)}


@dataclass(frozen=True, eq=False)
class Interactions:
    """A platform's interactions, one array entry per row.

    Attributes:
        learner_ids: Distinct learner ids; `learner` indexes it.
        item_ids: Distinct item ids; `item` indexes it.
        learner: int32, `(rows,)`.
        item: int32, `(rows,)`.
        timestamp: Unix seconds, UTC; int64, `(rows,)`. 0 where only `order` is known.
        order: The source's own order among equal timestamps; int64, `(rows,)`, 0 if unknown.
        verb: Index into `VERBS`; int8, `(rows,)`.
        score: In [0, 1], NaN where unknown; float32, `(rows,)`.
    """

    learner_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    learner: NDArray[np.int32]
    item: NDArray[np.int32]
    timestamp: NDArray[np.int64]
    order: NDArray[np.int64]
    verb: NDArray[np.int8]
    score: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Refuse arrays that cannot be interactions.

        Raises:
            InteractionsError: Lengths differ, or an index points outside its table.
        """
        rows = self.learner.shape
        columns = (self.item, self.timestamp, self.order, self.verb, self.score)
        if len(rows) != 1 or any(column.shape != rows for column in columns):
            raise InteractionsError("all columns must be one-dimensional and of one length")
        for name, index, size in (
            ("learner", self.learner, len(self.learner_ids)),
            ("item", self.item, len(self.item_ids)),
            ("verb", self.verb, len(VERBS)),
        ):
            if index.size and (int(index.min()) < 0 or int(index.max()) >= size):
                raise InteractionsError(f"column {name!r} points outside its {size} entries")

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.learner.size)

    def __repr__(self) -> str:
        """The facts of the data set."""
        return (
            f"<Interactions {len(self)} rows, {len(self.learner_ids)} learners, "
            f"{len(self.item_ids)} items>"
        )
