"""From pair sums to item-to-item weights: one regularised linear solve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMOOTHING = 5.0
OFF_DIAGONAL = 0.8
DIAGONAL = 3.8
SYMMETRIC_SHARE = 0.1
TARGET_POWER = 0.25
BROAD_TARGET_POWER = 0.1
"""Where there are more than `BROAD` items: what is popular everywhere is seldom what comes next."""

BROAD = 1_000


def solve_weights(
    together: NDArray[np.float64],
    forward: NDArray[np.float64],
    popularity: NDArray[np.float64],
    target_power: float | None = None,
    rows: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Item-to-item weights that predict what follows, given all other history items.

    With D = popularity + 5:
    M = [.8 D^-1/2 T D^-1/2, its diagonal set to 3.8]^-1 D^-1/2 (C + .1 T) D^-1/2 and
    W = max(D^-1/2 M D^target_power, 0)^1/2, zero diagonal. It is a ridge regression from an item's
    neighbours to what follows, in popularity-normalised coordinates (compare SLIM and EASE,
    Steck 2019); the square root tempers the largest weights.

    Args:
        together: T, symmetric, not negative, zero diagonal; float64, `(m, m)`.
        forward: C, `C[i, j]` how strongly j follows i; float64, `(m, m)`.
        popularity: Not negative; float64, `(m,)`.
        target_power: How much a popular item may profit; None is .25, above 1,000 items .1.
        rows: Items in a history that are asked about; None is all. int64, `(rows,)`.

    Returns:
        `W[i, j]`, how strongly item i in a history speaks for j; float64, `(rows, m)`.
    """
    if target_power is None:
        target_power = BROAD_TARGET_POWER if popularity.size > BROAD else TARGET_POWER
    degree = popularity + SMOOTHING
    root = 1.0 / np.sqrt(degree)
    normal = OFF_DIAGONAL * together * root[:, None] * root[None, :]
    np.fill_diagonal(normal, DIAGONAL)
    target = (forward + SYMMETRIC_SHARE * together) * root[:, None] * root[None, :]
    if rows is None:
        rows = np.arange(popularity.size)
        solved = np.linalg.solve(normal, target)
    else:  # the matrix is symmetric: rows of its inverse are columns
        solved = np.linalg.solve(normal, np.eye(popularity.size)[:, rows]).T @ target
    weights: NDArray[np.float64] = np.sqrt(
        np.maximum(root[rows, None] * solved * degree[None, :] ** target_power, 0.0)
    )
    weights[np.arange(rows.size), rows] = 0.0
    return weights
