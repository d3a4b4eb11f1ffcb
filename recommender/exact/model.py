"""The model at epsilon infinity: every closed form we know, weighted by a hold-out.

It is a bound and an honest opponent, not a product: it keeps exact statistics of everybody, without
R17's floor. Its weights are chosen on training learners' last items, so that it is as good as its
best part on any log, up to what a hold-out can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import EvaluationError
from recommender.exact.items import fit_item_weights
from recommender.exact.others import Texts, fit_popularity, fit_similar_learners
from recommender.exact.stack import (
    Choices,
    default_weights,
    fit_weights,
    join_choices,
    read_choices,
)
from recommender.statistics.holdout import hold_out
from recommender.statistics.order import fit_order
from recommender.statistics.sequences import build_sequences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.exact.stack import Part
    from recommender.interactions import Interactions
    from recommender.statistics.sequences import Sequences
    from recommender.statistics.serving_parts import TextPart

FEWEST = 30
"""Hold-outs below which all parts count alike."""

ENOUGH = 1_500
"""Hold-outs that are sought, in up to `DRAWS` draws of learners."""

DRAWS = 3


@dataclass(frozen=True, eq=False)
class ExactModel:
    """Parts and what each counts.

    Attributes:
        parts: Fitted on all training rows.
        weights: float64, `(parts,)`.
        size: Number of items.
    """

    parts: Sequence[Part]
    weights: NDArray[np.float64]
    size: int

    @property
    def parameters(self) -> int:
        """Item-to-item weights that are not zero, a popularity an item, a weight a part."""
        pairs = {id(part.weights): part.weights for part in self.parts if hasattr(part, "weights")}
        return (
            sum(int(np.count_nonzero(weights)) for weights in pairs.values())
            + self.size
            + self.weights.size
        )

    def score(self, histories: Sequences, learner: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score all items; see `recommender.evaluation.Scorer`."""
        del learner
        total = np.zeros((len(histories), self.size), dtype=np.float32)
        for part, weight in zip(self.parts, self.weights, strict=True):
            total += np.float32(weight) * part.score(histories, self.size)
        return total


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
    choices = _read_hold_outs(rows, verbs, ties, public)
    parts = _fit_parts(build_sequences(rows, verbs), size, public)
    weights = default_weights(len(parts)) if choices is None else fit_weights(choices)
    return ExactModel(parts, weights, size)


def _fit_parts(histories: Sequences, size: int, public: Sequence[Part]) -> list[Part]:
    return [
        *fit_item_weights(histories, size),
        fit_similar_learners(histories, size),
        fit_popularity(histories, size),
        *public,
    ]


def _read_hold_outs(
    rows: Interactions, verbs: Sequence[str], ties: str, public: Sequence[Part]
) -> Choices | None:
    """Candidates of one hold-out, or of several draws where one holds few; None below 30."""
    size, several, held_out = len(rows.item_ids), [], 0
    everybody = np.zeros(0, np.int64)
    for draw in range(DRAWS):
        held = hold_out(rows, verbs, ties=ties, seed=draw)
        if len(held.known) < FEWEST:
            return None
        if np.array_equal(held.learner, everybody):
            break  # few learners: every draw holds all of them out
        everybody = held.learner
        several.append(read_choices(_fit_parts(held.remaining, size, public), held, size))
        held_out += len(held.known)
        if held_out >= ENOUGH:
            break
    return join_choices(several)
