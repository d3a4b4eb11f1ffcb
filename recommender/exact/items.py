"""Item-to-item weights from exact histories, in several closed forms that err differently.

Each form is a matrix W, `W[i, j]` how strongly item i in a history speaks for j, and a memory: the
weight of a history item a step older. What is solved knows the most popular items, what is counted
knows all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix, diags

from recommender.statistics.local import CLIP, DECAY, KEEP, REACH, block_norms
from recommender.statistics.solve import solve_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from recommender.statistics.sequences import Sequences

MOST_ITEMS = 4_000
"""Items that are solved at most; the solves are cubic in their number."""

TARGET_POWERS = (0.25, 0.1)
SOLVE_MEMORY = 0.7
MARKOV_MEMORIES = (0.8, 0.5)
MARKOV_SMOOTHING = 10.0
LAST_MEMORY = 0.3
COSINES = ((10.0, 0.8), (1.0, 1.0))
"""Shrinkage and memory."""
RIDGE_MEMORIES = (0.85, 0.5)
RIDGE_KEEP = 60
RIDGE_FUTURE = 0.7
RIDGE_REGULARISATION = 30.0
EASE_REGULARISATION = 200.0
EASE_MEMORIES = (1.0, 0.8)
_LEAST = 0.02
_CHUNK = 4_096


@dataclass(frozen=True, eq=False)
class ItemWeights:
    """One form.

    Attributes:
        name: Of the form and its memory.
        items: The items it knows, ascending; int32, `(m,)`.
        weights: Not negative; float32, `(m, m)`, sparse where it is counted.
        memory: Weight of a history item a step older.
    """

    name: str
    items: NDArray[np.int32]
    weights: NDArray[np.float32] | csr_matrix
    memory: float

    def score(self, histories: Sequences, size: int) -> NDArray[np.float32]:
        """H W over its row maximum; in [0, 1], float32, `(learners, size)`."""
        spoken = over_domain(histories, self.items, self.memory) @ self.weights
        if not isinstance(spoken, np.ndarray):
            spoken = spoken.toarray()
        scores = np.zeros((len(histories), size), dtype=np.float32)
        scores[:, self.items] = by_row_maximum(spoken)
        return scores


def fit_item_weights(histories: Sequences, size: int) -> Iterator[ItemWeights]:
    """All forms, one after the other.

    Args:
        histories: Of all learners.
        size: Number of items.
    """
    counts = np.bincount(histories.items, minlength=size)
    domain = most_popular(counts, MOST_ITEMS)
    forward, popularity = _clipped_sums(histories, domain)
    together = forward + forward.T
    for power in TARGET_POWERS:
        solved = solve_weights(together, forward, popularity, power).astype(np.float32)
        yield ItemWeights(f"solve {power:g}", domain, solved, SOLVE_MEMORY)
    del forward, together
    for memory in RIDGE_MEMORIES:
        ridge = sequential_ridge(histories, domain, memory)
        yield ItemWeights(f"ridge {memory:g}", domain, ridge, memory)
    yield from _in_memories("ease", domain, _ease(histories, domain), EASE_MEMORIES)
    yield from _counted(histories, counts)


def _counted(histories: Sequences, counts: NDArray[np.int64]) -> Iterator[ItemWeights]:
    """Chains and cosines of all items that anybody has."""
    domain = np.flatnonzero(counts > 0).astype(np.int32)
    count = counts[domain].astype(np.float64)
    each = diags(1.0 / (count + MARKOV_SMOOTHING))
    chain = each @ _chain(histories, domain, REACH)
    yield from _in_memories("markov", domain, chain, MARKOV_MEMORIES)
    chain = each @ _chain(histories, domain, 1)
    yield from _in_memories("last item", domain, chain, (LAST_MEMORY,))
    rows = over_domain(histories, domain, 1.0)
    both = (rows.T @ rows).tocoo()
    away = both.row != both.col
    row, column, together = both.row[away], both.col[away], both.data[away]
    expected = np.sqrt(count[row] * count[column])
    for shrinkage, memory in COSINES:
        shape = (domain.size, domain.size)
        cosine = csr_matrix((together / (expected + shrinkage), (row, column)), shape=shape)
        yield from _in_memories(f"cosine {shrinkage:g}", domain, cosine, (memory,))


def most_popular(counts: NDArray[np.int64], most: int) -> NDArray[np.int32]:
    """The most visited items, at most so many, ascending; int32."""
    order = np.lexsort((np.arange(counts.size), -counts))[:most]
    return np.sort(order[counts[order] > 0]).astype(np.int32)


def over_domain(histories: Sequences, domain: NDArray[np.int32], memory: float) -> csr_matrix:
    """memory^age at each known item of the domain; float32, `(learners, m)`."""
    lengths = histories.lengths()
    age = np.repeat(histories.start[1:], lengths) - 1 - np.arange(histories.items.size)
    row = np.repeat(np.arange(len(histories)), lengths)
    place, inside = _places(histories.items, domain)
    values = np.power(memory, age[inside].astype(np.float64)).astype(np.float32)
    shape = (len(histories), domain.size)
    return csr_matrix((values, (row[inside], place[inside])), shape=shape)


def by_row_maximum(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows over their largest entry, negative entries as 0; float32."""
    positive = np.maximum(scores, 0.0)
    largest = positive.max(axis=1, keepdims=True, initial=0.0)
    share: NDArray[np.float32] = np.divide(
        positive, largest, out=np.zeros_like(positive), where=largest > 0
    ).astype(np.float32)
    return share


def sequential_ridge(
    histories: Sequences, domain: NDArray[np.int32], memory: float
) -> NDArray[np.float32]:
    """What follows from all that came before, as `recommender.statistics.ridge` without floor.

    x_t = sum over items up to t of memory^age, y_t = sum over items after it of .7^delay;
    W = max((X'X + 30 I)^-1 X'Y, 0)^1/2, zero diagonal.
    """
    size = domain.size
    gram, cross = np.zeros((size, size)), np.zeros((size, size))
    for first in range(0, len(histories), _CHUNK):
        chunk = np.arange(first, min(first + _CHUNK, len(histories)), dtype=np.int64)
        before, after = _around(histories.select(chunk).last(RIDGE_KEEP), domain, memory)
        gram += (before.T @ before).toarray()
        cross += (before.T @ after).toarray()
    gram[np.diag_indices(size)] += RIDGE_REGULARISATION
    weights = np.sqrt(np.maximum(np.linalg.solve(gram, cross), 0.0)).astype(np.float32)
    np.fill_diagonal(weights, 0.0)
    result: NDArray[np.float32] = weights
    return result


def _around(
    recent: Sequences, domain: NDArray[np.int32], memory: float
) -> tuple[csr_matrix, csr_matrix]:
    """What came up to each position but a learner's last, and what after; `(positions, m)` each."""
    place, inside = _places(recent.items, domain)
    at = np.flatnonzero(inside)
    shape = (recent.items.size, domain.size)
    item = csr_matrix((np.ones(at.size, np.float32), (at, place[at])), shape=shape)
    goes_on = np.ones(recent.items.size, dtype=bool)
    goes_on[recent.start[1:][recent.lengths() > 0] - 1] = False
    rows = np.flatnonzero(goes_on)
    up_to = _lag_matrix(recent, memory, 0)[rows]
    later = _lag_matrix(recent, RIDGE_FUTURE, 1).T.tocsr()[rows]
    return up_to @ item, later @ item


def _lag_matrix(recent: Sequences, weight: float, first: int) -> csr_matrix:
    """weight^(lag - first) from each position to the one `lag` before it, lags from `first`."""
    size = recent.items.size
    learner = np.repeat(np.arange(len(recent)), recent.lengths())
    rows, columns, values = [], [], []
    for lag in range(first, first + 1 + int(np.log(_LEAST) / np.log(weight))):
        later = np.arange(lag, size)
        later = later[learner[lag:] == learner[: size - lag]] if size > lag else later[:0]
        rows.append(later)
        columns.append(later - lag)
        values.append(np.full(later.size, weight ** (lag - first), dtype=np.float32))
    entries = (np.concatenate(rows), np.concatenate(columns))
    return csr_matrix((np.concatenate(values), entries), shape=(size, size))


def _clipped_sums(
    histories: Sequences, domain: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Directed sums and popularity as a release has them, without its grid (R8)."""
    recent = histories.last(KEEP)
    lengths = recent.lengths()
    norms = block_norms(int(lengths.max(initial=0)))
    weight = np.repeat(1.0 / np.maximum(norms[lengths], CLIP), lengths)
    each = np.repeat(1.0 / np.maximum(np.sqrt(lengths), CLIP), lengths)
    place, inside = _places(recent.items, domain)
    popularity = np.bincount(place[inside], each[inside], domain.size).astype(np.float64)
    return _following(recent, domain, weight), popularity


def _following(
    histories: Sequences,
    domain: NDArray[np.int32],
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum over lags l of .8^(l-1) weight [j follows i after l]; float64, `(m, m)`."""
    size = domain.size
    learner = np.repeat(np.arange(len(histories)), histories.lengths())
    place, inside = _places(histories.items, domain)
    sums = np.zeros(size * size)
    for lag in range(1, REACH + 1):
        both = (learner[:-lag] == learner[lag:]) & inside[:-lag] & inside[lag:]
        cell = place[:-lag][both] * size + place[lag:][both]
        sums += DECAY ** (lag - 1) * np.bincount(cell, weight[:-lag][both], size * size)
    following = sums.reshape(size, size)
    np.fill_diagonal(following, 0.0)
    return following


def _chain(histories: Sequences, domain: NDArray[np.int32], reach: int) -> csr_matrix:
    """The same as `_following` with learners alike, sparse; float64, `(m, m)`."""
    learner = np.repeat(np.arange(len(histories)), histories.lengths())
    place, inside = _places(histories.items, domain)
    sums = csr_matrix((domain.size, domain.size))
    for lag in range(1, reach + 1):
        both = (learner[:-lag] == learner[lag:]) & inside[:-lag] & inside[lag:]
        cells = (place[:-lag][both], place[lag:][both])
        weight = np.full(cells[0].size, DECAY ** (lag - 1))
        sums = sums + csr_matrix((weight, cells), shape=sums.shape)
    return sums


def _ease(histories: Sequences, domain: NDArray[np.int32]) -> NDArray[np.float64]:
    """EASE (Steck 2019): P = (X'X + lambda I)^-1, B = -P / diag(P), zero diagonal."""
    rows = over_domain(histories, domain, 1.0)
    gram = (rows.T @ rows).toarray().astype(np.float64)
    gram[np.diag_indices(domain.size)] += EASE_REGULARISATION
    inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(weights, 0.0)
    result: NDArray[np.float64] = weights
    return result


def _in_memories(
    name: str,
    domain: NDArray[np.int32],
    weights: NDArray[np.float64] | csr_matrix,
    memories: tuple[float, ...],
) -> Iterator[ItemWeights]:
    matrix = weights.astype(np.float32)
    for memory in memories:
        yield ItemWeights(f"{name} {memory:g}", domain, matrix, memory)


def _places(
    items: NDArray[np.int32], domain: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Place of each item in the domain, and whether it has one."""
    if domain.size == 0:
        return np.zeros(items.size, np.int64), np.zeros(items.size, bool)
    place = np.minimum(np.searchsorted(domain, items), domain.size - 1)
    return place.astype(np.int64), domain[place] == items
