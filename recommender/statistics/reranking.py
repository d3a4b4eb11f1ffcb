"""A local re-ranker as arrays: a gated recurrent unit in numpy, on top of a serving model's scores.

`recommender.network.reranker` trains it and decides whether it is worth having; this file runs it
where torch is not installed, equal to torch within 1e-5 (a test). It is fitted on the platform's
own learners and never leaves the platform (R5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.statistics.sequences import Sequences

KEEP = 30


@dataclass(frozen=True, eq=False)
class Reranker:
    """A GRU over a learner's latest items, and how much it counts.

    Gates in torch's order: reset, update, new.

    Attributes:
        embedding: float32, `(items, width)`.
        input_weights: float32, `(3 width, width)`.
        state_weights: float32, `(3 width, width)`.
        input_bias: float32, `(3 width,)`.
        state_bias: float32, `(3 width,)`.
        leave: float32, `(items, width)`.
        leave_bias: float32, `(items,)`.
        weight: What a unit of log chance adds to a score whose largest entry is 1.
    """

    embedding: NDArray[np.float32]
    input_weights: NDArray[np.float32]
    state_weights: NDArray[np.float32]
    input_bias: NDArray[np.float32]
    state_bias: NDArray[np.float32]
    leave: NDArray[np.float32]
    leave_bias: NDArray[np.float32]
    weight: float

    def log_chances(self, histories: Sequences) -> NDArray[np.float32]:
        """Log of each item's chance to come next; float32, `(learners, items)`."""
        recent = histories.last(KEEP)
        lengths = recent.lengths()
        width = self.embedding.shape[1]
        state = np.zeros((len(recent), width), dtype=np.float32)
        for step in range(int(lengths.max(initial=0))):
            going = np.flatnonzero(lengths > step)
            x = self.embedding[recent.items[recent.start[going] + step]]  # (going, width)
            state[going] = self._advance(x, state[going])
        logits = state @ self.leave.T + self.leave_bias  # (learners, items)
        logits -= logits.max(axis=1, keepdims=True, initial=-np.inf)
        chances: NDArray[np.float32] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return chances

    def rerank(self, totals: NDArray[np.float32], histories: Sequences) -> NDArray[np.float32]:
        """Scores with the re-ranker's part added.

        Args:
            totals: A serving model's scores; float32, `(learners, items)`.
            histories: Of the same learners.

        Returns:
            float32, `(learners, items)`; a learner without history keeps the order of `totals`.
        """
        largest = np.maximum(totals.max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        known = (histories.lengths() > 0)[:, None]
        added = np.where(known, np.float32(self.weight) * self.log_chances(histories), 0.0)
        result: NDArray[np.float32] = (totals / largest + added).astype(np.float32)
        return result

    def _advance(self, x: NDArray[np.float32], state: NDArray[np.float32]) -> NDArray[np.float32]:
        """One step of the unit (Cho et al. 2014, as in torch)."""
        width = state.shape[1]
        given = x @ self.input_weights.T + self.input_bias  # (learners, 3 width)
        kept = state @ self.state_weights.T + self.state_bias  # (learners, 3 width)
        gates = _sigmoid(given[:, : 2 * width] + kept[:, : 2 * width])
        reset, update = gates[:, :width], gates[:, width:]
        new = np.tanh(given[:, 2 * width :] + reset * kept[:, 2 * width :])
        following: NDArray[np.float32] = (1 - update) * new + update * state
        return following


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    half: NDArray[np.float32] = np.float32(0.5) * (np.tanh(np.float32(0.5) * x) + np.float32(1.0))
    return half  # the form by tanh never overflows
