"""A local re-ranker as arrays: a gated recurrent unit in numpy beside a serving model's parts.

`recommender.network.reranker` trains it and decides whether it is worth having; this file runs it
where torch is not installed, equal to torch within 1e-5 (a test). It is fitted on the platform's
own learners and never leaves the platform (R5).

R17's floor holds for every pair that it touches. A history is cut where the next item makes a pair
of fewer than ten learners with any item since the last cut; the unit reads what follows the last
cut, and moves, up or down, only items that make a pair of ten learners with everything that it has
read. It is trained on histories cut in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.statistics.sequences import Sequences

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEEP = 10
"""Latest items that it reads: as far as own pairs reach."""

SPAN = 6.0
"""An item whose chance is so many nats below the likeliest one's is not moved."""


@dataclass(frozen=True, eq=False)
class Reranker:
    """A GRU over a learner's latest items; its items are those of the own pairs.

    Gates in torch's order: reset, update, new.

    Attributes:
        embedding: float32, `(items, width)`.
        input_weights: float32, `(3 width, width)`.
        state_weights: float32, `(3 width, width)`.
        input_bias: float32, `(3 width,)`.
        state_bias: float32, `(3 width,)`.
        leave: float32, `(items, width)`.
        leave_bias: float32, `(items,)`.
    """

    embedding: NDArray[np.float32]
    input_weights: NDArray[np.float32]
    state_weights: NDArray[np.float32]
    input_bias: NDArray[np.float32]
    state_bias: NDArray[np.float32]
    leave: NDArray[np.float32]
    leave_bias: NDArray[np.float32]

    def logits(self, histories: Sequences) -> NDArray[np.float32]:
        """What the unit says comes next, unnormalised log chances; float32, `(learners, items)`."""
        lengths = histories.lengths()
        state = np.zeros((len(histories), self.embedding.shape[1]), dtype=np.float32)
        for step in range(int(lengths.max(initial=0))):
            going = np.flatnonzero(lengths > step)
            x = self.embedding[histories.items[histories.start[going] + step]]  # (going, width)
            state[going] = self._advance(x, state[going])
        logits: NDArray[np.float32] = state @ self.leave.T + self.leave_bias
        return logits

    def shares(
        self, histories: Sequences, walked: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """What each item deserves, 1 + (log chance - the largest) / 6 and not below 0.

        Args:
            histories: Items known, oldest first, -1 for items without own pairs.
            walked: Pairs of at least ten learners (R17), symmetric; bool, `(items, items)`.

        Returns:
            In [0, 1], 0 for items that may not be moved; float32, `(learners, items)`. And which
            may be moved; bool, `(learners, items)`.
        """
        recent = histories.last(KEEP)
        cut, movable = cut_histories(recent, walked)
        logits = self.logits(_since_last_cut(recent, cut))
        allowed = np.where(movable, logits, np.float32(-np.inf))  # (learners, items)
        best = allowed.max(axis=1, keepdims=True, initial=-np.inf)
        behind = np.subtract(
            logits, best, out=np.full_like(logits, -np.inf), where=movable & np.isfinite(best)
        )
        shares: NDArray[np.float32] = np.maximum(1.0 + behind / np.float32(SPAN), 0.0)
        return shares, movable

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


def cut_histories(
    histories: Sequences, walked: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cut where an item makes a pair below R17's floor with any item since the last cut.

    Args:
        histories: Items, oldest first, -1 for items without own pairs.
        walked: Pairs of at least ten learners, symmetric; bool, `(items, items)`.

    Returns:
        Where a new stretch begins; bool, `(known,)`. And what makes a walked pair with everything
        since the last cut, nothing where the last item is -1; bool, `(learners, items)`.
    """
    lengths = histories.lengths()
    movable = np.zeros((len(histories), walked.shape[0]), dtype=bool)
    cut = np.zeros(histories.items.size, dtype=bool)
    for step in range(int(lengths.max(initial=0))):
        going = np.flatnonzero(lengths > step)
        at = histories.start[going] + step
        item = histories.items[at]
        fits = (item >= 0) & movable[going, np.maximum(item, 0)]
        cut[at] = ~fits
        pairs = walked[np.maximum(item, 0)] & (item >= 0)[:, None]  # (going, items)
        movable[going] = pairs & (movable[going] | ~fits[:, None])
    return cut, movable


def stretches(histories: Sequences, walked: NDArray[np.bool_]) -> Sequences:
    """The histories' stretches between cuts, each as a history of its own."""
    cut, _ = cut_histories(histories, walked)
    inside = histories.items >= 0
    begins = np.flatnonzero(cut[inside])  # an item after -1 begins a stretch, too
    start = np.append(begins, int(inside.sum())).astype(np.int64)
    return Sequences(start, histories.items[inside])


def _since_last_cut(histories: Sequences, cut: NDArray[np.bool_]) -> Sequences:
    """The last stretch of each history; empty where the last item is -1."""
    lengths, ends = histories.lengths(), histories.start[1:]
    if cut.size == 0:
        return histories
    latest = np.maximum.accumulate(np.where(cut, np.arange(cut.size), -1))
    last = np.maximum(ends - 1, 0)
    readable = (lengths > 0) & (histories.items[last] >= 0)
    begin = np.where(readable, latest[last], ends)
    kept = np.arange(cut.size) >= np.repeat(begin, lengths)
    start = np.concatenate([[0], np.cumsum(ends - begin)]).astype(np.int64)
    return Sequences(start, histories.items[kept])


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    half: NDArray[np.float32] = np.float32(0.5) * (np.tanh(np.float32(0.5) * x) + np.float32(1.0))
    return half  # the form by tanh never overflows
