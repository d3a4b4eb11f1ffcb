"""How a catalogue's items stand with a model, at one point of a path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.paths.scorer import PARTS, Because, Scorer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from recommender.paths.catalogue import Alignment, PathCatalogue


@dataclass(frozen=True, eq=False)
class Standing:
    """Scores of the catalogue's rows after a history, with their parts.

    Attributes:
        total: Sum of the parts used; float32, `(n,)`; 0 for items the model does not know.
        parts: Each part used, in the order of `PARTS`; float32, `(n,)`.
        history: Item ids that the model was given, oldest first.
        model: The model, or None where there is none.
        alignment: Where the model's items are in the catalogue.
    """

    total: NDArray[np.float32]
    parts: Mapping[str, NDArray[np.float32]]
    history: tuple[str, ...]
    model: Scorer | None
    alignment: Alignment

    def parts_of(self, row: int) -> dict[str, float]:
        """What each part added to a row's score, in the order of `PARTS`."""
        return {name: float(values[row]) for name, values in self.parts.items()}

    def because_of(self, row: int) -> Mapping[str, Because]:
        """Which item of the history is behind each part of a row's score."""
        place = int(self.alignment.places[row])
        if self.model is None or place < 0 or not self.history:
            return {}
        return self.model.explain(_indices(self.history, self.alignment), place)


def stand(model: Scorer | None, catalogue: PathCatalogue, visited: Sequence[str]) -> Standing:
    """Score every row of a catalogue.

    Args:
        model: The model; without one all scores are 0.
        catalogue: The catalogue.
        visited: Items of the history, oldest first; those the model does not know are skipped.
    """
    total = np.zeros(len(catalogue), dtype=np.float32)
    alignment = catalogue.align(model.item_ids if model else ())
    if model is None:
        return Standing(total, {}, (), None, alignment)
    history = tuple(item for item in visited if item in alignment.place)
    scores = model.score(_indices(history, alignment))
    parts = {}
    for name in PARTS:
        if name in scores.parts:
            parts[name] = _spread(scores.parts[name], alignment.places)
            total += parts[name]
    return Standing(total, parts, history, model, alignment)


def _spread(values: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float32]:
    """From the model's items to the catalogue's rows; 0 for rows the model does not know."""
    spread = np.zeros(places.size, dtype=np.float32)
    known = places >= 0
    spread[known] = values[places[known]]
    return spread


def _indices(history: Sequence[str], alignment: Alignment) -> NDArray[np.int64]:
    return np.array([alignment.place[item] for item in history], dtype=np.int64)
