"""From HEAD and a platform's own data to what it serves.

`fit_serving` mixes the parts as the released sums say, `fit_mixed` adjusts that to the platform's
hold-out; every step is one small function of this package: sequences -> own exact statistics (R17)
· sums -> others within R34's cap -> deconvolution -> direction -> solve -> gate · texts -> likeness
· catalogue -> order · popularity ·
starts. `evaluate` and `compare` measure what these functions make. The
result is not released and never leaves the institution (R5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.errors import ModelError
from recommender.statistics.blend import (
    DECAY,
    Mix,
    blend_weights,
    default_mix,
    own_blend,
    popularity_part,
    released_blend,
    without_merged,
)
from recommender.statistics.calibration import learn_weights
from recommender.statistics.combining import Others, nobody, read_others, with_own
from recommender.statistics.direction import split_directions
from recommender.statistics.gate import merged_gate, own_gate
from recommender.statistics.holdout import MOST, hold_out
from recommender.statistics.local import (
    LEARNER_FLOOR,
    MAX_ITEMS,
    PAIR_FLOOR,
    OwnStatistics,
    own_statistics,
)
from recommender.statistics.merged import noised_all
from recommender.statistics.mix import FEWEST, fit_mix
from recommender.statistics.order import fit_order
from recommender.statistics.ridge import MEMORIES, ridge_weights
from recommender.statistics.sequences import (
    ITEM_VERBS,
    Sequences,
    first_occurrences,
    mean_moments,
    sequences_of,
)
from recommender.statistics.serving_model import ServingModel
from recommender.statistics.serving_parts import PairPart, empty_pairs
from recommender.statistics.solve import solve_weights
from recommender.statistics.text import fit_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.interactions import Interactions
    from recommender.statistics.covariates import PriorKind
    from recommender.statistics.merged import MergedSums
    from recommender.statistics.serving_parts import TextPart


RIDGE_SHARES = (0.5, 1.0)
"""How much of own pairs' weight the sequential ridge may have."""

_MANY_ITEMS = 1_000


@dataclass(frozen=True, eq=False)
class _Sources:
    """Everything that a model is put together from."""

    item_ids: tuple[str, ...]
    rows: Interactions | None
    verbs: Sequence[str]
    limits: tuple[int, int, int]
    own: OwnStatistics | None
    sequences: Sequences | None
    others: Others
    text: TextPart
    order: TextPart
    shared_blend: Mapping[str, float]
    blend: Mapping[str, float]
    alone: bool


def fit_serving(  # noqa: PLR0913 - one keyword for each source of knowledge
    *,
    catalogue: Sequence[CatalogueItem],
    interactions: Interactions | None = None,
    verbs: Sequence[str] = ITEM_VERBS,
    head: NDArray[np.int32] | None = None,
    merged: MergedSums | None = None,
    pair_floor: int = PAIR_FLOOR,
    learner_floor: int = LEARNER_FLOOR,
    text: TextPart | None = None,
    prior: PriorKind = "network",
) -> ServingModel:
    """Fit what a platform serves, its mix not adjusted on own learners; deterministic.

    Args:
        catalogue: The items that may be recommended; the model's items, in this order.
        interactions: Rows of learners who consent to local learning; rows on other items are left
            out. None fits without own exact statistics.
        verbs: Verbs that count (`COURSE_VERBS` where courses are the items).
        head: Each catalogue item's index in the shared catalogue or -1; int32, `(catalogue,)`.
        merged: HEAD; None before the first merge or without a swarm.
        pair_floor: R17's floor for a pair; lower it for a measurement only.
        learner_floor: R17's floor for a platform; lowering it needs a warning.
        text: A text part fitted before on the same catalogue, to save time.
        prior: How merged pairs are denoised; without torch it is always plain deconvolution.

    Raises:
        ModelError: The catalogue names an item twice, or `head` does not fit.
    """
    limits = (pair_floor, learner_floor, MAX_ITEMS)
    likeness = fit_text(catalogue) if text is None else text
    sources = _gather(catalogue, interactions, verbs, limits, (head, merged), (likeness, prior))
    return _assemble(sources, sources.own, sources.sequences)


def fit_mixed(  # noqa: PLR0913 - one keyword for each source of knowledge
    *,
    catalogue: Sequence[CatalogueItem],
    interactions: Interactions | None = None,
    verbs: Sequence[str] = ITEM_VERBS,
    head: NDArray[np.int32] | None = None,
    merged: MergedSums | None = None,
    pair_floor: int = PAIR_FLOOR,
    learner_floor: int = LEARNER_FLOOR,
    text: TextPart | None = None,
    prior: PriorKind = "network",
    ties: str = "set",
    most_items: int = MAX_ITEMS,
) -> tuple[ServingModel, Mix]:
    """Fit what a platform serves, its mix adjusted on the platform's own hold-out; deterministic.

    The last items of up to 2,000 own learners are held out, own statistics are made again without
    them, and weights, memory and the way of solving own pairs are chosen by how likely they make
    the held-out items. Below 30 hold-outs, below R17's floor, and whenever the fit is not finite,
    the default stays.

    Args:
        catalogue: See `fit_serving`, here and below.
        interactions: Rows of learners who consent to local learning.
        verbs: Verbs that count.
        head: Each catalogue item's index in the shared catalogue or -1.
        merged: HEAD.
        pair_floor: R17's floor for a pair.
        learner_floor: R17's floor for a platform.
        text: A text part fitted before.
        prior: How merged pairs are denoised.
        ties: What the hold-out does with a tied last moment; see `hold_out`.
        most_items: Items with own pairs at most.

    Returns:
        The model, and the mix in it.

    Raises:
        ModelError: See `fit_serving`.
    """
    limits = (pair_floor, learner_floor, most_items)
    likeness = fit_text(catalogue) if text is None else text
    sources = _gather(catalogue, interactions, verbs, limits, (head, merged), (likeness, prior))
    mix = _choose_mix(sources, ties)
    return _assemble(sources, sources.own, sources.sequences, mix), mix


def _gather(
    catalogue: Sequence[CatalogueItem],
    interactions: Interactions | None,
    verbs: Sequence[str],
    limits: tuple[int, int, int],
    swarm: tuple[NDArray[np.int32] | None, MergedSums | None],
    words: tuple[TextPart, PriorKind],
) -> _Sources:
    item_ids = tuple(entry.item for entry in catalogue)
    if len(set(item_ids)) != len(item_ids):
        raise ModelError("the catalogue names an item twice; import it again")
    (head, merged), (text, prior) = swarm, words
    alone = merged is None or head is None
    others, order, released = nobody(len(item_ids)), fit_order(catalogue), None
    if merged is not None and head is not None:
        others = read_others(merged, head, catalogue, text, prior)
        released = noised_all(merged)
    public = learn_weights(released, catalogue, others.head, text, order)
    own = sequences = rows = None
    if interactions is not None:
        rows = align_items(interactions, item_ids)
        first = first_occurrences(rows, verbs)
        sequences = sequences_of(rows, first)
        moments = mean_moments(rows, first, PAIR_FLOOR)
        own = _own(sequences, len(item_ids), limits, moments)
        others = others.knowing(own)
    shared = released_blend(public)
    blend = shared if own is None else own_blend(public)
    if alone:
        shared, blend = without_merged(shared), without_merged(blend)
    return _Sources(
        item_ids, rows, verbs, limits, own, sequences, others, text, order, shared, blend, alone
    )


def _own(
    sequences: Sequences,
    size: int,
    limits: tuple[int, int, int],
    moments: NDArray[np.float64],
) -> OwnStatistics | None:
    pair_floor, learner_floor, most_items = limits
    return own_statistics(
        sequences,
        size,
        moments=moments,
        pair_floor=pair_floor,
        learner_floor=learner_floor,
        most_items=most_items,
    )


def _assemble(
    sources: _Sources,
    own: OwnStatistics | None,
    sequences: Sequences | None,
    mix: Mix | None = None,
) -> ServingModel:
    """Put the parts together."""
    others, size = sources.others, len(sources.item_ids)
    local = empty_pairs()
    if own is not None and sequences is not None:
        local = _fit_local(own, alone=sources.alone)
        if mix is not None and mix.ridge > 0:
            local = _mixed_pairs(local, ridge_weights(sequences, own, mix.ridge_memory), mix.ridge)
    visits = np.zeros(size) if own is None else own.visits
    return ServingModel(
        item_ids=sources.item_ids,
        local=local,
        text=sources.text,
        order=sources.order,
        own_popularity=popularity_part(visits),
        blend=blend_weights(sources.blend if mix is None else mix.weights),
        decay=DECAY if mix is None else mix.decay,
        shared_blend=blend_weights(sources.shared_blend),
        shared_decay=DECAY,
        **swarm_parts(others, own),
    )


def swarm_parts(others: Others, own: OwnStatistics | None) -> Mapping[str, Any]:
    """Fields of a serving model that the merged sums decide, its mix left as it is.

    Args:
        others: What the merged sums say.
        own: Own exact statistics.
    """
    everything, starts = others.shared_popularity, others.shared_starts
    if own is not None:
        scale = own.popularity.sum() / max(float(own.visits.sum()), 1.0)
        everything = scale * own.visits + others.popularity
        starts = others.starts_with(own.starts, own.length)
    return {
        "merged": with_own(others, own),
        "shared": others.shared,
        "merged_popularity": popularity_part(everything),
        "shared_popularity": popularity_part(others.shared_popularity),
        "starts": starts,
        "shared_starts": others.shared_starts,
    }


def _choose_mix(sources: _Sources, ties: str) -> Mix:
    """Weights, memory and way of solving by the platform's own hold-out."""
    default = default_mix(sources.blend, released=not sources.alone)
    if sources.rows is None or sources.own is None:
        return default
    # Where a ranking takes long fewer are drawn: a hold-out of 1,000 tells five weights well.
    most = MOST // 2 if len(sources.item_ids) > _MANY_ITEMS else MOST
    held = hold_out(sources.rows, sources.verbs, ties=ties, most=most)
    # Which pairs are above the floor is decided without the hold-out: it would tell of it.
    own = _own(held.remaining, len(sources.item_ids), sources.limits, sources.own.moments)
    if len(held.known) < FEWEST or own is None:
        return replace(default, holdouts=len(held.known))
    plain = _assemble(sources, own, held.remaining)
    candidates = {(0.0, 0.0): plain}
    for memory in MEMORIES:
        ridge = ridge_weights(held.remaining, own, memory)
        for share in RIDGE_SHARES:
            local = _mixed_pairs(plain.local, ridge, share)
            candidates[share, memory] = replace(plain, local=local)
    return fit_mix(candidates, held, default)


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
    if alone:
        gate = merged_gate(own.together, 0.0 * own.together, 0.0)
    else:
        gate = own_gate(own.together, own.unit)
    return PairPart(
        own.domain,
        weights.astype(np.float32),
        gate.astype(np.float32),
        (own.support >= PAIR_FLOOR).astype(np.uint8),
    )


def _mixed_pairs(part: PairPart, ridge: NDArray[np.float32], share: float) -> PairPart:
    """Own pairs with a share of their weight from the sequential ridge."""
    both = np.float32(1.0 - share) * _scaled(part.weights) + np.float32(share) * _scaled(ridge)
    return replace(part, weights=both.astype(np.float32))


def _scaled(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divided by the mean of the rows' largest, so that two matrices can be added."""
    largest = weights.max(axis=1, initial=0.0)
    mean = float(largest[largest > 0].mean()) if bool((largest > 0).any()) else 1.0
    scaled: NDArray[np.float32] = weights / np.float32(mean)
    return scaled
