"""One learner's vector: the specification of what a platform may say about a learner.

Rules kept here:

- R6: the vector is a function of the learner's own events and public constants. Nothing
  else is an argument, so nothing else can matter.
- R7: integers before any sum, rounded toward zero, the sum of squares over all blocks
  checked in integers.
- R8: a block is divided by max(its norm, clip), never normalised up.

This is written for reading. `recommender.release.sum` computes the same numbers for a whole
platform at once; a property test demands equality for each learner.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import ReleaseError
from recommender.release.manifest import STARTS, Block, Manifest, verb_indices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class LearnerEvents:
    """All recorded events of one learner on one platform; one array entry per event.

    Attributes:
        pseudonym: The learner's keyed pseudonym.
        item: Index into the shared catalogue, -1 where the item is not shared; int64, `(n,)`.
        item_keys: The platform's item id of each event, `n` of them.
        timestamp: Unix seconds, UTC; int64, `(n,)`.
        order: The source's own order among equal timestamps; int64, `(n,)`.
        verb: Index into `recommender.interactions.VERBS`; int64, `(n,)`.
    """

    pseudonym: str
    item: NDArray[np.int64]
    item_keys: Sequence[str]
    timestamp: NDArray[np.int64]
    order: NDArray[np.int64]
    verb: NDArray[np.int64]


def learner_vector(
    events: LearnerEvents, manifest: Manifest, manifest_digest: bytes
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Compute one learner's released vector before noise (R6).

    Args:
        events: The learner's own events, in any order.
        manifest: The public constants.
        manifest_digest: Their digest, which keys the order of tied events.

    Returns:
        Cells that are not zero, ascending; int64, `(m,)`. Their values in grid units; int64,
        `(m,)`. The squares of the values sum to at most `manifest.scale` squared.

    Raises:
        ReleaseError: An item index is outside the head.
    """
    visited = all_first_visits(events, manifest, manifest_digest)
    transitions = _transitions(visited[-manifest.keep :], manifest)
    vector: dict[int, int] = {}
    for block in manifest.blocks:
        strengths, unit = _strengths(block, transitions, visited, manifest)
        start = manifest.block_slices[block.name].start
        for cell, value in _clip(strengths, block, unit):
            vector[start + cell] = value
    cells = np.array(sorted(vector), dtype=np.int64)
    values = limit_norm([vector[cell] for cell in sorted(vector)], manifest.scale)
    return cells, np.array(values, dtype=np.int64)


def first_visits(events: LearnerEvents, manifest: Manifest, manifest_digest: bytes) -> list[int]:
    """List the head items a learner visited, by first visit, oldest first, the last `keep`.

    Raises:
        ReleaseError: An item index is outside the head.
    """
    return all_first_visits(events, manifest, manifest_digest)[-manifest.keep :]


def all_first_visits(
    events: LearnerEvents, manifest: Manifest, manifest_digest: bytes
) -> list[int]:
    """List all head items a learner visited, by first visit, oldest first.

    Ties in time are broken by a hash of manifest, pseudonym and item: per learner, and never
    by the order of rows or ids, which could carry what others did.

    Raises:
        ReleaseError: An item index is outside the head.
    """
    allowed = set(verb_indices(manifest))
    visits = []
    for index, item in enumerate(events.item.tolist()):
        if item >= manifest.items:
            raise ReleaseError(f"item index {item} is outside the head of {manifest.items} items")
        if item >= 0 and int(events.verb[index]) in allowed:
            key = tie_key(manifest_digest, events.pseudonym, events.item_keys[index])
            visits.append((int(events.timestamp[index]), int(events.order[index]), key, item))
    return list(dict.fromkeys(item for *_, item in sorted(visits)))


def tie_key(manifest_digest: bytes, pseudonym: str, item_key: str) -> bytes:
    """Hash that orders a learner's events of one moment; 32 bytes."""
    return hashlib.sha256(manifest_digest + pseudonym.encode() + item_key.encode()).digest()


def limit_norm(values: Sequence[int], scale: int) -> list[int]:
    """Check one learner's integers against the sensitivity, and scale them down if above (R7).

    Args:
        values: The learner's values over all blocks.
        scale: The largest L2 norm allowed.

    Returns:
        `values`, or floor(|x| scale / norm) with the signs kept where their norm is above.
    """
    squares = sum(value * value for value in values)
    if squares <= scale * scale:
        return list(values)
    return [
        (1 if value > 0 else -1) * isqrt(value * value * scale * scale // squares)
        for value in values
    ]


def pair_cell(first: int, second: int, items: int) -> int:
    """Place of the unordered pair `first < second` in the upper triangle, row-major."""
    return first * items - first * (first + 1) // 2 + second - first - 1


def _transitions(sequence: Sequence[int], manifest: Manifest) -> dict[tuple[int, int], int]:
    """Strength of each directed pair, in units of 1 / decay[1]^(reach - 1)."""
    numerator, denominator = manifest.decay
    strengths: dict[tuple[int, int], int] = {}
    for i, earlier in enumerate(sequence):
        for distance, later in enumerate(sequence[i + 1 : i + 1 + manifest.reach], start=1):
            strength = numerator ** (distance - 1) * denominator ** (manifest.reach - distance)
            strengths[earlier, later] = strength
    return strengths


def _strengths(
    block: Block,
    transitions: Mapping[tuple[int, int], int],
    visited: Sequence[int],
    manifest: Manifest,
) -> tuple[dict[int, int], int]:
    """Strength of each cell of a block, and the unit of which all are whole multiples."""
    if block.name == "popularity":
        return dict.fromkeys(visited[-manifest.keep :], 1), 1
    if block.name == "starts":
        began = visited[: min(STARTS, manifest.keep)]
        first = 1 << (STARTS - 1)
        return {item: first >> place for place, item in enumerate(began)}, first
    backward = -1 if block.name == "direction" else 1
    strengths: dict[int, int] = {}
    for (earlier, later), strength in transitions.items():
        low, high = min(earlier, later), max(earlier, later)
        cell = pair_cell(low, high, manifest.items)
        signed = strength if earlier < later else backward * strength
        strengths[cell] = strengths.get(cell, 0) + signed
    return strengths, manifest.decay[1] ** (manifest.reach - 1)


def _clip(strengths: Mapping[int, int], block: Block, unit: int) -> list[tuple[int, int]]:
    """Weight one block: trunc(weight t / max(norm, clip)), in exact integers (R7, R8)."""
    squares = max(
        sum(strength * strength for strength in strengths.values()), (block.clip * unit) ** 2
    )
    clipped = []
    for cell, strength in strengths.items():
        # floor(sqrt(a / b)) = isqrt(a // b) for integers.
        size = isqrt((block.weight * strength) ** 2 // squares)
        if size:
            clipped.append((cell, size if strength > 0 else -size))
    return clipped
