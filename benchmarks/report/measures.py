"""What `benchmarks/report/make.py` measures: one function a question, each yielding steps.

A step is a measurement that is kept for itself; it may be left out if its records are there. A
record is one figure of one seed: `section`, `log`, `row`, `column`, `seed`, `value` (HR@10),
`error` (its standard error over learners), `ndcg`, `targets`. Everything runs on the code that the
product releases, merges and fits with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from recommender.comparison import Options, compare_platforms
from recommender.comparison_table import EVERYBODY, table_rows
from recommender.evaluation import Split, evaluate, leave_last_out
from recommender.metrics import Outcome, summarise
from recommender.models import STATISTICS, StatisticsModel, Training, fit_model
from recommender.statistics.blend import blend_weights
from recommender.statistics.cap import sum_and_rest
from recommender.statistics.fit import fit_mixed, fit_serving
from recommender.statistics.sequences import build_sequences, from_lists
from recommender.statistics.text import fit_text
from recommender.trial import Round, anchors_by_bracket, privacy_for, run_open, sum_platforms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.evaluation import Scorer, Ties
    from recommender.interactions import Interactions
    from recommender.statistics.sequences import Sequences
    from recommender.statistics.serving_parts import TextPart

    Fit = Callable[[], Scorer]

AT = 10
BASELINES: tuple[str, ...] = (
    *("popularity", "course-order", "item-knn", "markov", "ease"),
    *("als", "bpr", "gru4rec", "sasrec"),
)
EPSILON = 4.0
EPSILONS = (0.5, 1.0, 2.0, 4.0, 8.0, math.inf)
SIZES = (100, 300, 1_000, 3_000, 10_000)
TERMS = 4
HIDDEN_SHARE = 0.1
NEWCOMERS = 0.2

Record = dict[str, object]


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """A measurement.

    Attributes:
        name: What is measured, once in its section, log and seed.
        measure: Gives the records.
    """

    name: str
    measure: Callable[[], list[Record]]


@dataclass(frozen=True, eq=False)
class Log:
    """A public log, cut into platforms.

    Attributes:
        name: As tables show it.
        platforms: Rows by platform, over the items of `entries`.
        entries: The catalogue.
        verbs: Verbs that count.
        ties: What to do with a tied last moment.
        max_targets: At most so many targets, drawn by the seed.
    """

    name: str
    platforms: Mapping[str, Interactions]
    entries: Sequence[CatalogueItem]
    verbs: Sequence[str]
    ties: Ties
    max_targets: int = 5_000

    @property
    def items(self) -> int:
        """Number of items."""
        return len(self.entries)

    def pooled(self) -> Interactions:
        """All platforms' rows in one place; nobody is on two platforms."""
        return pool(self.platforms)

    def split(self, rows: Interactions, seed: int) -> Split:
        """Hold out each learner's last new item, of at most `max_targets` learners."""
        whole = leave_last_out(rows, self.verbs, ties=self.ties, seed=seed)
        return whole.sample(self.max_targets, seed)


def pool(platforms: Mapping[str, Interactions]) -> Interactions:
    """Rows of several platforms as those of one."""
    sets = list(platforms.values())
    starts = np.cumsum([0, *(len(each.learner_ids) for each in sets)])
    names = [f"{name}/{who}" for name, each in platforms.items() for who in each.learner_ids]
    columns = {
        column: np.concatenate([getattr(each, column) for each in sets])
        for column in ("item", "timestamp", "order", "verb", "score")
    }
    learner = [each.learner + start for each, start in zip(sets, starts, strict=False)]
    return replace(
        sets[0],
        learner_ids=tuple(names),
        learner=np.concatenate(learner).astype(np.int32),
        **columns,
    )


def only(rows: Interactions, kept: NDArray[np.bool_]) -> Interactions:
    """Some of the rows; learners and items keep their numbers."""
    columns = ("learner", "item", "timestamp", "order", "verb", "score")
    return replace(rows, **{name: getattr(rows, name)[kept] for name in columns})


def _record(section: str, log: Log, cell: tuple[str, str], seed: int, outcome: Outcome) -> Record:
    figures = summarise(outcome, (AT,))
    return {
        "section": section,
        "log": log.name,
        "row": cell[0],
        "column": cell[1],
        "seed": seed,
        "value": figures[f"hit_rate@{AT}"],
        "error": figures[f"hit_rate@{AT}_se"],
        "ndcg": figures[f"ndcg@{AT}"],
        "targets": outcome.targets,
    }


def _rank(log: Log, scorer: Scorer, split: Split, seed: int, among: object = None) -> Outcome:
    """Rank the split's targets; `among` holds other candidates by learner, None all items."""
    return evaluate(scorer, split, log.items, negatives=among, seed=seed, depth=AT)  # type: ignore[arg-type]


def _training(log: Log, rows: Interactions, epsilon: float, seed: int) -> Training:
    return Training(rows, log.verbs, log.entries, epsilon, seed=seed, ties=log.ties)


def say(epsilon: float) -> str:
    """An epsilon in words."""
    return "without privacy" if math.isinf(epsilon) else f"epsilon {epsilon:g}"


def _step(
    section: str, log: Log, row: str, splits: Mapping[str, Split], fit: Fit, seed: int
) -> Step:
    """Fit once and rank each column's split."""

    def measure() -> list[Record]:
        scorer = fit()
        return [
            _record(section, log, (row, column), seed, _rank(log, scorer, split, seed))
            for column, split in splits.items()
        ]

    return Step(", ".join([row, *splits]), measure)


def models(log: Log, seed: int) -> Iterator[Step]:
    """Every baseline of `evaluate` and ours on the pooled log, and ours at every epsilon."""
    split = log.split(log.pooled(), seed)
    plan = [*((name, math.inf) for name in BASELINES), *((STATISTICS, each) for each in EPSILONS)]
    for name, epsilon in plan:
        fit = _fit(log, name, split.train, epsilon, seed)
        yield _step("models", log, name, {say(epsilon): split}, fit, seed)


def learners(log: Log, seed: int) -> Iterator[Step]:
    """The same targets, learned from more and more other learners."""
    split = log.split(log.pooled(), seed)
    order = np.random.default_rng([seed, 41]).permutation(len(split.train.learner_ids))
    rank = np.argsort(order)
    sizes = [size for size in SIZES if size < order.size] + [order.size]
    for size in sizes:
        train = only(split.train, rank[split.train.learner] < size)
        ours = [(say(epsilon), STATISTICS, epsilon) for epsilon in (1.0, EPSILON, math.inf)]
        for label, name, epsilon in [*ours, *((n, n, math.inf) for n in ("popularity", "markov"))]:
            fit = _fit(log, name, train, epsilon, seed)
            yield _step("learners", log, label, {f"{size:,}": split}, fit, seed)


def platforms(log: Log, seed: int) -> Iterator[Step]:
    """Each platform alone, merged in both modes and pooled, as `murmuration compare` gives it."""
    yield Step("compare", partial(_compared, log, seed))


def _compared(log: Log, seed: int) -> list[Record]:
    options = Options(
        log.verbs,
        epsilons=(EPSILON, math.inf),
        baselines=("popularity", "course-order", "markov"),
        ties=log.ties,
        at=(AT,),
        seed=seed,
        max_targets=log.max_targets,
    )
    records = compare_platforms(log.platforms, log.entries, options)
    return [
        {
            "section": "platforms",
            "log": log.name,
            "row": row.label,
            "column": "all, by learners" if name == EVERYBODY else name,
            "seed": seed,
            "value": cell.value,
            "error": cell.standard_error,
            "targets": cell.targets,
        }
        for row in table_rows(records, AT)
        for name, cell in row.cells.items()
    ]


def rounds(log: Log, seed: int) -> Iterator[Step]:
    """New learners every term, one release each: sums add up, and so does the noise.

    A learner's term is that of the first event, terms of equal size on each platform. Own exact
    statistics are of the learners so far. The last column gives all learners in one release.
    """
    splits = {name: log.split(rows, seed) for name, rows in log.platforms.items()}
    train = [split.train for split in splits.values()]
    terms = [_terms(rows, seed) for rows in train]
    sizes = {name: len(rows.learner_ids) for name, rows in log.platforms.items()}
    anchors = np.array([name in anchors_by_bracket(sizes) for name in sizes])
    privacy, text = privacy_for(EPSILON), fit_text(log.entries)
    so_far: NDArray[np.int64] | None = None
    plan = [(f"{number + 1} terms" if number else "1 term", number) for number in range(TERMS)]
    for label, number in [*plan, ("all in one release", -1)]:
        now = [
            only(rows, (term[rows.learner] == number) | (number < 0))
            for rows, term in zip(train, terms, strict=True)
        ]
        merged = run_open(sum_platforms(now, log.verbs), privacy, anchors, 100 * seed + number + 1)
        if number >= 0:
            so_far = merged.contributions + (0 if so_far is None else so_far)
            total, rest = sum_and_rest(so_far, anchors)
            variance = (number + 1) * merged.variance
            merged = Round(merged.sums, so_far, total, rest, variance, anchors)
        for index, (name, split) in enumerate(splits.items()):
            until = (terms[index][split.train.learner] <= number) | (number < 0)
            fit = partial(
                _served,
                catalogue=log.entries,
                interactions=only(split.train, until),
                verbs=log.verbs,
                head=merged.sums.head,
                merged=merged.seen_by(index),
                text=text,
            )
            yield _step("rounds", log, name, {label: split}, fit, seed)


def _served(**sources: Any) -> StatisticsModel:  # noqa: ANN401 - those of `fit_serving`
    return StatisticsModel(fit_serving(**sources))


def _terms(rows: Interactions, seed: int) -> NDArray[np.int64]:
    """Each learner's term, by the first event, ties at random; int64, `(learners,)`."""
    first = np.full(len(rows.learner_ids), np.iinfo(np.int64).max)
    np.minimum.at(first, rows.learner, rows.timestamp)
    chance = np.random.default_rng([seed, 43]).random(first.size)
    place = np.argsort(np.lexsort((chance, first)))
    term: NDArray[np.int64] = place * TERMS // max(first.size, 1)
    return term


def new_items(log: Log, seed: int) -> Iterator[Step]:
    """A tenth of the items without any interaction: how often is a target among them found?"""
    split = log.split(log.pooled(), seed)
    rng = np.random.default_rng([seed, 47])
    hidden = np.zeros(log.items, dtype=bool)
    hidden[rng.choice(log.items, max(1, round(HIDDEN_SHARE * log.items)), replace=False)] = True
    train = only(split.train, ~hidden[split.train.item])
    new = _with_hidden_target(split, hidden)
    rivals = dict.fromkeys(new.learner.tolist(), np.flatnonzero(hidden).astype(np.int32))

    def measure(label: str, fit: Fit) -> list[Record]:
        scorer = fit()
        return [
            _record("new items", log, (label, column), seed, _rank(log, scorer, new, seed, among))
            for column, among in (("among new items", rivals), ("among all items", None))
        ]

    fits: dict[str, Fit] = {
        "catalogue order": _fit(log, "course-order", train, math.inf, seed),
        "text alone": partial(_text_alone, log),
        **_ours(log, train, seed),
    }
    for label, fit in fits.items():
        yield Step(label, partial(measure, label, fit))


def _fit(log: Log, name: str, train: Interactions, epsilon: float, seed: int) -> Fit:
    return partial(fit_model, name, _training(log, train, epsilon, seed))


def _ours(log: Log, train: Interactions, seed: int) -> dict[str, Fit]:
    return {
        f"our model, {say(epsilon)}": _fit(log, STATISTICS, train, epsilon, seed)
        for epsilon in (EPSILON, math.inf)
    }


def _text_alone(log: Log, text: TextPart | None = None) -> StatisticsModel:
    """What is known before anybody's data, less the catalogue's order."""
    model = fit_serving(catalogue=log.entries, text=text)
    return StatisticsModel(replace(model, blend=blend_weights({"text": 1.0})))


def _with_hidden_target(split: Split, hidden: NDArray[np.bool_]) -> Split:
    """Targets that hold a hidden item out, without hidden items in what is known."""
    size = len(split.known)
    out = [split.held_out.history(index) for index in range(size)]
    kept = [index for index in range(size) if hidden[out[index]].any()]
    known = [split.known.history(index) for index in kept]
    return replace(
        split,
        learner=split.learner[kept],
        known=from_lists([each[~hidden[each]] for each in known]),
        held_out=from_lists([out[index][hidden[out[index]]] for index in kept]),
    )


def new_learners(log: Log, seed: int) -> Iterator[Step]:
    """Learners that training never saw: their first item, the second, the third, the fourth."""
    rows = log.pooled()
    rng = np.random.default_rng([seed, 53])
    new = rng.random(len(rows.learner_ids)) < NEWCOMERS
    train = only(rows, ~new[rows.learner])
    ties = rng.integers(0, 2**63, len(rows), dtype=np.int64).astype(np.uint64)
    told = build_sequences(rows, log.verbs, ties)
    splits = {
        f"{known} known" if known else "no history": _next_item(rows, told, new, known).sample(
            log.max_targets, seed
        )
        for known in range(4)
    }

    def alone() -> StatisticsModel:
        own, _ = fit_mixed(
            catalogue=log.entries, interactions=train, verbs=log.verbs, ties=log.ties
        )
        return StatisticsModel(own)

    fits: dict[str, Fit] = {
        "popularity": _fit(log, "popularity", train, math.inf, seed),
        "catalogue order": _fit(log, "course-order", train, math.inf, seed),
        **_ours(log, train, seed),
        "our model, own statistics alone (R17)": alone,
    }
    for label, fit in fits.items():
        yield _step("new learners", log, label, splits, fit, seed)


def _next_item(rows: Interactions, told: Sequences, new: NDArray[np.bool_], known: int) -> Split:
    who = np.flatnonzero(new & (told.lengths() > known)).astype(np.int64)
    histories = [told.history(int(index)) for index in who]
    before = from_lists([each[:known] for each in histories])
    after = from_lists([each[known : known + 1] for each in histories])
    return Split(rows, who, before, after, 0, "next-item", "one")


def new_platform(log: Log, seed: int) -> Iterator[Step]:
    """A platform that has no data yet is served from what the others merged."""
    splits = {name: log.split(rows, seed) for name, rows in log.platforms.items()}
    text = fit_text(log.entries)
    for newcomer, split in splits.items():
        others = {name: each.train for name, each in splits.items() if name != newcomer}
        sizes = {name: len(rows.learner_ids) for name, rows in others.items()}
        anchors = np.array([name in anchors_by_bracket(sizes) for name in others])
        sums = sum_platforms(list(others.values()), log.verbs)
        column = {newcomer: split}
        fit: Fit = partial(_text_alone, log, text)
        yield _step("new platform", log, "text alone", column, fit, seed)
        for epsilon in (EPSILON, math.inf):
            merged = run_open(sums, privacy_for(epsilon), anchors, seed)
            seen = merged.seen_by_newcomer()
            fit = partial(
                _served, catalogue=log.entries, head=merged.sums.head, merged=seen, text=text
            )
            label = f"merged by the others, {say(epsilon)}"
            yield _step("new platform", log, label, column, fit, seed)
