"""Others' merged sums and a platform's own exact statistics in one solve.

The sums are denoised once; the part is solved from them for serving, and once more, with own
statistics that leave the hold-out out, for fitting the mix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import ModelError
from recommender.statistics.covariates import pair_context
from recommender.statistics.direction import split_directions
from recommender.statistics.gate import merged_gate
from recommender.statistics.local import PAIR_FLOOR
from recommender.statistics.merged import (
    Estimates,
    estimate,
    factual_pairs,
    noised_all,
    noised_others,
    noised_own,
)
from recommender.statistics.serving_parts import PairPart, empty_pairs
from recommender.statistics.solve import solve_weights
from recommender.statistics.starts import released_length, start_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.statistics.covariates import PairContext, PriorKind
    from recommender.statistics.local import OwnStatistics
    from recommender.statistics.merged import MergedSums, Noised
    from recommender.statistics.serving_parts import StartPart, TextPart


@dataclass(frozen=True, eq=False)
class Others:
    """What the swarm's model says, denoised.

    Attributes:
        head: Each item's place in the head, or -1; int32, `(items,)`.
        shared: The part from released sums alone (R18).
        shared_popularity: By item, from released sums alone; float64, `(items,)`.
        shared_starts: Where learners begin, from released sums alone.
        theirs: Estimates of the others' sums.
        sd: Noise sd of a cell of their together sums.
        noised: The others' sums before denoising.
        context: What the prior network may look at; None where pairs are denoised plainly.
        factual: Pairs that may be stated as facts (R18); bool, `(K, K)`.
    """

    head: NDArray[np.int32]
    shared: PairPart
    shared_popularity: NDArray[np.float64]
    shared_starts: StartPart
    theirs: Estimates
    noised: Noised | None
    context: PairContext | None
    factual: NDArray[np.bool_]

    @property
    def sd(self) -> float:
        """Noise sd of a cell of the others' together sums."""
        return 0.0 if self.noised is None else self.noised.together_sd

    @property
    def popularity(self) -> NDArray[np.float64]:
        """How popular the others' learners make each item; float64, `(items,)`."""
        return _at_items(self.theirs.popularity, self.head)

    def starts_with(self, own: NDArray[np.float64], length: float) -> StartPart:
        """Where the others' learners and own ones begin.

        Args:
            own: How often own learners begin with an item; float64, `(items,)`.
            length: Usual number of their items.
        """
        seen = np.zeros(1) if self.noised is None else self.noised.starts
        sd = 0.0 if self.noised is None else self.noised.starts_sd
        estimated = own + _at_items(self.theirs.starts, self.head)
        return start_part(estimated, own + _at_items(seen, self.head), sd, length)

    def knowing(self, own: OwnStatistics | None) -> Others:
        """The same, denoised again by the prior network looking at own exact pairs."""
        if own is None or self.context is None or self.noised is None:
            return self
        known = _pairs_over_head(own.together, own, self.head, self.factual.shape[0])
        theirs = estimate(self.noised, context=replace(self.context, own=known))
        return replace(self, theirs=theirs)


def nobody(size: int) -> Others:
    """Before the first merge, or without a swarm."""
    none, bare = np.zeros(0), np.zeros((0, 0))
    return Others(
        np.full(size, -1, dtype=np.int32),
        empty_pairs(),
        np.zeros(size),
        start_part(np.zeros(size), none, 0.0, 0.0),
        Estimates(bare, bare, np.zeros(1), np.zeros(1)),
        None,
        None,
        np.zeros((none.size, none.size), dtype=bool),
    )


def read_others(
    merged: MergedSums,
    head: NDArray[np.int32],
    catalogue: Sequence[CatalogueItem],
    text: TextPart,
    prior: PriorKind,
    known: Estimates | None = None,
) -> Others:
    """Denoise the merged sums without looking at own exact pairs: what may be shown (R18).

    Args:
        merged: HEAD as this platform sees it.
        head: Each item's place in the head, or -1; int32, `(items,)`.
        catalogue: The platform's items.
        text: Their likeness.
        prior: How pairs are denoised.
        known: What the platform's own contribution was denoised to before, to save time.

    Raises:
        ModelError: `head` does not fit.
    """
    size = merged.manifest.items
    _check_head(head, len(catalogue), size)
    context = pair_context(catalogue, text, head, size) if prior == "network" else None
    others, mine = noised_others(merged), noised_own(merged)
    factual = factual_pairs(others, mine)
    theirs = everything = estimate(others, context=context)
    seen = noised_all(merged)
    if mine is not None:
        everything = _add(theirs, known or estimate(mine, context=context))
    return Others(
        head,
        _solve_part(_nothing(size), everything, others.together_sd, factual, head),
        _at_items(everything.popularity, head),
        start_part(
            _at_items(everything.starts, head), seen.starts, seen.starts_sd, released_length(seen)
        ),
        theirs,
        others,
        context,
        factual,
    )


def with_own(others: Others, own: OwnStatistics | None) -> PairPart:
    """Solve from the others' sums together with own exact statistics.

    Args:
        others: What the swarm's model says.
        own: Own exact statistics; None solves from released sums alone.
    """
    if own is None or others.head.max(initial=-1) < 0:
        return others.shared
    size = others.factual.shape[0]
    known = _own_over_head(own, others.head, size)
    support = _pairs_over_head(own.support, own, others.head, size)
    factual = others.factual | (support >= PAIR_FLOOR)
    return _solve_part(known, others.theirs, others.sd, factual, others.head)


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
    popularity, starts = np.zeros(size), np.zeros(size)
    shared = np.flatnonzero(head >= 0)
    np.add.at(popularity, head[shared], own.popularity[shared])
    np.add.at(starts, head[shared], own.starts[shared])
    return Estimates(
        _pairs_over_head(own.together, own, head, size),
        _pairs_over_head(own.direction, own, head, size),
        popularity,
        starts,
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
        first.starts + second.starts,
    )


def _nothing(size: int) -> Estimates:
    square = np.zeros((size, size))
    return Estimates(square, square, np.zeros(size), np.zeros(size))


def _at_items(values: NDArray[np.float64], head: NDArray[np.int32]) -> NDArray[np.float64]:
    return np.where(head >= 0, values[np.maximum(head, 0)], 0.0)


def _check_head(head: NDArray[np.int32], size: int, shared: int) -> None:
    if head.shape != (size,):
        raise ModelError(f"head has {head.size} entries, expected one for each of {size} items")
    if head.size and (int(head.min()) < -1 or int(head.max()) >= shared):
        raise ModelError(f"head points outside the shared catalogue's {shared} items")
