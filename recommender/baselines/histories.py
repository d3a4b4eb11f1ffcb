"""Histories as weighted rows: what every linear baseline scores from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.statistics.sequences import Sequences


def weighted_rows(histories: Sequences, items: int, decay: float = 1.0) -> csr_matrix:
    """One row a learner, decay^age at each known item; float32, `(learners, items)`."""
    lengths = histories.lengths()
    row = np.repeat(np.arange(len(histories)), lengths)
    age = np.repeat(histories.start[1:], lengths) - 1 - np.arange(histories.items.size)
    values = np.power(decay, age.astype(np.float64)).astype(np.float32)
    return csr_matrix((values, (row, histories.items)), shape=(len(histories), items))


def item_counts(histories: Sequences, items: int) -> NDArray[np.float64]:
    """Learners of each item; float64, `(items,)`."""
    return np.bincount(histories.items, minlength=items).astype(np.float64)
