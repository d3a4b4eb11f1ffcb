"""How a model is measured: what is held out, what is ranked, and the figures that follow.

- The held-out item is a learner's last *new* item by (timestamp, order). If several share the last
  timestamp, `ties="set"` holds all of them out and scores them as a set; `ties="one"` holds one
  out, drawn by the seed, and keeps the others as known.
- Known items are never candidates; learners with fewer than two items are counted as skipped.
- A model sees the training rows and each target's known items, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from recommender.errors import EvaluationError
from recommender.metrics import Outcome, rank_targets, summarise, top_items
from recommender.statistics.sequences import (
    RANGE_ROWS,
    Sequences,
    build_sequences,
    first_occurrences,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from recommender.interactions import Interactions

Ties = Literal["set", "one"]

_BATCH = 512


class Scorer(Protocol):
    """Anything that scores every item for learners whose histories it is given."""

    def score(self, histories: Sequences, learner: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score all items, higher is better.

        Args:
            histories: What is known of each learner.
            learner: Their indices in the training rows; int64, `(learners,)`.

        Returns:
            float32, `(learners, items)`.
        """
        ...


@dataclass(frozen=True, eq=False)
class Split:
    """Training rows, and targets with what is known of them.

    Attributes:
        train: Rows a model may be fitted on.
        learner: Learner index of each target, ascending; int64, `(targets,)`.
        known: Each target's items that are not held out, oldest first.
        held_out: Each target's held-out items.
        skipped: Learners without a target.
        name: How the split was made: `last-item` or `test-file`.
        ties: What was done with a tied last timestamp.
    """

    train: Interactions
    learner: NDArray[np.int64]
    known: Sequences
    held_out: Sequences
    skipped: int
    name: str
    ties: str

    def sample(self, targets: int, seed: int) -> Split:
        """At most `targets` of the targets, drawn at random; training rows stay whole."""
        if len(self.known) <= targets:
            return self
        rng = np.random.default_rng([seed, 7])
        chosen = np.sort(rng.choice(len(self.known), targets, replace=False)).astype(np.int64)
        return replace(
            self,
            learner=self.learner[chosen],
            known=self.known.select(chosen),
            held_out=self.held_out.select(chosen),
        )


def leave_last_out(
    interactions: Interactions, verbs: Sequence[str], *, ties: Ties = "set", seed: int = 0
) -> Split:
    """Hold each learner's last new item out.

    Args:
        interactions: All rows.
        verbs: Verbs that count as an interaction.
        ties: What to do where several items share the last timestamp.
        seed: Draws the held-out one of tied items and the order of other ties.

    Raises:
        EvaluationError: No row counts, or no learner has anything to hold out.
    """
    rng = np.random.default_rng([seed, 3])
    tie_break = rng.integers(0, 2**63, len(interactions), dtype=np.int64).view(np.uint64)
    rows = first_occurrences(interactions, verbs, tie_break)
    del tie_break
    if rows.size == 0:
        raise EvaluationError(
            f"no row has a verb that counts ({', '.join(verbs)}); "
            "for course-level data say that courses are what is recommended"
        )
    learner = interactions.learner[rows]
    is_last = np.append(learner[1:] != learner[:-1], True)
    held = is_last.copy()
    if ties == "set":
        last_of = np.repeat(rows[is_last], np.diff(np.flatnonzero(np.append(True, is_last))))
        held = _same_moment(interactions, rows, last_of)
        del last_of
    known_count = np.bincount(learner[~held], minlength=len(interactions.learner_ids))
    held &= (known_count > 0)[learner]
    if not held.any():
        raise EvaluationError(
            "no learner has an item to hold out: every learner has fewer than two distinct items"
            + (", or all at one time (try ties 'one')" if ties == "set" else "")
        )
    # The training rows are copied last, when little else is held.
    item, gone = interactions.item[rows], rows[held]
    del rows
    targets = np.unique(learner[held]).astype(np.int64)
    known = Sequences(*_grouped(learner[~held], item[~held], targets))
    out = Sequences(*_grouped(learner[held], item[held], targets))
    del learner, item, held, is_last
    train = _without(interactions, gone)
    skipped = len(interactions.learner_ids) - targets.size
    return Split(train, targets, known, out, skipped, "last-item", ties)


def given_test(train: Interactions, test: Interactions, verbs: Sequence[str]) -> Split:
    """Use a given test set: each learner's test items that the training rows do not hold.

    Args:
        train: Training rows; they are also what is known of each target.
        test: Test rows over the same `learner_ids` and `item_ids`.
        verbs: Verbs that count as an interaction.

    Raises:
        EvaluationError: The tables differ in their ids, or nothing is left to test.
    """
    if train.learner_ids != test.learner_ids or train.item_ids != test.item_ids:
        raise EvaluationError("training and test rows must be indexed by the same ids")
    sequences = build_sequences(train, verbs)
    rows = first_occurrences(test, verbs)
    learner = test.learner[rows].astype(np.int64)
    items = len(train.item_ids)
    seen = np.repeat(np.arange(len(sequences)), sequences.lengths()) * items + sequences.items
    fresh = ~np.isin(learner * items + test.item[rows], seen)
    if not fresh.any():
        raise EvaluationError("the test file holds no item that is new to its learner")
    targets = np.unique(learner[fresh])
    out = Sequences(*_grouped(learner[fresh], test.item[rows[fresh]], targets))
    skipped = np.unique(test.learner).size - targets.size
    return Split(train, targets, sequences.select(targets), out, skipped, "test-file", "set")


def evaluate(
    scorer: Scorer,
    split: Split,
    items: int,
    *,
    negatives: int | Mapping[int, NDArray[np.int32]] | None = None,
    seed: int = 0,
    depth: int = 10,
) -> Outcome:
    """Rank the held-out items of a split.

    Args:
        scorer: The fitted model.
        split: What is held out.
        items: Number of items.
        negatives: None ranks against all unknown items; a number draws that many unknown items a
            target; a mapping gives them by learner index.
        seed: Draws the negatives.
        depth: Length of the kept rankings.

    Raises:
        EvaluationError: The scorer gave scores of another shape or not numbers.
    """
    ranks, learners, tops = [], [], []
    for first in range(0, len(split.known), _BATCH):
        batch = np.arange(first, min(first + _BATCH, len(split.known)), dtype=np.int64)
        known, held_out = split.known.select(batch), split.held_out.select(batch)
        scores = scorer.score(known, split.learner[batch])
        if scores.shape != (batch.size, items):
            raise EvaluationError(f"expected {(batch.size, items)} scores, not {scores.shape}")
        candidate = _candidates(known, items)
        row = np.repeat(np.arange(batch.size), held_out.lengths())
        if negatives is not None:
            drawn = _negatives(candidate, split.learner[batch], (row, held_out), negatives, seed)
            candidate &= drawn
        ranks.append(rank_targets(scores, candidate, row, held_out.items))
        learners.append(row + first)
        tops.append(top_items(scores, candidate, depth))
    return Outcome(
        np.concatenate(learners), np.concatenate(ranks), len(split.known), np.vstack(tops), items
    )


def figures(
    scorer: Scorer, split: Split, items: int, at: Sequence[int], seed: int = 0
) -> dict[str, float | int]:
    """Evaluate against all items and summarise; see `evaluate` and `metrics.summarise`."""
    return summarise(evaluate(scorer, split, items, seed=seed, depth=max(at)), at)


def _candidates(known: Sequences, items: int) -> NDArray[np.bool_]:
    candidate = np.ones((len(known), items), dtype=bool)
    candidate[np.repeat(np.arange(len(known)), known.lengths()), known.items] = False
    return candidate


def _negatives(
    candidate: NDArray[np.bool_],
    learner: NDArray[np.int64],
    held_out: tuple[NDArray[np.int64], Sequences],
    negatives: int | Mapping[int, NDArray[np.int32]],
    seed: int,
) -> NDArray[np.bool_]:
    """The held-out items and their negatives; bool, `(rows, items)`."""
    row, out = held_out
    chosen = np.zeros_like(candidate)
    free = candidate.copy()
    free[row, out.items] = False
    for index, who in enumerate(learner):
        if isinstance(negatives, int):
            rng = np.random.default_rng([seed, 11, int(who)])
            pool = np.flatnonzero(free[index])
            drawn = rng.choice(pool, min(negatives, pool.size), replace=False)
        else:
            drawn = negatives.get(int(who), np.zeros(0, np.int32))
        chosen[index, drawn] = True
    chosen[row, out.items] = True
    return chosen


def _same_moment(
    interactions: Interactions, rows: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.bool_]:
    same = np.empty(rows.size, dtype=bool)
    for some in _chunks(rows.size):
        one, other = rows[some], last[some]
        same[some] = interactions.timestamp[one] == interactions.timestamp[other]
        same[some] &= interactions.order[one] == interactions.order[other]
    return same


def _chunks(size: int) -> Iterator[slice]:
    """So many rows, some at a time: what is made of them takes little memory."""
    for first in range(0, size, RANGE_ROWS):
        yield slice(first, min(first + RANGE_ROWS, size))


def _without(interactions: Interactions, held: NDArray[np.int64]) -> Interactions:
    """The rows of no held-out (learner, item) pair."""
    items = len(interactions.item_ids)
    gone = np.sort(interactions.learner[held].astype(np.int64) * items + interactions.item[held])
    keep = np.empty(len(interactions), dtype=bool)
    for some in _chunks(len(interactions)):
        pair = interactions.learner[some].astype(np.int64) * items + interactions.item[some]
        place = np.minimum(np.searchsorted(gone, pair), gone.size - 1)
        keep[some] = gone[place] != pair
    return replace(
        interactions,
        learner=interactions.learner[keep],
        item=interactions.item[keep],
        timestamp=interactions.timestamp[keep],
        order=interactions.order[keep],
        verb=interactions.verb[keep],
        score=interactions.score[keep],
    )


def _grouped(
    learner: NDArray[np.integer[Any]], item: NDArray[np.int32], targets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Items of the targets, grouped; rows are already sorted by learner."""
    learners = int(targets[-1]) + 1
    lengths = np.bincount(learner, minlength=learners)[targets]
    chosen = np.zeros(max(learners, int(learner[-1]) + 1 if learner.size else 0), dtype=bool)
    chosen[targets] = True
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), item[chosen[learner]]
