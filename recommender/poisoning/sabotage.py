"""Attacks without a target: sign flip, scaling, copying, free-riding, two from the literature.

ALIE is Baruch, Baruch and Goldberg 2019 ("A little is enough"), IPM is Xie, Koyejo and Gupta 2019
("Fall of empires"): both look at what honest members send. (Their formulas are tested against
byzfl's, or against the papers' where it is not installed.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.release.noise import FastNoise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.poisoning.insight import Insight


def sign_flip(insight: Insight, scale: float = 1.0) -> NDArray[np.int64]:
    """The opposite of what the attacker's learners say; int64, `(cells,)`."""
    return _whole(-scale * insight.own)


def scaled(insight: Insight, scale: float = 10.0) -> NDArray[np.int64]:
    """What the attacker's learners say, said so much louder; int64, `(cells,)`."""
    return _whole(scale * insight.own)


def copied(insight: Insight, member: int = 0) -> NDArray[np.int64]:
    """Another member's contribution, noise and all; int64, `(cells,)`."""
    sent: NDArray[np.int64] = insight.others[member].copy()
    return sent


def free_riding(insight: Insight, rng: np.random.Generator | None = None) -> NDArray[np.int64]:
    """Nothing: zeros, or with `rng` noise alone, which nobody can tell from a small member."""
    nothing = np.zeros(insight.manifest.cells, dtype=np.int64)
    if rng is None:
        return nothing
    return FastNoise(rng).draw(nothing.size, insight.manifest.sigma_squared)


def little_is_enough(insight: Insight, z: float = 1.0) -> NDArray[np.int64]:
    """ALIE: the others' mean less z of their standard deviations (ddof 1), cell by cell."""
    spread = insight.others.std(axis=0, ddof=1)
    return _whole(insight.others.mean(axis=0) - z * spread)


def inner_product(insight: Insight, tau: float = 3.0) -> NDArray[np.int64]:
    """IPM: -tau times the others' mean; int64, `(cells,)`."""
    return _whole(-tau * insight.others.mean(axis=0))


def _whole(cells: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = np.rint(cells).astype(np.int64)
    return whole
