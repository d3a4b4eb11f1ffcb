"""Releases that break their promise: each a faulty step handed to the audit (R16)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from recommender.audit.release_path import ReleasePath
from recommender.release.manifest import Block
from recommender.release.noise import ExactNoise
from recommender.release.sum import sum_vectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


class HalfNoise:
    """Half the standard deviation that the manifest asks for."""

    name = "half"

    def draw(self, cells: int, sigma_squared: int) -> NDArray[np.int64]:
        return ExactNoise().draw(cells, max(64, sigma_squared // 4))


class NoNoise:
    """None at all."""

    name = "none"

    def draw(self, cells: int, sigma_squared: int) -> NDArray[np.int64]:
        return np.zeros(cells, dtype=np.int64)


class KeptNoise:
    """Noise drawn for one release and used for the next one's other data, too."""

    name = "kept"

    def __init__(self) -> None:
        self._kept: NDArray[np.int64] | None = None

    def draw(self, cells: int, sigma_squared: int) -> NDArray[np.int64]:
        kept, self._kept = self._kept, None
        if kept is not None and kept.size == cells:
            return kept
        self._kept = ExactNoise().draw(cells, sigma_squared)
        return self._kept


class SparseNoise:
    """No noise in the last tenth of the cells."""

    name = "sparse"

    def draw(self, cells: int, sigma_squared: int) -> NDArray[np.int64]:
        noise = ExactNoise().draw(cells, sigma_squared)
        noise[-max(1, cells // 10) :] = 0
        return noise


def with_block(blocks: tuple[Block, ...]) -> Callable[..., NDArray[np.int64]]:
    """The last of `blocks` as if it had the whole scale to itself, the others beside it."""

    def sums(interactions, head, manifest, digest, learners):
        vector = sum_vectors(interactions, head, manifest, digest, learners)
        other = replace(manifest, blocks=blocks)
        name = blocks[-1].name
        more = sum_vectors(interactions, head, other, digest, learners)[other.block_slices[name]]
        vector[manifest.block_slices[name]] = more
        return vector

    return sums


def own_head(interactions, head, manifest, digest, learners):
    """A head of the items that are the most frequent here: it depends on everybody (R6)."""
    rows = slice(None) if learners is None else learners[interactions.learner]
    counts = np.bincount(interactions.item[rows], minlength=len(interactions.item_ids))
    top = np.argsort(-counts, kind="stable")[: manifest.items]
    chosen = np.full(head.shape, -1, dtype=np.int32)
    chosen[np.sort(top)] = np.arange(top.size, dtype=np.int32)
    return sum_vectors(interactions, chosen, manifest, digest, learners)


MUTANTS: dict[str, Callable[[], ReleasePath]] = {
    "half the noise": lambda: ReleasePath(noise=HalfNoise()),
    "a part left out of the norm": lambda: ReleasePath(
        sums=with_block((Block("popularity", 4_096, 2),))
    ),
    "starts left out of the norm": lambda: ReleasePath(
        sums=with_block((Block("starts", 4_096, 1),))
    ),
    "symmetric released beside directed": lambda: ReleasePath(
        sums=with_block((Block("together", 1_234, 2), Block("direction", 3_705, 2)))
    ),
    "top items by exact counts": lambda: ReleasePath(sums=own_head),
    "noise used again on other data": lambda: ReleasePath(noise=KeptNoise()),
    "cells without noise": lambda: ReleasePath(noise=SparseNoise()),
}
FINE: dict[str, Callable[[], ReleasePath]] = {
    # 3,904 and 1,220 fill the scale by themselves; popularity and starts come on top: 5 % too much.
    "a small part left out of the norm": lambda: ReleasePath(
        sums=with_block((Block("direction", 1_234, 2), Block("together", 3_904, 2)))
    ),
}
"""Faults that show at full effort only."""
