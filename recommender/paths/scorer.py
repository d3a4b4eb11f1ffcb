"""What a path needs from a model: scores that keep their parts, and what is behind a part.

`recommender.statistics.serving_model.ServingModel` fits this; so does any other model that can
say how its score is made up. Where R18 wants answers without the platform's own exact statistics,
the caller passes a model without them (`ServingModel.shared_only`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

PARTS: tuple[str, ...] = (
    "merged",
    "local",
    "text",
    "order",
    "own_popularity",
    "merged_popularity",
    "starts",
    "reranker",
)
"""Parts of a score; earlier ones win ties when a reason is chosen."""
ITEM_PARTS = frozenset({"merged", "local", "text", "order"})
"""Parts that come from single items of the history."""


class Scores(Protocol):
    """Scores of all items."""

    @property
    def parts(self) -> Mapping[str, NDArray[np.float32]]:
        """What each of `PARTS` adds to the score; `reranker` can take away; float32, `(n,)`."""
        ...


class Because(Protocol):
    """What moved one item through one part."""

    @property
    def history_index(self) -> int:
        """Place in the history given of the item that contributes most."""
        ...

    @property
    def factual(self) -> bool:
        """Whether the evidence is strong enough to state it as a fact (R18)."""
        ...


class Scorer(Protocol):
    """A model that scores what comes next."""

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Platform item ids; scores are in this order."""
        ...

    def score(self, history: NDArray[np.int64]) -> Scores:
        """Score all items after a history of item indices, oldest first; may be empty."""
        ...

    def explain(self, history: NDArray[np.int64], item: int) -> Mapping[str, Because]:
        """For each of `ITEM_PARTS` that contributes to an item's score, what is behind it."""
        ...
