"""Which of two items comes first: shrinking the direction block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRIOR = 0.4
"""Sd of a pair's true direction, as a share of how strongly it goes together."""


def shrink_direction(
    together: NDArray[np.float64], direction: NDArray[np.float64], sd: float
) -> NDArray[np.float64]:
    """Posterior mean of the direction under a N(0, (.4 together)^2) prior, within +-together.

    A^ = clip(A v / (v + sd^2), -T, T), v = (.4 T)^2.

    Args:
        together: Estimates T of the together block, not negative; float64, `(m, m)`.
        direction: Noised sums A, antisymmetric; float64, `(m, m)`.
        sd: Noise sd of a cell of `direction`; 0 where no noise was added.

    Returns:
        Estimates A^; float64, `(m, m)`.
    """
    variance = (PRIOR * together) ** 2
    weight = np.divide(
        variance, variance + sd**2, out=np.zeros_like(variance), where=variance + sd**2 > 0
    )
    return np.clip(direction * weight, -together, together)


def split_directions(
    together: NDArray[np.float64], direction: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Directed sums C = (T + A)/2: `C[i, j]` is how strongly j follows i; float64, `(m, m)`."""
    forward: NDArray[np.float64] = (together + direction) / 2.0
    return forward
