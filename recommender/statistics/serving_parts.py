"""The parts of a score: item-to-item weights and likeness of text, in numpy alone.

`recommender.statistics.serving_model` puts them together; this file scores, explains and checks
one part at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from recommender.statistics.reranking import Reranker


@dataclass(frozen=True, eq=False)
class PairPart:
    """Item-to-item weights over some of the items.

    Attributes:
        items: The items it knows, ascending; int32, `(m,)`.
        weights: `weights[i, j]`, how strongly `items[i]` in a history speaks for `items[j]`;
            not negative; float32, `(m, m)`.
        gate: Trust in each history item, in [0, 1]; float32, `(m,)`.
        factual: 1 where R18 allows a factual reason for the pair; uint8, `(m, m)`.
    """

    items: NDArray[np.int32]
    weights: NDArray[np.float32]
    gate: NDArray[np.float32]
    factual: NDArray[np.uint8]

    def places(self, items: NDArray[np.int64]) -> NDArray[np.int32]:
        """Where in `items` of the part each item stands, -1 for others; int32, `(known,)`."""
        if self.items.size == 0:
            return np.full(items.size, -1, dtype=np.int32)
        place = np.minimum(np.searchsorted(self.items, items), self.items.size - 1)
        return np.where(self.items[place] == items, place, -1).astype(np.int32)


@dataclass(frozen=True, eq=False)
class TextPart:
    """Each item's nearest items, by text or in the catalogue's order.

    Attributes:
        neighbours: Item indices; int32, `(items, t)`.
        weights: Their likeness or nearness, 0 for padding; float32, `(items, t)`.
    """

    neighbours: NDArray[np.int32]
    weights: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class StartPart:
    """Where learners begin.

    Attributes:
        strengths: Of each item, in [0, 1]; float32, `(items,)`.
        memory: What they still count after each item that a learner has, in [0, 1]; float32,
            `(1,)`.
    """

    strengths: NDArray[np.float32]
    memory: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which history item speaks most for an item, in one part.

    Attributes:
        part: `merged`, `local`, `text` or `order`.
        history_index: Place in the history given; its item contributes most.
        factual: Whether the reason may state what learners did (R18); False for text and order.
    """

    part: str
    history_index: int
    factual: bool


def empty_pairs() -> PairPart:
    """A part that knows no pairs."""
    return PairPart(
        np.zeros(0, np.int32),
        np.zeros((0, 0), np.float32),
        np.zeros(0, np.float32),
        np.zeros((0, 0), np.uint8),
    )


def score_pairs(part: PairPart, history: NDArray[np.float32]) -> NDArray[np.float32]:
    """Score by pairs: rho^2 [h (g W)] / its row maximum, rho = sum h g / sum h.

    Args:
        part: The weights W and gates g.
        history: Weights h of the known items; float32, `(learners, items)`.

    Returns:
        In [0, 1]; float32, `(learners, items)`.
    """
    scores = np.zeros_like(history)
    if part.items.size == 0:
        return scores
    trusted: NDArray[np.float32] = history[:, part.items] * part.gate  # (learners, m)
    said = np.flatnonzero(trusted.any(axis=0))  # one learner needs a few rows of the matrix
    spoken: NDArray[np.float32] = trusted[:, said] @ part.weights[said]
    weight = history.sum(axis=1, keepdims=True)
    rho = np.divide(
        trusted.sum(axis=1, keepdims=True), weight, out=np.zeros_like(weight), where=weight > 0
    )
    scores[:, part.items] = rho**2 * _by_row_maximum(spoken)
    return scores


def score_text(
    part: TextPart,
    row: NDArray[np.int64],
    items: NDArray[np.int64],
    weight: NDArray[np.float32],
    learners: int,
) -> NDArray[np.float32]:
    """Score by text or by order: [h G] / its row maximum.

    Args:
        part: Neighbours and likeness or nearness G.
        row: Learner of each known item; int64, `(known,)`.
        items: The known items; int64, `(known,)`.
        weight: Their weights h; float32, `(known,)`.
        learners: Number of learners.

    Returns:
        In [0, 1]; float32, `(learners, items)`.
    """
    size = part.neighbours.shape[0]
    cell = row[:, None] * size + part.neighbours[items]  # (known, t)
    addends = weight[:, None] * part.weights[items]
    spoken = np.bincount(cell.ravel(), addends.ravel(), learners * size)
    scores: NDArray[np.float32] = spoken.reshape(learners, size).astype(np.float32)
    return _by_row_maximum(scores)


def score_starts(part: StartPart, lengths: NDArray[np.int64]) -> NDArray[np.float32]:
    """Score by where learners begin, less for each item known; float32, `(learners, items)`."""
    left: NDArray[np.float32] = part.memory ** lengths.astype(np.float32)
    return left[:, None] * part.strengths


def _by_row_maximum(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    largest = scores.max(axis=1, keepdims=True)
    share: NDArray[np.float32] = np.divide(
        scores, largest, out=np.zeros_like(scores), where=largest > 0
    )
    return share


def explain_pairs(
    name: str,
    part: PairPart,
    known: NDArray[np.int64],
    weight: NDArray[np.float64],
    item: int,
) -> Explanation | None:
    """Find the known item that speaks most for `item`; None if none does.

    Args:
        name: Name of the part.
        part: The weights and gates.
        known: Items of the history; int64, `(known,)`.
        weight: Their weights; float64, `(known,)`.
        item: The recommended item.
    """
    column = int(np.searchsorted(part.items, item))
    if column >= part.items.size or part.items[column] != item:
        return None
    place = np.minimum(np.searchsorted(part.items, known), part.items.size - 1)
    inside = part.items[place] == known
    spoken = np.where(inside, weight * part.gate[place] * part.weights[place, column], 0.0)
    if spoken.size == 0 or spoken.max() <= 0:
        return None
    most = int(spoken.argmax())
    return Explanation(name, most, factual=bool(part.factual[place[most], column]))


def check_pairs(name: str, part: PairPart, size: int) -> None:
    """Check a part of a model with `size` items.

    Raises:
        ModelError: A shape, an index or a number is impossible.
    """
    known = part.items.size
    expect_array(f"{name}.items", part.items, np.int32, (known,))
    expect_array(f"{name}.weights", part.weights, np.float32, (known, known))
    expect_array(f"{name}.gate", part.gate, np.float32, (known,))
    expect_array(f"{name}.factual", part.factual, np.uint8, (known, known))
    check_index(f"{name}.items", part.items, size)
    if known and bool((np.diff(part.items) <= 0).any()):
        raise ModelError(f"the model's {name}.items are not ascending")


def check_neighbours(name: str, part: TextPart, size: int) -> None:
    """Check neighbours by text or by order of a model with `size` items.

    Raises:
        ModelError: A shape, an index or a number is impossible.
    """
    width = part.neighbours.shape[-1] if part.neighbours.ndim == 2 else 0
    expect_array(f"{name}.neighbours", part.neighbours, np.int32, (size, width))
    expect_array(f"{name}.weights", part.weights, np.float32, (size, width))
    check_index(f"{name}.neighbours", part.neighbours, size)


def check_starts(parts: Mapping[str, StartPart], size: int) -> None:
    """Check where learners begin, by name, of a model with `size` items.

    Raises:
        ModelError: A shape or a number is impossible.
    """
    for name, part in parts.items():
        expect_array(f"{name}.strengths", part.strengths, np.float32, (size,))
        expect_array(f"{name}.memory", part.memory, np.float32, (1,))
        if float(part.memory[0]) > 1:
            raise ModelError(f"the model's {name}.memory is {part.memory[0]}, expected 0 to 1")


def check_reranker(reranker: Reranker | None, local: PairPart) -> None:
    """Check a re-ranker over the items of the own pairs.

    Raises:
        ModelError: A shape or a number is impossible.
    """
    if reranker is None:
        return
    items, width = local.items.size, reranker.embedding.shape[-1]
    for name, shape in (
        ("embedding", (items, width)),
        ("input_weights", (3 * width, width)),
        ("state_weights", (3 * width, width)),
        ("input_bias", (3 * width,)),
        ("state_bias", (3 * width,)),
        ("leave", (items, width)),
        ("leave_bias", (items,)),
    ):
        array = getattr(reranker, name)
        expect_array(f"reranker.{name}", array, np.float32, shape, signed=True)


def expect_array(
    name: str, array: NDArray[Any], dtype: type, shape: tuple[int, ...], *, signed: bool = False
) -> None:
    """Check an array's type and shape, and that its numbers are finite and, unless signed, not < 0.

    Raises:
        ModelError: They are not.
    """
    if array.dtype != dtype or array.shape != shape:
        raise ModelError(
            f"the model's {name} is {array.dtype} of shape {array.shape}, "
            f"expected {np.dtype(dtype)} of shape {shape}"
        )
    possible = np.isfinite(array).all() and (signed or (array >= 0).all())
    if array.dtype.kind == "f" and not possible:
        raise ModelError(f"the model's {name} holds a negative number or one that is not finite")


def check_index(name: str, array: NDArray[np.int32], size: int) -> None:
    """Check that an array indexes a table of `size` entries.

    Raises:
        ModelError: It points outside.
    """
    if array.size and (int(array.min()) < 0 or int(array.max()) >= size):
        raise ModelError(f"the model's {name} points outside its {size} items")
