"""Where a merged model puts a platform's items (R35).

A merged model is asked for a panel of public histories: the empty one, which counts a tenth, and
each item of the head that this platform offers, alone. A history counts as its item is popular, so
that the panel stands for learners without looking at one. An item's *reach* is the share of the
panel in whose first places it stands. Concentration is the share of the weight towards an item that
comes from its five strongest predecessors: fake learners who visit few items before theirs leave it
high. All is a deterministic function of merged sums and catalogue; `recommender.statistics.excess`
says what rose, and through whom.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from recommender.statistics.blend import STARTS_WEIGHT, popularity_part
from recommender.statistics.combining import read_others
from recommender.statistics.serving_parts import TextPart, score_pairs, score_starts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.statistics.merged import MergedSums
    from recommender.statistics.serving_parts import PairPart, StartPart

FIRST_PLACES = 10
"""Places of a ranking that count as its top; fewer where few items are offered."""

STRONGEST = 5
"""Predecessors whose share of an item's incoming weight is its concentration."""

EMPTY_SHARE = 0.1
"""What the empty history counts: whoever begins sees nothing but where others began."""

_POPULARITY_WEIGHT = 1 / 36  # beside pairs' 1, as where nothing has been learned yet
_CHUNK = 256


@dataclass(frozen=True, eq=False)
class Standing:
    """Where a merged model puts a platform's items.

    Attributes:
        items: Places in the platform's catalogue of the items it knows, ascending; int32, `(m,)`.
        reach: Share of the panel in whose first places each stands, in [0, 1]; float64, `(m,)`.
        rank: Mean rank over the panel, from 1; float64, `(m,)`.
        concentration: Share of incoming weight from the strongest predecessors, in [0, 1];
            float64, `(m,)`.
        popularity: Of all items of the catalogue, not negative; float64, `(items,)`.
    """

    items: NDArray[np.int32]
    reach: NDArray[np.float64]
    rank: NDArray[np.float64]
    concentration: NDArray[np.float64]
    popularity: NDArray[np.float64]


def stand_merged(
    merged: MergedSums,
    head: NDArray[np.int32],
    catalogue: Sequence[CatalogueItem],
    panel: NDArray[np.float64] | None = None,
) -> Standing:
    """Rank a platform's items by merged sums alone, pairs denoised plainly.

    Args:
        merged: The sums as this platform sees them.
        head: Each catalogue item's place in the head, or -1; int32, `(items,)`.
        catalogue: What the platform offers.
        panel: See `stand`.

    Raises:
        ModelError: `head` does not fit.
    """
    size = len(catalogue)
    no_text = TextPart(np.zeros((size, 0), np.int32), np.zeros((size, 0), np.float32))
    others = read_others(merged, head, catalogue, no_text, "none")
    return stand(others.shared, others.shared_popularity, panel, others.shared_starts)


def stand(
    pairs: PairPart,
    popularity: NDArray[np.float64],
    panel: NDArray[np.float64] | None = None,
    starts: StartPart | None = None,
) -> Standing:
    """Rank the items of a merged part as the answer to each history of the panel.

    The score is that of a path: pairs, where learners begin, a little popularity. Texts, order and
    own statistics are left out, since nobody else can change them. No item is an answer to itself.
    Ties keep the catalogue's order.

    Args:
        pairs: Item-to-item weights from merged sums alone.
        popularity: Of each catalogue item; float64, `(items,)`.
        panel: How much the history of each catalogue item counts; `popularity` if None. Of two
            models that are compared both take the same.
        starts: Where learners begin; None where that is not released.
    """
    size = pairs.items.size
    places = first_places(size)
    popular = _POPULARITY_WEIGHT * popularity_part(popularity)[pairs.items]
    weight = panel_weights((popularity if panel is None else panel)[pairs.items])
    reach, rank = np.zeros(size), np.zeros(size)
    for begin in range(0, size + 1, _CHUNK):
        asked = np.arange(begin, min(begin + _CHUNK, size + 1))
        scores = _scores(pairs, asked) + popular
        if starts is not None:
            begun = score_starts(starts, (asked < size).astype(np.int64))
            scores += STARTS_WEIGHT * begun[:, pairs.items]
        ranks = _ranks(scores, asked)
        reach += weight[asked] @ ((ranks > 0) & (ranks <= places))
        rank += weight[asked] @ ranks
    others = 1.0 - weight[:-1]  # the panel without the item's own history
    return Standing(pairs.items, reach / others, rank / others, _concentration(pairs), popularity)


def panel_weights(popularity: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each history of the panel counts for, the empty one last; sums to 1.

    Args:
        popularity: Of the items; float64, `(m,)`.

    Returns:
        float64, `(m + 1,)`.
    """
    size = popularity.size
    whole = float(popularity.sum())
    each = popularity / whole if whole > 0 else np.full(size, 1 / max(size, 1))
    return np.append((1 - EMPTY_SHARE) * each, EMPTY_SHARE)


def first_places(items: int) -> int:
    """How many places are a ranking's top: ten, or a fifth of a short one, at least one."""
    return max(1, min(FIRST_PLACES, items // 5))


def _scores(pairs: PairPart, asked: NDArray[np.int64]) -> NDArray[np.float64]:
    """Scores by pairs for some histories of the panel; number `m` is the empty one."""
    size = pairs.items.size
    history = np.zeros((asked.size, size), dtype=np.float32)
    single = np.flatnonzero(asked < size)
    history[single, asked[single]] = 1.0
    alone = replace(pairs, items=np.arange(size, dtype=np.int32))
    return score_pairs(alone, history).astype(np.float64)


def _ranks(scores: NDArray[np.float64], asked: NDArray[np.int64]) -> NDArray[np.float64]:
    """Ranks from 1 in each row, that of a history's own item 0; float64, as `scores`."""
    rows, size = scores.shape
    own = np.flatnonzero(asked < size)
    scores[own, asked[own]] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")
    ranks = np.empty_like(scores)
    np.put_along_axis(ranks, order, np.arange(1.0, size + 1)[None, :].repeat(rows, axis=0), axis=1)
    ranks[own, asked[own]] = 0.0
    return ranks


def _concentration(pairs: PairPart) -> NDArray[np.float64]:
    """Share of each column's weight that its strongest rows have; 0 for an empty column."""
    weights = pairs.gate[:, None].astype(np.float64) * pairs.weights
    strongest = np.sort(weights, axis=0)[-STRONGEST:].sum(axis=0)
    whole = weights.sum(axis=0)
    shares: NDArray[np.float64] = np.divide(
        strongest, whole, out=np.zeros_like(whole), where=whole > 0
    )
    return shares
