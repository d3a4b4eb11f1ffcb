"""Attacks that promote one item: by learners that do not exist, or by a made-up vector.

Both stay within what others can check: the length, 32-bit cells, and sums that so many learners and
honest noise can have. Nobody can check that an attacker adds noise, and it does better without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import EvaluationError
from recommender.interactions import VERB_INDEX, Interactions
from recommender.poisoning.insight import column_of
from recommender.release.noise import FastNoise
from recommender.release.sum import sum_vectors
from recommender.statistics.shares import cell_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.poisoning.insight import Insight
    from recommender.release.manifest import Manifest


@dataclass(frozen=True, slots=True)
class FakeLearners:
    """All of the attacker's learners are invented: each walks some popular items, then the target.

    Attributes:
        width: Popular items that each walks; 1 concentrates a learner on one pair.
        bait: How many of the most popular items are used, shared out evenly.
        noise: Whether honest noise is added, as the unchanged software does.
    """

    width: int = 10
    bait: int = 40
    noise: bool = True


@dataclass(frozen=True, slots=True)
class Vector:
    """The target's cells are written by hand onto an honest contribution, without its noise.

    Attributes:
        strength: Learners' worth in each pair with a bait, in units of a learner (its norm).
        echo: How many times what the others say of that pair is added, where that is positive: a
            cap by the others' cells lets this through.
        bait: How many of the most popular items the target is paired with.
        popularity: Learners' worth that the target's popularity is raised by.
        seen: Bait are those items whose pairs with the target the others' noise favours most.
        balanced: Every second bait is lowered instead, so that sums over the target's pairs show
            nothing.
        starts: Learners' worth that the target is raised by among first visits.
        louder: Times by which all popularity is raised, so that the member seems as much larger.
    """

    strength: float = 3.0
    echo: float = 0.0
    bait: int = 100
    popularity: float = 0.0
    seen: bool = False
    balanced: bool = False
    starts: float = 0.0
    louder: float = 1.0


def fake_learners(
    insight: Insight, target: int, attack: FakeLearners, rng: np.random.Generator
) -> NDArray[np.int64]:
    """A contribution of invented learners, each within R7 and R8.

    Args:
        insight: What the attacker knows.
        target: The item to promote, by its place in the head.
        attack: How.
        rng: Draws the noise.

    Returns:
        What the attacker sends; int64, `(cells,)`.

    Raises:
        EvaluationError: A parameter is below 1.
    """
    if min(attack.width, attack.bait, insight.learners) < 1:
        raise EvaluationError("fake learners need a width, a bait and a number of at least 1")
    popular = insight.popular()
    popular = popular[popular != target][: attack.bait]
    width = min(attack.width, popular.size)
    place = np.arange(insight.learners)[:, None] * width + np.arange(width)[None, :]
    walked = popular[place % popular.size]  # (learners, width)
    histories = np.column_stack([walked, np.full(insight.learners, target)])
    sums = sum_histories(histories.tolist(), insight.manifest)
    if attack.noise:
        sums += FastNoise(rng).draw(sums.size, insight.manifest.sigma_squared)
    return sums


def written_vector(insight: Insight, target: int, attack: Vector) -> NDArray[np.int64]:
    """An honest contribution, un-noised, with the target's cells written by hand.

    Args:
        insight: What the attacker knows.
        target: The item to promote, by its place in the head.
        attack: How.

    Returns:
        What the attacker sends, every cell within R33's bounds; int64, `(cells,)`.
    """
    manifest = insight.manifest
    slices, sent = manifest.block_slices, insight.own.copy()
    weights = {block.name: block.weight for block in manifest.blocks}
    column = column_of(target, manifest.items)
    theirs = insight.others.sum(axis=0)
    said = theirs[slices["together"]][column.cells]
    rank = np.empty(manifest.items, dtype=np.int64)
    rank[insight.popular()] = np.arange(manifest.items)
    order = np.argsort(-said if attack.seen else rank[column.items], kind="stable")
    chosen = order[: attack.bait]
    echo = attack.echo * np.maximum(said[chosen], 0) / weights["together"]
    worth = attack.strength + echo  # learners
    if attack.balanced:
        worth = worth * np.where(np.arange(worth.size) % 2 == 0, 1.0, -1.0)
    cells, sign = column.cells[chosen], column.sign[chosen]
    for name, signed in (("together", 1), ("direction", sign)):
        if name in slices:
            sent[slices[name]][cells] = np.rint(worth * weights[name] * signed).astype(np.int64)
    if "popularity" in slices:
        popularity = sent[slices["popularity"]]
        sent[slices["popularity"]] = np.rint(attack.louder * popularity).astype(np.int64)
    for name, raised in (("popularity", attack.popularity), ("starts", attack.starts)):
        if name in slices:
            sent[slices[name]][target] += round(raised * weights[name])
    return within_bounds(sent, manifest, insight.learners)


def within_bounds(cells: NDArray[np.int64], manifest: Manifest, learners: int) -> NDArray[np.int64]:
    """Cut to what so many learners and 12 sd of honest noise can sum to in a cell (R33)."""
    most = cell_bounds(manifest, learners, manifest.sigma_squared)
    return np.clip(cells, -most, most)


def sum_histories(histories: Sequence[Sequence[int]], manifest: Manifest) -> NDArray[np.int64]:
    """Sum the vectors of learners who visit these items, one after the other (R6 to R9).

    Args:
        histories: Items of the head, oldest first, for each learner.
        manifest: What the cells are.

    Returns:
        Without noise; int64, `(cells,)`.
    """
    lengths = [len(history) for history in histories]
    item = np.array([entry for history in histories for entry in history], dtype=np.int32)
    size = item.size
    rows = Interactions(
        learner_ids=tuple(f"invented-{number}" for number in range(len(histories))),
        item_ids=tuple(str(number) for number in range(manifest.items)),
        learner=np.repeat(np.arange(len(histories), dtype=np.int32), lengths),
        item=item,
        timestamp=np.arange(size, dtype=np.int64),
        order=np.zeros(size, dtype=np.int64),
        verb=np.full(size, VERB_INDEX[manifest.verbs[0]], dtype=np.int8),
        score=np.full(size, np.nan, dtype=np.float32),
    )
    place = np.arange(manifest.items, dtype=np.int32)
    return sum_vectors(rows, place, manifest, bytes(32))
