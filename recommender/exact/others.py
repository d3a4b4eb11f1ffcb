"""What is not item to item: similar learners, popularity, starts, texts, the catalogue's order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix, diags

from recommender.exact.items import by_row_maximum, over_domain
from recommender.statistics.serving_parts import score_starts, score_text
from recommender.statistics.starts import own_length, own_starts, start_part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.statistics.sequences import Sequences
    from recommender.statistics.serving_parts import StartPart, TextPart

NEIGHBOURS = 200
MOST_LEARNERS = 20_000
"""Learners among whom similar ones are looked for; of more, evenly spaced ones."""

NEIGHBOUR_MEMORY = 0.8
TEXT_MEMORY = 0.7
_BATCH = 128


@dataclass(frozen=True, eq=False)
class SimilarLearners:
    """What the learners have whose histories are most like this one.

    Likeness is the sum over shared items of memory^age log((n + 1) / (n_i + 1)), over the root of
    the other's length (item weights as in Jannach and Ludewig 2017, user to user).

    Attributes:
        rows: Training histories; float32, `(learners, items)`, ones.
        name: Of the part.
    """

    rows: csr_matrix
    name: str = "learners"

    def score(self, histories: Sequences, size: int) -> NDArray[np.float32]:
        """In [0, 1]; float32, `(learners, size)`."""
        learners = self.rows.shape[0]
        counts = np.asarray(self.rows.sum(axis=0)).ravel()
        rarity = np.log((learners + 1) / (counts + 1)).astype(np.float32)
        lengths = np.maximum(np.diff(self.rows.indptr), 1)
        other = (diags(1.0 / np.sqrt(lengths)) @ self.rows).T.tocsr().astype(np.float32)
        every = np.arange(size, dtype=np.int32)
        own = (over_domain(histories, every, NEIGHBOUR_MEMORY) @ diags(rarity)).tocsr()
        scores = np.zeros((len(histories), size), dtype=np.float32)
        for first in range(0, len(histories), _BATCH):
            likeness = (own[first : first + _BATCH] @ other).toarray()  # (batch, learners)
            likely = _largest(likeness.astype(np.float32), NEIGHBOURS)
            scores[first : first + _BATCH] = (likely @ self.rows).toarray()
        return by_row_maximum(scores)


def _largest(likeness: NDArray[np.float32], most: int) -> csr_matrix:
    """The largest entries of each row, the rest 0."""
    rows, learners = likeness.shape
    kept = min(most, learners)
    place = np.argpartition(-likeness, kept - 1, axis=1)[:, :kept]
    values = np.take_along_axis(likeness, place, axis=1)
    row = np.repeat(np.arange(rows), kept)
    return csr_matrix((values.ravel(), (row, place.ravel())), shape=likeness.shape)


def fit_similar_learners(histories: Sequences, size: int) -> SimilarLearners:
    """Nothing is learned: the histories are kept."""
    step = -(-len(histories) // MOST_LEARNERS) or 1
    kept = histories.select(np.arange(0, len(histories), step, dtype=np.int64))
    return SimilarLearners(over_domain(kept, np.arange(size, dtype=np.int32), 1.0))


@dataclass(frozen=True, eq=False)
class Popularity:
    """The same for everybody: log(1 + n) over its maximum, n the item's learners.

    Without any history it is where others begin, since that is what comes next.

    Attributes:
        counts: log(1 + learners of each item) over its maximum; float32, `(items,)`.
        firsts: The same of first visits, see `recommender.statistics.starts`; float32, `(items,)`.
        name: Of the part.
    """

    counts: NDArray[np.float32]
    firsts: NDArray[np.float32]
    name: str = "popularity"

    def score(self, histories: Sequences, size: int) -> NDArray[np.float32]:
        """In [0, 1]; float32, `(learners, size)`."""
        del size
        fresh = (histories.lengths() == 0)[:, None]
        return np.where(fresh, self.firsts, self.counts)


def fit_popularity(histories: Sequences, size: int) -> Popularity:
    """Count the learners of each item, and those who come to it early."""
    counts = np.bincount(histories.items, minlength=size).astype(np.float64)
    return Popularity(_logged(counts), _logged(own_starts(histories, size, floor=1)))


def _logged(counts: NDArray[np.float64]) -> NDArray[np.float32]:
    logged: NDArray[np.float32] = by_row_maximum(np.log1p(counts).astype(np.float32)[None])[0]
    return logged


@dataclass(frozen=True, eq=False)
class Starts:
    """Where learners begin, less for each item known, as the product serves it.

    Attributes:
        part: Strengths and memory.
        name: Of the part.
    """

    part: StartPart
    name: str = "starts"

    def score(self, histories: Sequences, size: int) -> NDArray[np.float32]:
        """In [0, 1]; float32, `(learners, size)`."""
        del size
        return score_starts(self.part, histories.lengths())


def fit_starts(histories: Sequences, size: int) -> Starts:
    """Sum the first visits of all learners, without R17's floor."""
    begun = own_starts(histories, size, floor=1)
    return Starts(start_part(begun, begun, 0.0, own_length(histories)))


@dataclass(frozen=True, eq=False)
class Texts:
    """Likeness of text to the history.

    Attributes:
        part: Nearest items by text.
        name: Of the part.
    """

    part: TextPart
    name: str = "text"

    def score(self, histories: Sequences, size: int) -> NDArray[np.float32]:
        """In [0, 1]; float32, `(learners, size)`."""
        del size
        lengths = histories.lengths()
        row = np.repeat(np.arange(len(histories)), lengths)
        age = np.repeat(histories.start[1:], lengths) - 1 - np.arange(histories.items.size)
        weight = (TEXT_MEMORY**age).astype(np.float32)
        return score_text(self.part, row, histories.items.astype(np.int64), weight, len(histories))
