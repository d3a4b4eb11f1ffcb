"""Learners' histories as arrays: each learner's distinct items, oldest first.

A history counts an item once, at its first occurrence. Order is (timestamp, order); what is still
tied is ordered by a number the caller gives, by default a hash of learner and item, so that a tie
says nothing and the same rows always give the same history.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.interactions import VERB_INDEX, VERBS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from recommender.interactions import Interactions

NOT_INTERACTIONS = ("enrolled", "unenrolled", "uncompleted", "rated", "other")
"""Verbs that do not show an interaction with an item, by the manifest's default."""

ITEM_VERBS: tuple[str, ...] = tuple(verb for verb in VERBS if verb not in NOT_INTERACTIONS)
"""Verbs that count where items are recommended."""

RANGE_ROWS = 1_000_000
"""Rows that are sorted at once: some 100 MB."""

COURSE_VERBS: tuple[str, ...] = ("enrolled", *ITEM_VERBS)
"""Verbs that count where courses are the items."""


@dataclass(frozen=True, eq=False)
class Sequences:
    """Histories of learners, one after another.

    Attributes:
        start: Where each learner's history begins in `items`; int64, `(learners + 1,)`.
        items: Item indices, oldest first; int32, `(start[-1],)`.
    """

    start: NDArray[np.int64]
    items: NDArray[np.int32]

    def __len__(self) -> int:
        """Number of learners."""
        return int(self.start.size) - 1

    def lengths(self) -> NDArray[np.int64]:
        """Distinct items of each learner; int64, `(learners,)`."""
        return np.diff(self.start)

    def history(self, learner: int) -> NDArray[np.int32]:
        """One learner's items, oldest first."""
        return self.items[self.start[learner] : self.start[learner + 1]]

    def select(self, learners: NDArray[np.int64]) -> Sequences:
        """The histories of `learners`, in that order."""
        lengths = self.lengths()[learners]
        start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        offset = np.repeat(self.start[learners] - start[:-1], lengths)
        return Sequences(start, self.items[np.arange(int(start[-1])) + offset])

    def last(self, keep: int) -> Sequences:
        """Each history cut to its last `keep` items."""
        lengths = self.lengths()
        position = np.arange(self.items.size) - np.repeat(self.start[:-1], lengths)
        kept = np.minimum(lengths, keep)
        mask = position >= np.repeat(lengths - kept, lengths)
        start = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
        return Sequences(start, self.items[mask])


def from_lists(histories: Iterable[Sequence[int]]) -> Sequences:
    """Histories given as lists of item indices."""
    lists = [np.asarray(history, dtype=np.int32) for history in histories]
    start = np.concatenate([[0], np.cumsum([entry.size for entry in lists])]).astype(np.int64)
    items = np.concatenate(lists) if lists else np.zeros(0, np.int32)
    return Sequences(start, items.astype(np.int32))


def first_occurrences(
    interactions: Interactions,
    verbs: Sequence[str],
    tie_break: NDArray[np.uint64] | None = None,
) -> NDArray[np.int64]:
    """Rows that are a learner's first with an item, sorted by learner, then oldest first.

    Args:
        interactions: The rows.
        verbs: Verbs that count; rows with another verb are left out.
        tie_break: Orders rows of one learner that share timestamp and order; uint64, `(rows,)`.
            None takes a hash of learner id and item id.

    Returns:
        Row numbers; int64, `(pairs,)`.
    """
    counts = np.zeros(len(VERBS), dtype=bool)
    counts[[VERB_INDEX[verb] for verb in verbs]] = True
    tie_of = hashed_ties(interactions) if tie_break is None else tie_break.__getitem__
    found = [np.zeros(0, np.int64)]
    for rows in _by_learners(interactions, counts):
        learner, item = interactions.learner[rows], interactions.item[rows]
        keys = (tie_of(rows), interactions.order[rows], interactions.timestamp[rows], learner)
        order = np.lexsort(keys)
        pair = learner[order].astype(np.int64) * max(len(interactions.item_ids), 1) + item[order]
        first = np.unique(pair, return_index=True)[1]
        found.append(rows[order[np.sort(first)]])
    return np.concatenate(found)


def _by_learners(
    interactions: Interactions, counts: NDArray[np.bool_]
) -> Iterator[NDArray[np.int64]]:
    """Rows whose verb counts, some learners at a time, so that sorting them takes little memory."""
    if len(interactions) <= RANGE_ROWS:
        yield np.flatnonzero(counts[interactions.verb]).astype(np.int64)
        return
    ends = np.cumsum(np.bincount(interactions.learner, minlength=len(interactions.learner_ids)))
    part = ((ends - 1) // RANGE_ROWS).astype(np.int32)
    part_of = part[interactions.learner]
    for number in np.unique(part[np.diff(ends, prepend=0) > 0]).tolist():
        yield np.flatnonzero((part_of == number) & counts[interactions.verb]).astype(np.int64)


def build_sequences(
    interactions: Interactions,
    verbs: Sequence[str],
    tie_break: NDArray[np.uint64] | None = None,
) -> Sequences:
    """Histories of all learners in the order of `learner_ids`; see `first_occurrences`."""
    return sequences_of(interactions, first_occurrences(interactions, verbs, tie_break))


def sequences_of(interactions: Interactions, rows: NDArray[np.int64]) -> Sequences:
    """Histories from the rows that `first_occurrences` gave."""
    lengths = np.bincount(interactions.learner[rows], minlength=len(interactions.learner_ids))
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Sequences(start, interactions.item[rows])


def mean_moments(
    interactions: Interactions, rows: NDArray[np.int64], fewest: int
) -> NDArray[np.float64]:
    """Mean time at which learners first come to each item.

    Args:
        interactions: The rows.
        rows: Those that `first_occurrences` gave.
        fewest: Learners below which an item's moment is not known (NaN).

    Returns:
        In the unit of the timestamps; float64, `(items,)`.
    """
    items = len(interactions.item_ids)
    item = interactions.item[rows]
    count = np.bincount(item, minlength=items)
    whole = np.bincount(item, interactions.timestamp[rows].astype(np.float64), items)
    moments = np.full(items, np.nan)
    np.divide(whole, count, out=moments, where=count >= max(fewest, 1))
    return moments


def hashed_ties(
    interactions: Interactions,
) -> Callable[[NDArray[np.int64]], NDArray[np.uint64]]:
    """What gives, for numbers of rows, a number each from the ids of its learner and item."""
    learners, items = _hash_ids(interactions.learner_ids), _hash_ids(interactions.item_ids)

    def ties(rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        mixed = learners[interactions.learner[rows]]
        mixed ^= items[interactions.item[rows]] + np.uint64(0x9E3779B97F4A7C15)
        # splitmix64's finaliser (Steele, Lea, Flood 2014): one changed bit changes half of them.
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        hashed: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
        return hashed

    return ties


def _hash_ids(ids: Sequence[str]) -> NDArray[np.uint64]:
    digests = (hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest() for text in ids)
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
