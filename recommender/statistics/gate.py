"""How far an item's estimated pairs can be trusted: a gate in [0, 1] per item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


DOUBT = 2.0
"""Learners behind an item's strongest own pair at which it is half trusted."""


def merged_gate(
    own: NDArray[np.float64], others: NDArray[np.float64], sd: float
) -> NDArray[np.float64]:
    """Trust in each history item's merged pairs.

    g = m / (m + sd m_others / m), m = m_own + m_others, with m_own and m_others the largest cell of
    the item. Nothing of the noise counts against what is the platform's own; without noise, or
    without others, it is 1 wherever anything is known.

    Args:
        own: Own exact together sums; float64, `(m, m)`.
        others: Estimates of the others' together sums; float64, `(m, m)`.
        sd: Noise sd of a cell of the others' sums.

    Returns:
        Gates; float64, `(m,)`.
    """
    from_own = own.max(axis=0, initial=0.0)
    from_others = others.max(axis=0, initial=0.0)
    strongest = from_own + from_others
    doubt = np.divide(
        sd * from_others, strongest, out=np.zeros_like(strongest), where=strongest > 0
    )
    gate: NDArray[np.float64] = np.divide(
        strongest, strongest + doubt, out=np.zeros_like(strongest), where=strongest > 0
    )
    return gate


def own_gate(own: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
    """Trust in each history item's own pairs: m / (m + 2 unit), m its largest cell.

    Args:
        own: Own together sums; float64, `(m, m)`.
        unit: What one learner adds to a pair on average: the same number of learners is trusted
            alike where histories are short and where they are long.

    Returns:
        Gates, half at two learners; float64, `(m,)`.
    """
    strongest = own.max(axis=0, initial=0.0)
    whole = strongest + DOUBT * unit
    gate: NDArray[np.float64] = np.divide(
        strongest, whole, out=np.zeros_like(strongest), where=whole > 0
    )
    return gate
