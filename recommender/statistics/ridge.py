"""What follows from all that came before: a sequential ridge over a platform's own histories.

For each position t of a history x_t = sum over items up to it of memory^age, y_t = sum over items
after it of .7^delay; B = (X'X + 30 I)^-1 X'Y and W = max(B, 0)^1/2, zero diagonal. A closed form
like EASE (Steck 2019), but directed and with a memory; it is strong where histories are long. Pairs
below R17's floor enter both products in groups of ten learners (`recommender.statistics.pooling`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.statistics.local import OwnStatistics
    from recommender.statistics.sequences import Sequences

MEMORIES = (0.85, 0.5)
"""Weights of an item a step older that are tried: long and short."""

FUTURE = 0.7
REGULARISATION = 30.0
KEEP = 60
_LEAST = 0.02
_CHUNK = 4_096


def ridge_weights(
    sequences: Sequences, own: OwnStatistics, memory: float = MEMORIES[0]
) -> NDArray[np.float32]:
    """Item-to-item weights over `own.domain`.

    Args:
        sequences: The histories behind `own`.
        own: Own exact statistics; their support and floor decide which pairs count.
        memory: Weight of an item a step older, in (0, 1].

    Returns:
        Not negative; all zero where the solve fails; float32, `(m, m)`.
    """
    size = own.domain.size
    gram, cross = np.zeros((size, size)), np.zeros((size, size))
    for first in range(0, len(sequences), _CHUNK):
        chunk = np.arange(first, min(first + _CHUNK, len(sequences)), dtype=np.int64)
        before, after = _prefixes(sequences.select(chunk).last(KEEP), own.domain, memory)
        gram += (before.T @ before).toarray()
        cross += (before.T @ after).toarray()
    np.fill_diagonal(cross, 0.0)
    both = own.within_floor(cross + cross.T, signed=False)
    cross = (both + own.within_floor(cross - cross.T, signed=True)) / 2.0
    diagonal = gram.diagonal() + REGULARISATION
    gram = own.within_floor(gram, signed=False)
    np.fill_diagonal(gram, diagonal)
    try:
        solved = np.linalg.solve(gram, cross)
    except np.linalg.LinAlgError:
        return np.zeros((size, size), dtype=np.float32)
    weights = np.sqrt(np.maximum(np.nan_to_num(solved, posinf=0.0, neginf=0.0), 0.0))
    np.fill_diagonal(weights, 0.0)
    result: NDArray[np.float32] = weights.astype(np.float32)
    return result


def _prefixes(
    recent: Sequences, domain: NDArray[np.int32], memory: float
) -> tuple[csr_matrix, csr_matrix]:
    """What came before and what came after each position that has both; `(positions, m)` each."""
    learner = np.repeat(np.arange(len(recent)), recent.lengths())
    where = np.searchsorted(domain, recent.items)
    known = domain[np.minimum(where, domain.size - 1)] == recent.items
    before, after = [], []
    positions = np.arange(recent.items.size)
    for lag in range(_lags(memory)):
        there = positions[lag:][learner[lag:] == learner[: max(learner.size - lag, 0)]]
        before.append((there, where[there - lag], known[there - lag] * memory**lag))
    for lag in range(_lags(FUTURE)):
        ahead = lag + 1
        there = positions[:-ahead][learner[ahead:] == learner[: max(learner.size - ahead, 0)]]
        after.append((there, where[there + ahead], known[there + ahead] * FUTURE**lag))
    goes_on = np.zeros(positions.size)
    goes_on[after[0][0]] = 1.0
    shape = (positions.size, domain.size)
    first = _matrix(before, shape)
    first = first.multiply(goes_on[:, None]).tocsr()
    return first, _matrix(after, shape)


def _lags(weight: float) -> int:
    """Steps after which a weight has fallen below .02."""
    return KEEP if weight >= 1 else 1 + int(np.log(_LEAST) / np.log(weight))


def _matrix(
    entries: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]],
    shape: tuple[int, int],
) -> csr_matrix:
    rows, columns, values = (
        np.concatenate([entry[place] for entry in entries]) for place in range(3)
    )
    kept = values > 0
    return csr_matrix((values[kept].astype(np.float32), (rows[kept], columns[kept])), shape=shape)
