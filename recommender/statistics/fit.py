"""From HEAD and a platform's own data to what it serves.

One function, `fit_serving`; every step is one small function of this package:
sequences -> own exact statistics (R17) · sums -> others within R34's cap -> deconvolution ->
direction -> solve -> gate · texts -> likeness · popularity. The result is not released and never
leaves the institution (R5).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import ModelError
from recommender.statistics.blend import (
    DECAY,
    DEFAULT_BLEND,
    blend_weights,
    popularity_part,
    without_merged,
)
from recommender.statistics.covariates import pair_context
from recommender.statistics.direction import split_directions
from recommender.statistics.gate import merged_gate, own_gate
from recommender.statistics.local import (
    LEARNER_FLOOR,
    PAIR_FLOOR,
    OwnStatistics,
    own_statistics,
)
from recommender.statistics.merged import (
    Estimates,
    MergedSums,
    Noised,
    estimate,
    factual_pairs,
    noised_others,
    noised_own,
)
from recommender.statistics.sequences import ITEM_VERBS, build_sequences
from recommender.statistics.serving_model import ServingModel
from recommender.statistics.serving_parts import PairPart, empty_pairs
from recommender.statistics.solve import solve_weights
from recommender.statistics.text import fit_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.interactions import Interactions
    from recommender.statistics.covariates import PairContext, PriorKind
    from recommender.statistics.serving_parts import TextPart


def fit_serving(  # noqa: PLR0913 - one keyword for each source of knowledge
    *,
    catalogue: Sequence[CatalogueItem],
    interactions: Interactions | None = None,
    verbs: Sequence[str] = ITEM_VERBS,
    head: NDArray[np.int32] | None = None,
    merged: MergedSums | None = None,
    pair_floor: int = PAIR_FLOOR,
    learner_floor: int = LEARNER_FLOOR,
    blend: Mapping[str, float] = DEFAULT_BLEND,
    text: TextPart | None = None,
    prior: PriorKind = "network",
) -> ServingModel:
    """Fit what a platform serves; deterministic.

    Args:
        catalogue: The items that may be recommended; the model's items, in this order.
        interactions: Rows of learners who consent to local learning; rows on other items are left
            out. None fits without own exact statistics.
        verbs: Verbs that count (`COURSE_VERBS` where courses are the items).
        head: Each catalogue item's index in the shared catalogue or -1; int32, `(catalogue,)`.
        merged: HEAD; None before the first merge or without a swarm.
        pair_floor: R17's floor for a pair; lower it for a measurement only.
        learner_floor: R17's floor for a platform; lowering it needs a warning.
        blend: Weights of the parts.
        text: A text part fitted before on the same catalogue, to save time.
        prior: How merged pairs are denoised; without torch it is always plain deconvolution.

    Raises:
        ModelError: The catalogue names an item twice, or `head` does not fit.
    """
    item_ids = tuple(entry.item for entry in catalogue)
    if len(set(item_ids)) != len(item_ids):
        raise ModelError("the catalogue names an item twice; import it again")
    own = None
    if interactions is not None:
        aligned = align_items(interactions, item_ids)
        sequences = build_sequences(aligned, verbs)
        own = own_statistics(
            sequences, len(item_ids), pair_floor=pair_floor, learner_floor=learner_floor
        )
    likeness = fit_text(catalogue) if text is None else text
    alone = merged is None or head is None
    context = None
    if prior == "network" and merged is not None and head is not None:
        _check_head(head, len(item_ids), merged.manifest.items)
        context = pair_context(catalogue, likeness, head, merged.manifest.items)
    shared, with_own, shared_popularity, popularity = _fit_merged(
        len(item_ids), head, merged, own, context
    )
    return ServingModel(
        item_ids=item_ids,
        merged=with_own,
        shared=shared,
        local=empty_pairs() if own is None else _fit_local(own, alone=alone),
        text=likeness,
        own_popularity=popularity_part(_own_popularity(own, len(item_ids))),
        merged_popularity=popularity_part(popularity),
        shared_popularity=popularity_part(shared_popularity),
        blend=blend_weights(without_merged(blend) if alone else blend),
        decay=DECAY,
    )


def recommendable(catalogue: Sequence[CatalogueItem], recommend: str) -> list[CatalogueItem]:
    """The entries that may be recommended: courses, or everything but courses.

    Args:
        catalogue: A platform's whole catalogue.
        recommend: `items` or `courses`, the home's setting.
    """
    return [entry for entry in catalogue if (entry.type == "course") == (recommend == "courses")]


def align_items(interactions: Interactions, item_ids: Sequence[str]) -> Interactions:
    """The rows on `item_ids`, indexed by them; rows on other items are left out."""
    place = {item: index for index, item in enumerate(item_ids)}
    index = np.array([place.get(item, -1) for item in interactions.item_ids], dtype=np.int32)
    item = index[interactions.item] if index.size else interactions.item
    kept = item >= 0
    return replace(
        interactions,
        item_ids=tuple(item_ids),
        learner=interactions.learner[kept],
        item=item[kept],
        timestamp=interactions.timestamp[kept],
        order=interactions.order[kept],
        verb=interactions.verb[kept],
        score=interactions.score[kept],
    )


def _fit_local(own: OwnStatistics, *, alone: bool) -> PairPart:
    """The platform's own exact pairs (R17); alone there is nothing else to trust more."""
    weights = solve_weights(
        own.together,
        split_directions(own.together, own.direction),
        own.popularity[own.domain],
    )
    gate = merged_gate(own.together, 0.0 * own.together, 0.0) if alone else own_gate(own.together)
    return PairPart(
        own.domain,
        weights.astype(np.float32),
        gate.astype(np.float32),
        (own.support >= PAIR_FLOOR).astype(np.uint8),
    )


def _fit_merged(
    size: int,
    head: NDArray[np.int32] | None,
    merged: MergedSums | None,
    own: OwnStatistics | None,
    context: PairContext | None = None,
) -> tuple[PairPart, PairPart, NDArray[np.float64], NDArray[np.float64]]:
    """Merged sums alone, then with own exact statistics: pairs of both, popularity of both.

    What may be shown to others (R18) is denoised without looking at own exact pairs.
    """
    exact = _own_popularity(own, size)
    if merged is None or head is None:
        return empty_pairs(), empty_pairs(), np.zeros(size), exact
    _check_head(head, size, merged.manifest.items)
    others, mine = noised_others(merged), noised_own(merged)
    factual = factual_pairs(others, mine)
    shared, shared_popularity = _fit_shared(others, mine, factual, head, context)
    if own is None:
        return shared, shared, shared_popularity, shared_popularity
    with_own, popularity = _fit_with_own(own, (others, mine), factual, head, context)
    return shared, with_own, shared_popularity, exact + popularity


def _fit_shared(
    others: Noised,
    mine: Noised | None,
    factual: NDArray[np.bool_],
    head: NDArray[np.int32],
    context: PairContext | None,
) -> tuple[PairPart, NDArray[np.float64]]:
    """Pairs and popularity from released sums alone."""
    everything = estimate(others, context=context)
    if mine is not None:
        everything = _add(everything, estimate(mine, context=context))
    nothing = _nothing(factual.shape[0])
    part = _solve_part(nothing, everything, others.together_sd, factual, head)
    return part, _at_items(everything.popularity, head)


def _fit_with_own(
    own: OwnStatistics,
    noised: tuple[Noised, Noised | None],
    factual: NDArray[np.bool_],
    head: NDArray[np.int32],
    context: PairContext | None,
) -> tuple[PairPart, NDArray[np.float64]]:
    """Pairs from the others' sums with own exact statistics, and the others' popularity."""
    others, mine = noised
    size = factual.shape[0]
    known = _own_over_head(own, head, size)
    support = _pairs_over_head(own.support, own, head, size)
    home = None if context is None else replace(context, own=known.together)
    rest = theirs = estimate(others, context=home)
    if mine is not None:
        # Where R17 hides a pair, what was released of it stands in; the popularity is exact.
        # These cells are alike, few learners each: the prior network has nothing to add.
        hidden = estimate(mine, known.together == 0)
        rest = replace(_add(theirs, hidden), popularity=theirs.popularity)
    part = _solve_part(known, rest, others.together_sd, factual | (support >= PAIR_FLOOR), head)
    return part, _at_items(theirs.popularity, head)


def _solve_part(
    own: Estimates,
    others: Estimates,
    sd: float,
    factual: NDArray[np.bool_],
    head: NDArray[np.int32],
) -> PairPart:
    """Solve over the whole head, then keep the platform's own items."""
    both = _add(own, others)
    weights = solve_weights(
        both.together, split_directions(both.together, both.direction), both.popularity
    )
    gate = merged_gate(own.together, others.together, sd)
    items = np.flatnonzero(head >= 0).astype(np.int32)
    place = head[items]
    grid = np.ix_(place, place)
    return PairPart(
        items,
        weights[grid].astype(np.float32),
        gate[place].astype(np.float32),
        factual[grid].astype(np.uint8),
    )


def _own_over_head(own: OwnStatistics, head: NDArray[np.int32], size: int) -> Estimates:
    """Own exact statistics on the shared catalogue's index."""
    popularity = np.zeros(size)
    shared = np.flatnonzero(head >= 0)
    np.add.at(popularity, head[shared], own.popularity[shared])
    return Estimates(
        _pairs_over_head(own.together, own, head, size),
        _pairs_over_head(own.direction, own, head, size),
        popularity,
    )


def _pairs_over_head(
    pairs: NDArray[np.float64] | NDArray[np.int32],
    own: OwnStatistics,
    head: NDArray[np.int32],
    size: int,
) -> NDArray[np.float64]:
    """Own pairs on the shared catalogue's index; copies of one content add up."""
    place = head[own.domain]
    inside = np.flatnonzero(place >= 0)
    square = np.zeros((size, size))
    np.add.at(square, np.ix_(place[inside], place[inside]), pairs[np.ix_(inside, inside)])
    np.fill_diagonal(square, 0.0)
    return square


def _add(first: Estimates, second: Estimates) -> Estimates:
    return Estimates(
        first.together + second.together,
        first.direction + second.direction,
        first.popularity + second.popularity,
    )


def _nothing(size: int) -> Estimates:
    return Estimates(np.zeros((size, size)), np.zeros((size, size)), np.zeros(size))


def _at_items(values: NDArray[np.float64], head: NDArray[np.int32]) -> NDArray[np.float64]:
    return np.where(head >= 0, values[np.maximum(head, 0)], 0.0)


def _own_popularity(own: OwnStatistics | None, size: int) -> NDArray[np.float64]:
    return np.zeros(size) if own is None else own.popularity


def _check_head(head: NDArray[np.int32], size: int, shared: int) -> None:
    if head.shape != (size,):
        raise ModelError(f"head has {head.size} entries, expected one for each of {size} items")
    if head.size and (int(head.min()) < -1 or int(head.max()) >= shared):
        raise ModelError(f"head points outside the shared catalogue's {shared} items")
