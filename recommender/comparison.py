"""What merging gives each platform: alone, merged in each mode, and pooled.

The same learners' held-out items are ranked by each model. `local` with own exact statistics is the
strongest opponent: the platform's own non-private model, measured without R17's floor; its twin
with the floor is what the platform would really serve alone. Merged modes are given with own
exact statistics (floor kept) and without.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from recommender.catalogue import CatalogueItem
from recommender.comparison_network import network_records, pool_learners
from recommender.comparison_table import EVERYBODY, TableRow, learner_weighted, table_rows
from recommender.errors import EvaluationError
from recommender.evaluation import Split, evaluate, leave_last_out
from recommender.metrics import summarise
from recommender.models import NETWORK, STATISTICS, StatisticsModel, Training, fit_model
from recommender.statistics.fit import fit_mixed, fit_serving
from recommender.statistics.local import LEARNER_FLOOR, PAIR_FLOOR
from recommender.statistics.text import fit_text
from recommender.trial import (
    DELTA,
    Privacy,
    Sums,
    anchors_by_bracket,
    check_delta,
    choose_head,
    honest_contributors,
    largest_release,
    privacy_for,
    run_alone,
    run_open,
    run_pooled,
    run_secure,
    sum_platforms,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

    from recommender.evaluation import Scorer, Ties
    from recommender.interactions import Interactions
    from recommender.statistics.covariates import PriorKind
    from recommender.statistics.merged import MergedSums
    from recommender.statistics.serving_model import ServingModel
    from recommender.statistics.serving_parts import TextPart
    from recommender.trial import Round

MODES: tuple[str, ...] = ("local", "open", "secure", "pooled")


@dataclass(frozen=True, slots=True)
class Options:
    """How to compare.

    Attributes:
        verbs: Verbs that count.
        epsilons: Of one release each; infinite without privacy.
        modes: Some of `MODES`.
        baselines: Names of `recommender.models.BASELINES`, fitted on each platform alone.
        delta: Of one release.
        ties: See `recommender.evaluation.leave_last_out`.
        at: Cut-offs.
        seed: For splits, noise and samples.
        max_targets: At most this many targets a platform, drawn by the seed; None takes all.
        anchors: Names of anchors (R34); None proposes them by bracket.
        network: Whether pooled mode also trains and measures the network.
        prior: How merged pairs are denoised; without torch it is always plain deconvolution.
    """

    verbs: Sequence[str]
    epsilons: Sequence[float] = (4.0, math.inf)
    modes: Sequence[str] = MODES
    baselines: Sequence[str] = ()
    delta: Fraction = DELTA
    ties: Ties = "set"
    at: Sequence[int] = (5, 10)
    seed: int = 0
    max_targets: int | None = None
    anchors: Sequence[str] | None = None
    network: bool = False
    prior: PriorKind = "network"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything that the models of one comparison share.

    Attributes:
        names: Platforms.
        splits: Of each.
        entries: The shared catalogue, in the order of the items.
        text: Its text part.
        anchors: Names of anchors.
        options: How to compare.
        cache: By epsilon, exact sums over the head and the noise that goes on them.
    """

    names: tuple[str, ...]
    splits: tuple[Split, ...]
    entries: Sequence[CatalogueItem]
    text: TextPart
    anchors: tuple[str, ...]
    options: Options
    cache: dict[float, tuple[Sums, Privacy]] = field(default_factory=dict)

    def sums(self, epsilon: float) -> tuple[Sums, Privacy]:
        """Exact sums of all platforms, and the noise that goes on them."""
        if epsilon not in self.cache:
            train = [split.train for split in self.splits]
            privacy = privacy_for(epsilon, self.options.delta)
            head, left = choose_head(train, self.options.verbs, privacy, self.options.seed)
            known = next((sums for sums, _ in self.cache.values()), None)
            if known is None or not np.array_equal(known.head, head):
                known = sum_platforms(train, self.options.verbs, head)
            self.cache[epsilon] = (known, left)
        return self.cache[epsilon]


def prepare(
    platforms: Mapping[str, Interactions],
    catalogue: Sequence[CatalogueItem] | None,
    options: Options,
) -> Comparison:
    """Split every platform and check what is asked.

    Args:
        platforms: Rows by platform name, over one and the same `item_ids`.
        catalogue: Entries in the order of `item_ids`, or None.
        options: How to compare.

    Raises:
        EvaluationError: An option that cannot be (R15), or a platform with nothing to hold out.
    """
    _check(platforms, options)
    splits = [_split(name, rows, options) for name, rows in platforms.items()]
    item_ids = splits[0].train.item_ids
    entries = catalogue if catalogue is not None else [CatalogueItem(item) for item in item_ids]
    if tuple(entry.item for entry in entries) != item_ids:
        raise EvaluationError("the catalogue must list the platforms' items, in their order")
    anchors = options.anchors
    if anchors is None:
        anchors = anchors_by_bracket({n: len(p.learner_ids) for n, p in platforms.items()})
    return Comparison(
        tuple(platforms), tuple(splits), entries, fit_text(entries), tuple(anchors), options
    )


def _check(platforms: Mapping[str, Interactions], options: Options) -> None:
    unknown = [mode for mode in options.modes if mode not in MODES]
    if unknown:
        raise EvaluationError(f"unknown mode {unknown[0]!r}; known: {', '.join(MODES)}")
    if not platforms:
        raise EvaluationError("there is no platform to compare")
    if EVERYBODY in platforms:
        raise EvaluationError(f"no platform may be called {EVERYBODY!r}")
    for epsilon in options.epsilons:
        privacy_for(epsilon, options.delta)
    check_delta(options.delta, largest_release(platforms, options.modes))


def _split(name: str, rows: Interactions, options: Options) -> Split:
    try:
        split = leave_last_out(rows, options.verbs, ties=options.ties, seed=options.seed)
    except EvaluationError as error:
        raise EvaluationError(f"platform {name!r}: {error}") from error
    if options.max_targets is None:
        return split
    return split.sample(options.max_targets, options.seed)


def compare_platforms(
    platforms: Mapping[str, Interactions],
    catalogue: Sequence[CatalogueItem] | None,
    options: Options,
    on_record: Callable[[Mapping[str, object]], None] | None = None,
) -> list[dict[str, object]]:
    """Measure every platform in every mode at every epsilon.

    Args:
        platforms: Rows by platform name, over one and the same `item_ids`.
        catalogue: Entries in the order of `item_ids`, or None.
        options: How to compare.
        on_record: Called with each record as it is made.

    Returns:
        One record a platform, mode, epsilon and model, then the learner-weighted means under the
        platform name `*`.

    Raises:
        EvaluationError: See `prepare`.
    """
    comparison = prepare(platforms, catalogue, options)
    records = []
    for record in _records(comparison):
        records.append(record)
        if on_record is not None:
            on_record(record)
    return records + learner_weighted(records)


def compare_for_table(
    platforms: Mapping[str, Interactions],
    catalogue: Sequence[CatalogueItem] | None,
    options: Options,
    on_record: Callable[[Mapping[str, object]], None] | None = None,
) -> tuple[list[dict[str, object]], list[TableRow]]:
    """Measure what a table for readers shows, and lay it out.

    Popularity, course order, each platform alone, merged in open mode and pooled.

    Args:
        platforms: See `compare_platforms`, here and below.
        catalogue: Entries in the order of `item_ids`, or None.
        options: Modes and baselines are set here.
        on_record: Called with each record as it is made.

    Returns:
        The records, and the rows of the table.

    Raises:
        EvaluationError: See `prepare`.
    """
    shown = for_table(options)
    records = compare_platforms(platforms, catalogue, shown, on_record)
    return records, table_rows(records, max(shown.at))


def for_table(options: Options) -> Options:
    """The options with the table's modes and baselines."""
    return replace(
        options, modes=("local", "open", "pooled"), baselines=("popularity", "course-order")
    )


def count_records(platforms: int, options: Options) -> int:
    """How many records `compare_platforms` makes before the means, for a progress bar."""
    epsilons = len(options.epsilons)
    each = len(options.baselines)
    each += (2 + epsilons) * ("local" in options.modes)
    each += 2 * epsilons * ("open" in options.modes) + 2 * epsilons * ("secure" in options.modes)
    each += epsilons * (1 + options.network) * ("pooled" in options.modes)
    return platforms * each


def _records(comparison: Comparison) -> Iterator[dict[str, object]]:
    options = comparison.options
    for index in range(len(comparison.names)):
        for name in options.baselines:
            yield _baseline(comparison, index, name)
        if "local" in options.modes:
            yield from _alone(comparison, index)
    for epsilon in options.epsilons:
        for mode in options.modes:
            yield from _of_mode(comparison, mode, epsilon)


def _baseline(comparison: Comparison, index: int, name: str) -> dict[str, object]:
    options, split = comparison.options, comparison.splits[index]
    training = Training(split.train, options.verbs, comparison.entries, seed=options.seed)
    facts = _facts("local", name, privacy_for(math.inf, options.delta), own_exact=True, floor=False)
    try:
        return _measure(comparison, index, facts, fit_model(name, training))
    except EvaluationError as error:
        return {"platform": comparison.names[index], **facts, "error": str(error)}


def _alone(comparison: Comparison, index: int) -> Iterator[dict[str, object]]:
    """The platform's own exact model, without R17's floor and with it."""
    without = privacy_for(math.inf, comparison.options.delta)
    for floor in (False, True):
        facts = _facts("local", STATISTICS, without, own_exact=True, floor=floor)
        model = _fit_own(comparison, index, floor=floor)
        yield _measure(comparison, index, facts, StatisticsModel(model))


def _of_mode(comparison: Comparison, mode: str, epsilon: float) -> Iterator[dict[str, object]]:
    """All platforms' records of one mode at one epsilon."""
    options = comparison.options
    sums, left = comparison.sums(epsilon)
    privacy = privacy_for(epsilon, options.delta)
    facts = _facts(mode, STATISTICS, privacy, own_exact=False, floor=True)
    facts["sigma"] = math.sqrt(left.sigma_squared)
    if mode in {"local", "pooled"}:
        pooled = run_pooled(sums, left, options.seed) if mode == "pooled" else None
        for index in range(len(comparison.names)):
            seen = pooled or run_alone(sums, index, left, options.seed)
            model = _fit_shared(comparison, seen, sums.head)
            yield _measure(comparison, index, facts, StatisticsModel(model))
        if options.network and mode == "pooled":
            rows = pool_learners([split.train for split in comparison.splits])
            training = Training(
                rows, options.verbs, comparison.entries, epsilon, options.delta, options.seed
            )
            named, measure = {**facts, "model": NETWORK}, partial(_measure, comparison)
            yield from network_records(comparison.names, training, named, measure)
        return
    try:
        merged, told = _merge(comparison, mode, sums, left)
    except EvaluationError as error:
        for name in comparison.names:
            yield {"platform": name, **facts, "error": str(error)}
        return
    for index in range(len(comparison.names)):
        model = _fit_own(comparison, index, merged.seen_by(index), sums.head)
        with_own = {**facts, **told, "own_exact": True}
        yield _measure(comparison, index, with_own, StatisticsModel(model))
        yield _measure(comparison, index, {**facts, **told}, StatisticsModel(model.shared_only()))


def _merge(
    comparison: Comparison, mode: str, sums: Sums, privacy: Privacy
) -> tuple[Round, dict[str, object]]:
    """A round in open or secure mode, and what its records say about it."""
    contributors = len(comparison.names)
    if mode == "open":
        anchors = np.array([name in comparison.anchors for name in comparison.names])
        told = {"anchors": list(comparison.anchors), "honest_contributors": contributors}
        return run_open(sums, privacy, anchors, comparison.options.seed), told
    merged = run_secure(sums, privacy, comparison.options.seed)
    return merged, {"masks": "none", "honest_contributors": honest_contributors(contributors)}


def _facts(
    mode: str, model: str, privacy: Privacy, *, own_exact: bool, floor: bool
) -> dict[str, object]:
    """Fields by which records are told apart, and what the release promises."""
    return {
        "mode": mode,
        "own_exact": own_exact,
        "floor": floor,
        **privacy.record(),
        "model": model,
    }


def _fit_own(
    comparison: Comparison,
    index: int,
    seen: MergedSums | None = None,
    head: NDArray[np.int32] | None = None,
    *,
    floor: bool = True,
) -> ServingModel:
    """Fit as a platform would, with its own exact statistics and a mix from its hold-out."""
    options = comparison.options
    model, _ = fit_mixed(
        catalogue=comparison.entries,
        interactions=comparison.splits[index].train,
        verbs=options.verbs,
        head=head,
        merged=seen,
        pair_floor=PAIR_FLOOR if floor else 0,
        learner_floor=LEARNER_FLOOR if floor else 0,
        text=comparison.text,
        prior=options.prior,
        ties=options.ties,
    )
    return model


def _fit_shared(comparison: Comparison, seen: MergedSums, head: NDArray[np.int32]) -> ServingModel:
    """Fit from released sums alone."""
    return fit_serving(
        catalogue=comparison.entries,
        head=head,
        merged=seen,
        text=comparison.text,
        prior=comparison.options.prior,
    )


def _measure(
    comparison: Comparison, index: int, facts: Mapping[str, object], scorer: Scorer
) -> dict[str, object]:
    split, options = comparison.splits[index], comparison.options
    items = len(comparison.entries)
    outcome = evaluate(scorer, split, items, seed=options.seed, depth=max(options.at))
    return {
        "platform": comparison.names[index],
        **facts,
        "seed": options.seed,
        "learners": len(split.train.learner_ids),
        "items": items,
        "targets": outcome.targets,
        "skipped": split.skipped,
        "split": split.name,
        "ties": split.ties,
        **summarise(outcome, options.at),
    }
