"""The sum of all learners' vectors, computed at once.

Equal, learner by learner, to `recommender.release.vector.learner_vector`, which is the
specification. Fast because a learner visits each item for the first time once only: a pair
of items then has one distance, and every strength of a learner with n visits comes from a
table that depends on n and the manifest alone. The table holds exact integers; the check of
each learner's norm (R7) is still made on that learner's own cells.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import ReleaseError
from recommender.release.manifest import PAIR_BLOCKS, Block, Manifest, verb_indices
from recommender.release.vector import tie_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.interactions import Interactions


def sum_vectors(
    interactions: Interactions,
    item_to_head: NDArray[np.int32],
    manifest: Manifest,
    manifest_digest: bytes,
    learners: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Sum the released vectors of a platform's learners, before noise.

    Every learner given counts, also with fewer than `min_items` items: who is due is decided
    before (`recommender.release.due`).

    Args:
        interactions: The platform's interactions, rows in any order.
        item_to_head: For each of `interactions.item_ids`, its index in the shared catalogue, or
            -1; int32, `(item_ids,)`.
        manifest: The public constants.
        manifest_digest: Their digest.
        learners: Which of `interactions.learner_ids` to sum; all if None.

    Returns:
        The sums in grid units; int64, `(manifest.cells,)`.

    Raises:
        ReleaseError: `item_to_head` or `learners` does not fit the interactions or the head.
    """
    _check_arguments(interactions, item_to_head, manifest, learners)
    rows = _visit_rows(interactions, item_to_head, manifest, learners)
    rows = _in_order(interactions, rows, manifest_digest)
    learner, item = _first_visits(
        interactions.learner[rows].astype(np.int64),
        item_to_head[interactions.item[rows]].astype(np.int64),
        manifest,
    )
    owners, cells, values = _entries(learner, item, manifest)
    values = limit_norms(owners, values, len(interactions.learner_ids), manifest.scale)
    sums = np.zeros(manifest.cells, dtype=np.int64)
    np.add.at(sums, cells, values)
    return sums


def limit_norms(
    owners: NDArray[np.int64], values: NDArray[np.int64], learners: int, scale: int
) -> NDArray[np.int64]:
    """Check every learner's integers against the sensitivity; scale down who is above (R7).

    Args:
        owners: The learner of each value; int64, `(entries,)`.
        values: Grid units; int64, `(entries,)`.
        learners: Number of learners.
        scale: The largest L2 norm allowed.

    Returns:
        `values`, with those of learners above the norm scaled down as `vector.limit_norm` does.
    """
    squares = np.zeros(learners, dtype=np.int64)
    np.add.at(squares, owners, values * values)
    above = squares[owners] > scale * scale
    if not above.any():
        return values
    limited = values.copy()
    for index in np.flatnonzero(above).tolist():
        value, total = int(values[index]), int(squares[owners[index]])
        size = isqrt(value * value * scale * scale // total)
        limited[index] = size if value > 0 else -size
    return limited


def _check_arguments(
    interactions: Interactions,
    item_to_head: NDArray[np.int32],
    manifest: Manifest,
    learners: NDArray[np.bool_] | None,
) -> None:
    if item_to_head.shape != (len(interactions.item_ids),):
        raise ReleaseError(
            f"item_to_head has shape {item_to_head.shape}, "
            f"expected one entry for each of {len(interactions.item_ids)} items"
        )
    if item_to_head.size and int(item_to_head.max()) >= manifest.items:
        raise ReleaseError(f"item_to_head points outside the head of {manifest.items} items")
    if learners is not None and learners.shape != (len(interactions.learner_ids),):
        raise ReleaseError(
            f"learners has shape {learners.shape}, "
            f"expected one entry for each of {len(interactions.learner_ids)} learners"
        )


def _visit_rows(
    interactions: Interactions,
    item_to_head: NDArray[np.int32],
    manifest: Manifest,
    learners: NDArray[np.bool_] | None,
) -> NDArray[np.int64]:
    """Rows that can be a first visit: the earliest of each learner and item."""
    keep = np.isin(interactions.verb, np.array(verb_indices(manifest), dtype=np.int8))
    keep &= item_to_head[interactions.item] >= 0
    if learners is not None:
        keep &= learners[interactions.learner]
    rows = np.flatnonzero(keep)
    learner, item = interactions.learner[rows], interactions.item[rows]
    place = np.lexsort((interactions.order[rows], interactions.timestamp[rows], item, learner))
    first = np.ones(rows.size, dtype=np.bool_)
    first[1:] = (np.diff(learner[place]) != 0) | (np.diff(item[place]) != 0)
    return rows[place[first]]


def _in_order(
    interactions: Interactions, rows: NDArray[np.int64], manifest_digest: bytes
) -> NDArray[np.int64]:
    """Sort rows by learner, timestamp, order and, where those are tied, the tie hash."""
    moments = (interactions.order, interactions.timestamp, interactions.learner)
    rows = rows[np.lexsort(tuple(column[rows] for column in moments))]
    same = np.ones(max(rows.size - 1, 0), dtype=np.bool_)
    for column in moments:
        same &= column[rows[1:]] == column[rows[:-1]]
    tied = np.zeros(rows.size, dtype=np.bool_)
    tied[1:] |= same
    tied[:-1] |= same
    hashes = np.zeros((rows.size, 4), dtype=">u8")
    digests = b"".join(
        tie_key(manifest_digest, interactions.learner_ids[learner], interactions.item_ids[item])
        for learner, item in zip(
            interactions.learner[rows[tied]].tolist(),
            interactions.item[rows[tied]].tolist(),
            strict=True,
        )
    )
    # Four big-endian words compare as the 32 bytes do.
    hashes[tied] = np.frombuffer(digests, dtype=">u8").reshape(-1, 4)
    keys = tuple(hashes[:, word].astype(np.uint64) for word in (3, 2, 1, 0))
    return rows[np.lexsort(keys + tuple(column[rows] for column in moments))]


def _first_visits(
    learner: NDArray[np.int64], item: NDArray[np.int64], manifest: Manifest
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keep each learner's first visit of each head item, and of those the last `keep`."""
    _, first = np.unique(learner * manifest.items + item, return_index=True)
    first.sort()
    learner, item = learner[first], item[first]
    # Rows are sorted by learner, so `right` is one past each learner's last row.
    from_end = np.searchsorted(learner, learner, side="right") - np.arange(learner.size)
    late = from_end <= manifest.keep
    return learner[late], item[late]


def _entries(
    learner: NDArray[np.int64], item: NDArray[np.int64], manifest: Manifest
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Every learner's cells that may not be zero: owner, cell and value of each."""
    visits = np.bincount(learner)
    pairs = _pairs(learner, item, manifest)
    entries = []
    for block in manifest.blocks:
        start = manifest.block_slices[block.name].start
        if block.name in PAIR_BLOCKS:
            owner, cell, distance, forward = pairs
            value = _pair_table(block, manifest)[visits[owner], distance]
            if block.name == "direction":
                value = np.where(forward, value, -value)
            entries.append((owner, start + cell, value))
        else:
            entries.append(
                (learner, start + item, _popularity_table(block, manifest)[visits[learner]])
            )
    owners, cells, values = (np.concatenate(columns) for columns in zip(*entries, strict=True))
    return owners, cells, values


def _pairs(
    learner: NDArray[np.int64], item: NDArray[np.int64], manifest: Manifest
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """All pairs within reach: owner, cell, distance, and whether the lower index came first."""
    owners, cells, distances, forwards = [], [], [], []
    for distance in range(1, manifest.reach + 1):
        same = learner[distance:] == learner[:-distance]
        earlier, later = item[:-distance][same], item[distance:][same]
        low, high = np.minimum(earlier, later), np.maximum(earlier, later)
        owners.append(learner[distance:][same])
        cells.append(low * manifest.items - low * (low + 1) // 2 + high - low - 1)
        distances.append(np.full(low.size, distance, dtype=np.int64))
        forwards.append(earlier < later)
    return (
        np.concatenate(owners),
        np.concatenate(cells),
        np.concatenate(distances),
        np.concatenate(forwards),
    )


def _pair_table(block: Block, manifest: Manifest) -> NDArray[np.int64]:
    """Value of a pair by number of visits and distance; int64, `(keep + 1, reach + 1)`."""
    numerator, denominator = manifest.decay
    strengths = [0] + [
        numerator ** (distance - 1) * denominator ** (manifest.reach - distance)
        for distance in range(1, manifest.reach + 1)
    ]
    floor = (block.clip * denominator ** (manifest.reach - 1)) ** 2
    table = np.zeros((manifest.keep + 1, manifest.reach + 1), dtype=np.int64)
    for visits in range(2, manifest.keep + 1):
        squares = sum(
            (visits - distance) * strengths[distance] ** 2
            for distance in range(1, min(manifest.reach, visits - 1) + 1)
        )
        for distance in range(1, manifest.reach + 1):
            weighted = (block.weight * strengths[distance]) ** 2
            table[visits, distance] = isqrt(weighted // max(squares, floor))
    return table


def _popularity_table(block: Block, manifest: Manifest) -> NDArray[np.int64]:
    """Value of one item by number of visits; int64, `(keep + 1,)`."""
    return np.array(
        [isqrt(block.weight**2 // max(n, block.clip**2)) for n in range(manifest.keep + 1)],
        dtype=np.int64,
    )
