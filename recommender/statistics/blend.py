"""How the parts of a score are mixed before own learners adjust the mix.

Score = 3.6 merged + 3.3 local + text + order + popularity, each part in [0, 1], history weights
.7^age. What texts, order and popularity count beside the pairs is learned from the released sums
(`recommender.statistics.calibration`); the other constants come from hold-outs of public logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.statistics.serving_model import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

DECAY = 0.7
"""Weight of a history item a step older."""

STARTS_WEIGHT = 1.2
"""What starts count beside pairs' 1 where nothing is known of a learner (decision 0075)."""

DEFAULT_BLEND: Mapping[str, float] = {
    "merged": 3.6,
    "local": 3.3,
    "text": 0.7,
    "own_popularity": 0.1,
    "merged_popularity": 0.1,
}
"""Before anything is learned."""


@dataclass(frozen=True, slots=True)
class PublicWeights:
    """Weights beside pairs' 1.

    Attributes:
        text: Of likeness of text.
        order: Of the catalogue's order.
        popularity: Of released popularity.
    """

    text: float
    order: float
    popularity: float


def released_blend(public: PublicWeights) -> dict[str, float]:
    """Weights by part where there are released sums and public facts only."""
    pairs = DEFAULT_BLEND["merged"]
    return {
        "merged": pairs,
        "text": pairs * public.text,
        "order": pairs * public.order,
        "merged_popularity": pairs * public.popularity,
        "starts": pairs * STARTS_WEIGHT,
    }


def own_blend(public: PublicWeights) -> dict[str, float]:
    """Weights by part where own exact statistics stand beside them."""
    pairs = DEFAULT_BLEND["merged"] + DEFAULT_BLEND["local"]
    return {
        **DEFAULT_BLEND,
        "text": pairs * public.text,
        "order": pairs * public.order,
        "starts": pairs * STARTS_WEIGHT,
    }


@dataclass(frozen=True, slots=True)
class Mix:
    """Which parts a platform's model gives weight to.

    Attributes:
        weights: By part.
        default: The weights before fitting.
        decay: Weight of a history item a step older.
        ridge: Share of own pairs' weight that the sequential ridge has.
        ridge_memory: Weight of an item a step older in that ridge.
        holdouts: Learners whose last items were held out.
        fitted: Whether the hold-out was used; False says that the default stays.
        gain: Log likelihood that the fit gained per hold-out, in nats.
        reranker: How far the local re-ranker takes items towards what it says, in [0, 1].
        reranker_reason: Why it is on or off; empty where it is not asked for.
        released: Whether released sums told what texts and order weigh in `default`.
    """

    weights: Mapping[str, float]
    default: Mapping[str, float]
    decay: float = DECAY
    ridge: float = 0.0
    ridge_memory: float = 0.0
    holdouts: int = 0
    fitted: bool = False
    gain: float = 0.0
    reranker: float = 0.0
    reranker_reason: str = ""
    released: bool = False


def default_mix(weights: Mapping[str, float], *, released: bool) -> Mix:
    """The mix that is not fitted."""
    return Mix(dict(weights), dict(weights), released=released)


def blend_weights(blend: Mapping[str, float]) -> NDArray[np.float32]:
    """Weights in the order of `PARTS`; a part that is not named weighs nothing."""
    return np.array([blend.get(name, 0.0) for name in PARTS], dtype=np.float32)


def without_merged(blend: Mapping[str, float]) -> dict[str, float]:
    """The blend of a platform alone: with no others the merged part is the own solve again."""
    local = blend.get("merged", 0.0) + blend.get("local", 0.0)
    return {**blend, "merged": 0.0, "local": local}


def popularity_part(popularity: NDArray[np.float64]) -> NDArray[np.float32]:
    """log(1 + p) over its maximum, in [0, 1]; float32, the shape of `popularity`."""
    logged = np.log1p(np.maximum(popularity, 0.0))
    largest = float(logged.max(initial=0.0))
    part: NDArray[np.float32] = (logged / largest if largest > 0 else logged).astype(np.float32)
    return part
