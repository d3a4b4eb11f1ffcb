"""What must hold for any catalogue, model, history and request: a path keeps its promises."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.catalogue import CatalogueItem
from recommender.paths.build import build_path
from recommender.paths.catalogue import PathCatalogue
from recommender.paths.request import HistoryEntry, PathRequest, read_history
from recommender.statistics.serving_model import PARTS, PairPart, ServingModel, TextPart
from recommender.statistics.serving_parts import StartPart

NOW = 1_000_000.0
COUNT = 9
IDS = tuple(f"i{number}" for number in range(COUNT))
SKILLS = ("s0", "s1", "s2")
FAST = settings(max_examples=80, deadline=None, derandomize=True)
CHAIN_CODES = {"prerequisite_of", "skill_for"}


@st.composite
def items(draw, number):
    return CatalogueItem(
        item=IDS[number],
        title=draw(st.sampled_from(["", "A title"])),
        course=draw(st.sampled_from(["x", "y"])),
        position=draw(st.none() | st.integers(0, 5)),
        duration_minutes=draw(st.none() | st.sampled_from([5.0, 20.0, 45.0])),
        skills=tuple(draw(st.lists(st.sampled_from(SKILLS), max_size=1))),
        prerequisites=tuple(draw(st.lists(st.sampled_from(IDS + SKILLS), max_size=2))),
        hidden=draw(st.sampled_from([False, False, False, True])),
    )


CATALOGUES = st.tuples(*(items(number) for number in range(COUNT))).map(PathCatalogue)
FREE = st.just(PathCatalogue([CatalogueItem(name) for name in IDS]))
HISTORIES = st.lists(
    st.builds(
        HistoryEntry,
        item=st.sampled_from((*IDS, "elsewhere")),
        timestamp=st.integers(0, 99),
        verb=st.sampled_from(["viewed", "completed", "failed", "enrolled"]),
    ),
    max_size=6,
)


@st.composite
def models(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))

    def pairs(known):
        weights = rng.random((known.size, known.size)) * (rng.random((known.size,) * 2) < 0.5)
        np.fill_diagonal(weights, 0.0)
        return PairPart(
            items=known.astype(np.int32),
            weights=weights.astype(np.float32),
            gate=rng.random(known.size).astype(np.float32),
            factual=(rng.random((known.size, known.size)) < 0.5).astype(np.uint8),
        )

    model = ServingModel(
        item_ids=IDS[::-1],
        merged=pairs(np.arange(COUNT)),
        shared=pairs(np.array([0, 2, 3, 8])),
        local=pairs(np.array([1, 3, 4, 7])),
        text=TextPart(
            rng.integers(0, COUNT, (COUNT, 3)).astype(np.int32),
            rng.random((COUNT, 3)).astype(np.float32),
        ),
        order=TextPart(
            rng.integers(0, COUNT, (COUNT, 4)).astype(np.int32),
            rng.random((COUNT, 4)).astype(np.float32),
        ),
        own_popularity=rng.random(COUNT).astype(np.float32),
        merged_popularity=rng.random(COUNT).astype(np.float32),
        starts=StartPart(rng.random(COUNT).astype(np.float32), np.array([0.5], np.float32)),
        shared_starts=StartPart(np.zeros(COUNT, np.float32), np.zeros(1, np.float32)),
        shared_popularity=rng.random(COUNT).astype(np.float32),
        blend=np.array(
            draw(
                st.sampled_from([(3.6, 3.3, 0.7, 0.2, 0.1, 0.1, 0.5, 0), (1, 1, 1, 1, 1, 1, 1, 0)])
            ),
            dtype=np.float32,
        ),
        decay=0.7,
        shared_blend=np.array((3.6, 0, 0.4, 0.2, 0, 0.1, 0.5, 0), dtype=np.float32),
        shared_decay=0.7,
    )
    return model.shared_only() if draw(st.booleans()) else model


REQUESTS = st.builds(
    PathRequest,
    now=st.just(NOW),
    limit=st.integers(1, 8),
    minutes=st.none() | st.sampled_from([10.0, 50.0, 90.0]),
    course=st.sampled_from([None, None, "x"]),
    goal_items=st.frozensets(st.sampled_from(IDS), max_size=1),
    exclude=st.frozensets(st.sampled_from(IDS), max_size=2),
    pinned=st.frozensets(st.sampled_from(IDS), max_size=1),
    follow=st.booleans(),
    list_excluded=st.just(True),
)


@FAST
@given(st.none() | models(), CATALOGUES, HISTORIES, REQUESTS)
def test_nothing_is_repeated_and_nothing_done_hidden_or_excluded_is_served(
    model, catalogue, history, request
):
    path = build_path(model, catalogue, history, request)
    steps = [step.item for step in path.steps]
    assert len(set(steps)) == len(steps) <= request.limit
    assert [step.rank for step in path.steps] == list(range(1, len(steps) + 1))
    assert not set(steps) & (read_history(history, "items").finished | request.exclude)
    assert not any(catalogue.items[catalogue.index[name]].hidden for name in steps)
    assert not set(steps) & {entry.item for entry in path.excluded}


@FAST
@given(st.none() | models(), CATALOGUES, HISTORIES, REQUESTS)
def test_every_prerequisite_is_done_or_an_earlier_step(model, catalogue, history, request):
    path = build_path(model, catalogue, history, request)
    met = set(read_history(history, "items").finished)
    for name in [name for name in met if name in catalogue.index]:
        met |= set(catalogue.items[catalogue.index[name]].skills)
    before = frozenset(met)
    for step in path.steps:
        item = catalogue.items[catalogue.index[step.item]]
        assert set(item.prerequisites) <= met
        assert [need.met for need in step.prerequisites] == [
            need in before for need in item.prerequisites
        ]
        met |= {item.item, *item.skills}


@FAST
@given(st.none() | models(), CATALOGUES, HISTORIES, REQUESTS)
def test_known_minutes_never_pass_the_limit(model, catalogue, history, request):
    path = build_path(model, catalogue, history, request)
    spent = [step.minutes for step in path.steps]
    if request.minutes is not None:
        assert sum(minutes or 0.0 for minutes in spent) <= request.minutes
        # Unknown durations are served only where none is known.
        assert None not in spent or set(spent) == {None}


@FAST
@given(st.none() | models(), CATALOGUES, HISTORIES, REQUESTS)
def test_complete_means_that_nothing_within_the_bounds_is_left(model, catalogue, history, request):
    path = build_path(model, catalogue, history, request)
    assert not (path.complete and path.steps)
    if path.complete:
        assert {entry.code for entry in path.excluded} <= {
            "hidden", "excluded", "other_course", "not_for_goal", "done",
        }  # fmt: skip
    if not path.steps and not path.complete:
        assert path.warnings


@FAST
@given(models(), CATALOGUES, HISTORIES, REQUESTS)
def test_the_first_reason_names_the_part_that_moved_the_item_most(
    model, catalogue, history, request
):
    path = build_path(model, catalogue, history, request)
    standing = list(read_history(history, "items").visited)
    chain: list[str] = []
    for step in path.steps:
        known = [model.item_ids.index(name) for name in standing if name in model.item_ids]
        codes = [reason.code for reason in step.reasons]
        assert (codes[0] == "pinned") == (step.item in request.pinned)
        _check_part_reason(model, known, step)
        chain.append(step.item)
        if not CHAIN_CODES & set(codes):
            # The chain is placed; only now is the model asked again.
            standing += [name for name in chain if request.follow and name not in standing]
            chain = []


def _check_part_reason(model, known, step):
    first = next(r for r in step.reasons if r.code not in {"pinned", *CHAIN_CODES})
    place = model.item_ids.index(step.item)
    scored = model.score(known).parts
    added = {name: float(scored[name][place]) for name in PARTS}
    assert step.parts == added
    if first.code == "course_order":
        assert not any(added.values())
        return
    assert added[first.params["part"]] == max(added.values()) > 0
    if first.params["part"] in {"merged", "local", "text"}:
        _check_history_item(model, known, place, first)


def _check_history_item(model, known, place, reason):
    """Recompute from the arrays which item of the history speaks most, and how surely."""
    weight = model.decay ** np.arange(len(known) - 1, -1, -1)
    spoken, factual = [], []
    part = getattr(model, reason.params["part"])
    for index, source in enumerate(known):
        if reason.params["part"] == "text":
            matches = part.neighbours[source] == place
            spoken.append(weight[index] * part.weights[source][matches].sum())
            factual.append(False)
            continue
        inside = part.items.tolist()
        if source in inside and place in inside:
            cell = inside.index(source), inside.index(place)
            spoken.append(weight[index] * part.gate[cell[0]] * part.weights[cell])
            factual.append(bool(part.factual[cell]))
        else:
            spoken.append(0.0)
            factual.append(False)
    named = known.index(model.item_ids.index(reason.params["because"]))
    assert np.isclose(spoken[named], max(spoken))
    assert reason.code.endswith("_also") == factual[named]


@FAST
@given(models(), FREE, HISTORIES, st.integers(1, COUNT))
def test_free_of_bounds_the_path_is_the_top_of_the_ranking(model, catalogue, history, limit):
    path = build_path(model, catalogue, history, PathRequest(now=NOW, limit=limit, follow=False))
    done = read_history(history, "items")
    known = [model.item_ids.index(name) for name in done.visited if name in model.item_ids]
    total = dict(zip(model.item_ids, model.score(known).total.tolist(), strict=True))
    left = sorted((name for name in IDS if name not in done.finished), key=lambda n: -total[n])
    assert np.allclose(
        [step.score for step in path.steps], [total[name] for name in left[:limit]], rtol=1e-5
    )


@FAST
@given(models(), CATALOGUES, HISTORIES, REQUESTS)
def test_the_same_question_has_the_same_answer(model, catalogue, history, request):
    assert build_path(model, catalogue, history, request) == build_path(
        model, PathCatalogue(catalogue.items), history, request
    )
