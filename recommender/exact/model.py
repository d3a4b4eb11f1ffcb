"""The model at epsilon infinity: every closed form we know, weighted by a hold-out.

It is a bound and an honest opponent, not a product: it keeps exact statistics of everybody, without
R17's floor. Its weights are chosen on what training learners came to next, so that it is as good as
its best part on any log, up to what a hold-out can tell. Learners of whom little is known have
weights of their own where that is clearly better: what tells a beginner's next item is not always
what tells the last one of many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import EvaluationError
from recommender.exact.items import fit_item_weights
from recommender.exact.others import Texts, fit_popularity, fit_similar_learners, fit_starts
from recommender.exact.stack import (
    Choices,
    default_weights,
    fit_weights,
    fit_where_clear,
    join_choices,
    read_choices,
)
from recommender.statistics.holdout import hold_out
from recommender.statistics.order import fit_order
from recommender.statistics.sequences import Sequences, build_sequences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from recommender.catalogue import CatalogueItem
    from recommender.exact.stack import Part
    from recommender.interactions import Interactions
    from recommender.statistics.serving_parts import TextPart

FEWEST = 30
"""Hold-outs below which all parts count alike."""

ENOUGH = 1_500
"""Hold-outs that are sought, in up to `DRAWS` draws of learners."""

DRAWS = 3

SHORT = 3
"""Items known at most for the weights of beginners."""

MOST_BEGINNERS = 1_000
_BEGINNERS_SHARE = 4


@dataclass(frozen=True, eq=False)
class ExactModel:
    """Parts and what each counts.

    Attributes:
        parts: Fitted on all training rows.
        weights: float64, `(parts,)`.
        short: The same for learners with at most `SHORT` items known; float64, `(parts,)`.
        size: Number of items.
    """

    parts: Sequence[Part]
    weights: NDArray[np.float64]
    short: NDArray[np.float64]
    size: int

    @property
    def parameters(self) -> int:
        """Item-to-item weights that are not zero, a popularity an item, two weights a part."""
        pairs = {id(part.weights): part.weights for part in self.parts if hasattr(part, "weights")}
        return (
            sum(_not_zero(weights) for weights in pairs.values())
            + self.size
            + 2 * self.weights.size
        )

    def score(self, histories: Sequences, learner: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score all items; see `recommender.evaluation.Scorer`."""
        del learner
        total = np.zeros((len(histories), self.size), dtype=np.float32)
        little = (histories.lengths() <= SHORT)[:, None]
        for part, weight, short in zip(self.parts, self.weights, self.short, strict=True):
            each = np.where(little, np.float32(short), np.float32(weight))
            total += each * part.score(histories, self.size)
        return total


def _not_zero(weights: NDArray[np.float32] | csr_matrix) -> int:
    return int(np.count_nonzero(weights) if isinstance(weights, np.ndarray) else weights.nnz)


def fit_exact(
    rows: Interactions,
    verbs: Sequence[str],
    catalogue: Sequence[CatalogueItem],
    text: TextPart,
    ties: str = "set",
) -> ExactModel:
    """Fit the parts without a hold-out, their weights on it, and the parts again on everything.

    Args:
        rows: Training rows.
        verbs: Verbs that count.
        catalogue: The items, in the order of `rows.item_ids`.
        text: Their likeness of text.
        ties: What the hold-out does with a tied last moment; see `hold_out`.

    Raises:
        EvaluationError: Fewer than two items.
    """
    size = len(rows.item_ids)
    if size < 2:
        raise EvaluationError(f"{size} items: statistics need at least two")
    public = [Texts(text), Texts(fit_order(catalogue), "order")]
    histories = build_sequences(rows, verbs)
    choices, few = _read_hold_outs(rows, verbs, ties, public)
    parts = _fit_parts(histories, size, public)
    weights = default_weights(len(parts)) if choices is None else fit_weights(choices)
    begun = [each for each in (few, _read_beginners(histories, size, public)) if each is not None]
    return ExactModel(parts, weights, fit_where_clear(begun, weights), size)


def _fit_parts(histories: Sequences, size: int, public: Sequence[Part]) -> list[Part]:
    return [
        *fit_item_weights(histories, size),
        fit_similar_learners(histories, size),
        fit_popularity(histories, size),
        fit_starts(histories, size),
        *public,
    ]


def _read_hold_outs(
    rows: Interactions, verbs: Sequence[str], ties: str, public: Sequence[Part]
) -> tuple[Choices | None, Choices | None]:
    """Candidates of one hold-out, or of several draws where one holds few; None below 30.

    And those among them of whom little is known.
    """
    size, several, few, held_out = len(rows.item_ids), [], [], 0
    everybody = np.zeros(0, np.int64)
    for draw in range(DRAWS):
        held = hold_out(rows, verbs, ties=ties, seed=draw)
        if len(held.known) < FEWEST:
            return None, None
        if np.array_equal(held.learner, everybody):
            break  # few learners: every draw holds all of them out
        everybody = held.learner
        parts = _fit_parts(held.remaining, size, public)
        several.append(read_choices(parts, held.known, held.targets, size))
        little = np.flatnonzero(held.known.lengths() <= SHORT)
        if little.size:
            short = held.known.select(little), held.targets.select(little)
            few.append(read_choices(parts, *short, size))
        held_out += len(held.known)
        if held_out >= ENOUGH:
            break
    return join_choices(several), join_choices(few) if few else None


def _read_beginners(histories: Sequences, size: int, public: Sequence[Part]) -> Choices | None:
    """Second to fourth items of learners that the parts have not seen; None below 30 of them."""
    eligible = np.flatnonzero(histories.lengths() > 1)
    chosen = min(MOST_BEGINNERS, eligible.size // _BEGINNERS_SHARE)
    if chosen < FEWEST:
        return None
    rng = np.random.default_rng([0, 43])
    new = np.sort(rng.choice(eligible, chosen, replace=False)).astype(np.int64)
    seen = np.setdiff1d(np.arange(len(histories)), new).astype(np.int64)
    parts = _fit_parts(histories.select(seen), size, public)
    steps = []
    for known in range(1, SHORT + 1):
        who = new[histories.lengths()[new] > known]
        if who.size == 0:
            break
        before, after = _split(histories.select(who), known)
        steps.append(read_choices(parts, before, after, size))
    return join_choices(steps)


def _split(histories: Sequences, known: int) -> tuple[Sequences, Sequences]:
    """The first items of each history, and the one after them."""
    at = histories.start[:-1]
    before = (at[:, None] + np.arange(known)).ravel()
    count = np.arange(len(histories) + 1, dtype=np.int64)
    return (
        Sequences(known * count, histories.items[before]),
        Sequences(count, histories.items[at + known]),
    )
