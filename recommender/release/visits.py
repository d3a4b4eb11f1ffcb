"""First visits of all learners at once, in the order that `vector.all_first_visits` gives each.

Rows are sorted by one column after the other, the least important first, each time stably: by
counting where a column has few possible values, else as one 64-bit number of value and place
where both fit. Several times faster than sorting by several keys at once.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from recommender.release.manifest import STARTS, verb_indices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.interactions import Interactions
    from recommender.release.manifest import Manifest

_BITS = 63
_COUNTED = 4
"""Counting sort where there are at most so many possible values for each given one."""


def first_visits(
    interactions: Interactions,
    item_to_head: NDArray[np.int32],
    manifest: Manifest,
    manifest_digest: bytes,
    learners: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Each learner's first visits of head items, oldest first.

    Ties that no block of the manifest looks at, after the first `STARTS` visits and before the last
    `keep`, are in any order.

    Args:
        interactions: The platform's interactions, rows in any order.
        item_to_head: For each of `interactions.item_ids`, its index in the head, or -1.
        manifest: The public constants.
        manifest_digest: Their digest, which keys the order of ties.
        learners: Which of `interactions.learner_ids` count; all if None.

    Returns:
        Learner, ascending, int32, and head item, int64, of each visit.
    """
    rows = _counted_rows(interactions, item_to_head, manifest, learners)
    rows = _first_of_each(interactions, rows)
    copies = bool((np.bincount(item_to_head[item_to_head >= 0]) > 1).any())
    starts = STARTS if "starts" in manifest.block_slices else 0
    ends = None if copies else (starts, manifest.keep)
    rows = _break_ties(interactions, rows, manifest_digest, ends)
    learner, item = interactions.learner[rows], item_to_head[interactions.item[rows]]
    if copies:
        # Copies of one item are one item: the first of them is the first visit.
        first = _is_first(learner, item, manifest.items)
        learner, item = learner[first], item[first]
    return learner, item.astype(np.int64)


def stable_order(column: NDArray[np.int64] | NDArray[np.int32]) -> NDArray[np.int64]:
    """Places of a column's values in ascending order, equal ones in the order they came.

    Args:
        column: Any integers; `(n,)`.

    Returns:
        int64, `(n,)`.
    """
    if column.size == 0:
        return np.zeros(0, dtype=np.int64)
    low, high = int(column.min()), int(column.max())
    if high - low <= _COUNTED * column.size:
        return _counting_order(column - low, high - low + 1)
    shift = int(column.size - 1).bit_length()
    if (high - low).bit_length() + shift > _BITS:
        return np.argsort(column, kind="stable")
    packed = column.astype(np.int64)
    packed -= low
    packed <<= shift
    packed |= np.arange(column.size, dtype=np.int64)
    packed.sort()
    packed &= (1 << shift) - 1
    return packed


def _counting_order(
    column: NDArray[np.int64] | NDArray[np.int32], values: int
) -> NDArray[np.int64]:
    """Counting sort of values from 0: scipy's transposition of a matrix with one entry a row."""
    size = column.size
    rows = csr_matrix((np.zeros(size, np.int8), column, np.arange(size + 1)), shape=(size, values))
    order: NDArray[np.int64] = rows.tocsc().indices.astype(np.int64)
    return order


def _counted_rows(
    interactions: Interactions,
    item_to_head: NDArray[np.int32],
    manifest: Manifest,
    learners: NDArray[np.bool_] | None,
) -> NDArray[np.int64]:
    """Rows that can be a visit: verb, item and learner count."""
    verb = np.zeros(int(np.iinfo(np.int8).max) + 1, dtype=np.bool_)
    verb[list(verb_indices(manifest))] = True
    keep = verb[interactions.verb]
    keep &= (item_to_head >= 0)[interactions.item]
    if learners is not None:
        keep &= learners[interactions.learner]
    return np.flatnonzero(keep)


def _first_of_each(interactions: Interactions, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort by learner, timestamp and order; of each learner and item keep the earliest row."""
    for column in (interactions.order, interactions.timestamp, interactions.learner):
        values = column[rows]
        if values.size and np.any(values[1:] < values[:-1]):
            rows = rows[stable_order(values)]
    first = _is_first(
        interactions.learner[rows], interactions.item[rows], len(interactions.item_ids)
    )
    return rows[first]


def _is_first(learner: NDArray[np.int32], item: NDArray[np.int32], items: int) -> NDArray[np.bool_]:
    """Whether no earlier entry has the same learner and item."""
    pair = learner.astype(np.int64) * items + item
    place = stable_order(item)
    place = place[stable_order(learner[place])]
    pair = pair[place]
    first = np.ones(pair.size, dtype=np.bool_)
    first[place[1:]] = pair[1:] != pair[:-1]
    return first


def from_start(learner: NDArray[np.int32]) -> NDArray[np.int64]:
    """Places from the learner's first entry, which has 1; `learner` is ascending."""
    return from_end(learner[::-1])[::-1]


def from_end(learner: NDArray[np.int32]) -> NDArray[np.int64]:
    """Places from the learner's last entry, which has 1; equal learners stand together."""
    size = learner.size
    ends = np.append(np.flatnonzero(learner[1:] != learner[:-1]) + 1, size) if size else [0]
    lengths = np.diff(ends, prepend=0)
    return np.repeat(ends, lengths) - np.arange(size)


def _break_ties(
    interactions: Interactions,
    rows: NDArray[np.int64],
    manifest_digest: bytes,
    ends: tuple[int, int] | None,
) -> NDArray[np.int64]:
    """Order rows of one learner and moment by the tie hash.

    Args:
        interactions: The platform's interactions.
        rows: Sorted by learner, timestamp, order.
        manifest_digest: Keys the hash.
        ends: Groups of ties wholly after a learner's first so many rows and before the last so
            many are left as they are, since nobody looks at them; None orders all.
    """
    same = np.ones(max(rows.size - 1, 0), dtype=np.bool_)
    for column in (interactions.learner, interactions.timestamp, interactions.order):
        same &= column[rows[1:]] == column[rows[:-1]]
    tied = np.zeros(rows.size, dtype=np.bool_)
    tied[1:] |= same
    tied[:-1] |= same
    group = np.cumsum(np.append(True, ~same))[: rows.size]  # (rows,), from 1, ascending
    if ends is not None and rows.size:
        learner = interactions.learner[rows]
        first_of_group = np.flatnonzero(np.append(True, ~same))[: group[-1]]
        last_of_group = np.flatnonzero(np.append(~same, True))[: group[-1]]
        seen = from_start(learner)[first_of_group] <= ends[0]
        seen |= from_end(learner)[last_of_group] <= ends[1]
        tied &= seen[group - 1]
    if not tied.any():
        return rows
    place = np.flatnonzero(tied)
    by_hash = np.argsort(_tie_hashes(interactions, rows[place], manifest_digest))
    ordered = place[by_hash[stable_order(group[place[by_hash]])]]
    result = rows.copy()
    result[place] = rows[ordered]
    return result


def _tie_hashes(
    interactions: Interactions, rows: NDArray[np.int64], manifest_digest: bytes
) -> NDArray[np.bytes_]:
    """`vector.tie_key` of many rows; 32 bytes each, `(rows,)`."""
    learner = interactions.learner[rows].tolist()
    item = interactions.item[rows].tolist()
    # Encoded once for each learner and item, not for each row.
    start = {who: manifest_digest + interactions.learner_ids[who].encode() for who in set(learner)}
    end = {what: interactions.item_ids[what].encode() for what in set(item)}
    digests = [
        sha256(start[who] + end[what]).digest() for who, what in zip(learner, item, strict=True)
    ]
    return np.frombuffer(b"".join(digests), dtype="S32")
