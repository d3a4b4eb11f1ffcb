"""The code under audit: what a release does, step by step, each step replaceable.

By default the steps are those of production. A test of the audit hands over a faulty step, and
the audit must notice; nothing else ever should.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from recommender.interactions import VERB_INDEX, Interactions
from recommender.release.contribution import make_contribution, read_contribution
from recommender.release.noise import ExactNoise, NoiseSource
from recommender.release.sum import sum_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from recommender.release.manifest import Manifest

    Sums = Callable[
        [Interactions, NDArray[np.int32], Manifest, bytes, NDArray[np.bool_] | None],
        NDArray[np.int64],
    ]
    Contribution = Callable[[NDArray[np.int64], Manifest, NoiseSource], bytes]

DIGEST = bytes(32)
"""Stands for the manifest's digest; it only orders ties, and an audit's events have none."""


@dataclass(frozen=True, slots=True)
class ReleasePath:
    """The steps of a release.

    Attributes:
        sums: From interactions to integers without noise; as `sum_vectors`.
        contribution: From those to the bytes that leave; as `make_contribution`.
        noise: Where the noise comes from.
    """

    sums: Sums = sum_vectors
    contribution: Contribution = make_contribution
    noise: NoiseSource = field(default_factory=ExactNoise)

    def release(self, sums: NDArray[np.int64], manifest: Manifest) -> NDArray[np.int64]:
        """Release sums once, with fresh noise; int64, `(manifest.cells,)`."""
        data = self.contribution(sums, manifest, self.noise)
        return read_contribution(data, manifest).astype(np.int64)


def platform(
    histories: Sequence[Sequence[int]], items: int, verb: str, *, first: int = 0
) -> Interactions:
    """A platform of invented learners; learner n visits the items of `histories[n]` in order.

    Args:
        histories: Item indices of each learner, oldest first.
        items: Number of the platform's items.
        verb: What each visit is.
        first: Number of the first learner, which makes their names.
    """
    learner = [who for who, history in enumerate(histories) for _ in history]
    moment = [place for history in histories for place, _ in enumerate(history)]
    count = len(learner)
    return Interactions(
        learner_ids=tuple(f"audit-{first + number:09}" for number in range(len(histories))),
        item_ids=tuple(f"audit:{number}" for number in range(items)),
        learner=np.array(learner, dtype=np.int32),
        item=np.array([item for history in histories for item in history], dtype=np.int32),
        timestamp=np.array(moment, dtype=np.int64),
        order=np.zeros(count, dtype=np.int64),
        verb=np.full(count, VERB_INDEX[verb], dtype=np.int8),
        score=np.full(count, np.nan, dtype=np.float32),
    )
