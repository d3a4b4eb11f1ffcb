"""The sum of all learners' vectors, computed at once.

Equal, learner by learner, to `recommender.release.vector.learner_vector`, which is the
specification. Fast because a learner visits each item for the first time once only: a pair
of items then has one distance, and every strength of a learner with n visits comes from a
table that depends on n and the manifest alone. The table holds exact integers, and its row n
is all that a learner with n visits can say: the check of the norm (R7) is made on that row,
so on every learner.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import ReleaseError
from recommender.release.manifest import PAIR_BLOCKS, STARTS, Block, Manifest
from recommender.release.vector import pair_cell
from recommender.release.visits import first_visits, from_end, from_start

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from recommender.interactions import Interactions

_HALF = 32
_CHUNK_VISITS = 2_000_000
"""At most this many visits are summed at once, which bounds memory."""


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
    learner, item = first_visits(interactions, item_to_head, manifest, manifest_digest, learners)
    tables = value_tables(manifest)
    sums = np.zeros(manifest.cells, dtype=np.int64)
    if "starts" in tables:
        _add_starts(sums[manifest.block_slices["starts"]], learner, item, tables["starts"])
    late = from_end(learner) <= manifest.keep
    learner, item = learner[late], item[late]
    visits = np.bincount(learner, minlength=1)
    for chunk in _chunks(learner, tables):
        own = visits[learner[chunk]]
        _add_pairs(sums, (learner[chunk], item[chunk], own), tables, manifest)
        if "popularity" in tables:
            part = sums[manifest.block_slices["popularity"]]
            np.add.at(part, item[chunk], tables["popularity"][own, 0])
    return sums


def value_tables(manifest: Manifest) -> dict[str, NDArray[np.int64]]:
    """What a learner with n visits says in each block, in grid units, checked against R7.

    Returns:
        By block name; int64, `(keep + 1, reach + 1)` by visits and distance for a block of
        pairs, `(keep + 1, 1)` for popularity, `(keep + 1, STARTS)` by visits and place for starts.
        The squares of row n, each as often as a learner with n visits has it, sum to at most
        `scale` squared over all blocks.
    """
    makers = {"popularity": _popularity_table, "starts": _starts_table}
    tables = {
        block.name: makers.get(block.name, _pair_table)(block, manifest)
        for block in manifest.blocks
    }
    _limit_norms(tables, manifest.scale)
    return tables


def times_said(name: str, visits: int, column: int) -> int:
    """How often a learner with so many visits says the value in a column of a block's table."""
    return int(column < visits) if name == "starts" else max(visits - column, 0)


def _limit_norms(tables: Mapping[str, NDArray[np.int64]], scale: int) -> None:
    """Scale rows above the sensitivity down, value by value, as `vector.limit_norm` does (R7)."""
    rows = next(iter(tables.values())).shape[0]
    for visits in range(rows):
        squares = sum(
            times_said(name, visits, column) * value * value
            for name, table in tables.items()
            for column, value in enumerate(table[visits].tolist())
        )
        if squares > scale * scale:
            for table in tables.values():
                table[visits] = [
                    isqrt(value * value * scale * scale // squares)
                    for value in table[visits].tolist()
                ]


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


def _chunks(learner: NDArray[np.int32], tables: Mapping[str, NDArray[np.int64]]) -> Iterator[slice]:
    """Cut the visits into runs of whole learners, at least one of them each.

    A learner meets a directed pair at most once, so with n learners no cell of a run exceeds n
    times the largest value: runs are short enough for `_add_pairs` to use half a number.
    """
    largest = max(int(table.max()) for table in tables.values())
    size = min(_CHUNK_VISITS, ((1 << (_HALF - 1)) - 1) // max(largest, 1))
    start = 0
    while start < learner.size:
        stop = start + size
        if stop < learner.size:
            stop = int(np.searchsorted(learner, learner[stop], side="left"))
        if stop <= start:
            stop = int(np.searchsorted(learner, learner[start], side="right"))
        yield slice(start, min(stop, learner.size))
        start = stop


def _add_starts(
    sums: NDArray[np.int64],
    learner: NDArray[np.int32],
    item: NDArray[np.int64],
    table: NDArray[np.int64],
) -> None:
    """Add what the learners' first visits say, out of all their visits."""
    visits = np.minimum(np.bincount(learner, minlength=1), table.shape[0] - 1)
    place = from_start(learner) - 1
    early = place < STARTS
    np.add.at(sums, item[early], table[visits[learner[early]], place[early]])


def _add_pairs(
    sums: NDArray[np.int64],
    run: tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]],
    tables: Mapping[str, NDArray[np.int64]],
    manifest: Manifest,
) -> None:
    """Add all pairs within reach of a run (learner, item, the learner's number of visits).

    The values of both blocks travel in one number, together + direction * 2^32, so that there is
    one scattered addition instead of two. The lower half is never negative and stays below 2^31;
    what is above it, shifted down, is the direction, with its sign.
    """
    names = [name for name in PAIR_BLOCKS if name in tables]
    if not names:
        return
    learner, item, visits = run
    nothing = np.zeros((manifest.keep + 1, manifest.reach + 1), np.int64)
    together, direction = (tables.get(name, nothing) for name in PAIR_BLOCKS)
    # (backward or forward, visits, distance): forward if the lower index came first.
    both = np.stack([together - (direction << _HALF), together + (direction << _HALF)])
    first = np.arange(manifest.items, dtype=np.int64)
    base = first * manifest.items - first * (first + 1) // 2 - first - 1  # see vector.pair_cell
    packed = np.zeros(pair_cell(manifest.items - 2, manifest.items, manifest.items), np.int64)
    for distance in range(1, manifest.reach + 1):
        same = np.flatnonzero(learner[distance:] == learner[:-distance])
        earlier, later = item[same], item[same + distance]
        value = both[:, :, distance].ravel()[visits[same] + (manifest.keep + 1) * (earlier < later)]
        low, high = np.minimum(earlier, later), np.maximum(earlier, later)
        np.add.at(packed, base[low] + high, value)
    for name in names:
        part = packed & ((1 << _HALF) - 1) if name == "together" else packed >> _HALF
        sums[manifest.block_slices[name]] += part


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
    """Value of one item by number of visits; int64, `(keep + 1, 1)`."""
    values = [isqrt(block.weight**2 // max(n, block.clip**2)) for n in range(manifest.keep + 1)]
    return np.array(values, dtype=np.int64)[:, None]


def _starts_table(block: Block, manifest: Manifest) -> NDArray[np.int64]:
    """Value of a first visit by number of visits and place; int64, `(keep + 1, STARTS)`."""
    table = np.zeros((manifest.keep + 1, STARTS), dtype=np.int64)
    first = 1 << (STARTS - 1)
    for visits in range(1, manifest.keep + 1):
        strengths = [first >> place for place in range(min(visits, STARTS))]
        squares = max(sum(strength**2 for strength in strengths), (block.clip * first) ** 2)
        for place, strength in enumerate(strengths):
            table[visits, place] = isqrt((block.weight * strength) ** 2 // squares)
    return table
