from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from recommender.catalogue import CatalogueItem
from recommender.paths.build import build_path
from recommender.paths.catalogue import PathCatalogue
from recommender.paths.request import HistoryEntry, PathRequest
from recommender.paths.standing import stand

NOW = 1_700_000_000.0


@dataclass(frozen=True)
class Scored:
    parts: dict[str, np.ndarray]


@dataclass(frozen=True)
class Said:
    history_index: int
    factual: bool


@dataclass(frozen=True)
class Table:
    """A model that can be read off: fixed popularity, and what follows what."""

    item_ids: tuple[str, ...]
    popularity: dict[str, float] = field(default_factory=dict)
    follows: dict[tuple[str, str], float] = field(default_factory=dict)
    factual: bool = False
    own: dict[str, float] = field(default_factory=dict)
    part: str = "merged"
    silent: bool = False

    def score(self, history):
        names = [self.item_ids[index] for index in history]
        pairs = [
            sum(self.follows.get((name, item), 0.0) for name in names) for item in self.item_ids
        ]
        parts = {
            self.part: pairs,
            "own_popularity": [self.own.get(item, 0.0) for item in self.item_ids],
            "merged_popularity": [self.popularity.get(item, 0.0) for item in self.item_ids],
        }
        return Scored({name: np.array(part, dtype=np.float32) for name, part in parts.items()})

    def explain(self, history, item):
        strengths = [
            self.follows.get((self.item_ids[index], self.item_ids[item]), 0.0) for index in history
        ]
        if self.silent or max(strengths, default=0.0) <= 0:
            return {}
        return {self.part: Said(int(np.argmax(strengths)), self.factual)}


def item(name, **facts) -> CatalogueItem:
    return CatalogueItem(name, title=name.upper(), **facts)


def path(items, model=None, history=(), **bounds):
    entries = [h if isinstance(h, HistoryEntry) else HistoryEntry(h) for h in history]
    request = PathRequest(now=NOW, **bounds)
    return build_path(model, PathCatalogue(items), entries, request)


def names(found) -> list[str]:
    return [step.item for step in found.steps]


ABC = [item("a"), item("b"), item("c")]
IDS = ("a", "b", "c")


def test_the_best_item_comes_first_and_each_step_counts_as_done():
    model = Table(IDS, {"a": 1.0}, {("a", "c"): 5.0})
    assert names(path(ABC, model)) == ["a", "c", "b"]
    assert names(path(ABC, model, follow=False)) == ["a", "b", "c"]


def test_what_is_done_is_not_recommended_again():
    assert names(path(ABC, Table(IDS, {"b": 9.0}), ["b"])) == ["a", "c"]


def test_a_failed_item_is_in_the_models_history_once():
    model = Table(IDS, {"a": 1.0}, {("a", "c"): 5.0})
    again = path(ABC, model, [HistoryEntry("a", 1, "failed")], limit=2)
    assert names(again) == ["c", "a"]
    popular = replace(model, popularity={"a": 9.0})
    again = path(ABC, popular, [HistoryEntry("a", 1, "failed")], limit=2)
    assert [(step.item, step.score) for step in again.steps] == [("a", 9.0), ("c", 5.0)]


def test_times_decide_the_order_of_the_history():
    model = Table(IDS, follows={("a", "c"): 1.0, ("b", "c"): 1.0})
    found = path(ABC, model, [HistoryEntry("b", 2), HistoryEntry("a", 1)])
    # Equal strengths: the model names the first, so the order shows.
    assert found.steps[0].reasons[0].params["because"] == "a"
    unknown = path(ABC, model, [HistoryEntry("b", None), HistoryEntry("a", 1)])
    assert unknown.steps[0].reasons[0].params["because"] == "b"


def test_an_unknown_learner_gets_popularity_and_then_the_catalogues_order():
    found = path(ABC, Table(IDS, {"c": 1.0}))
    assert found.fallback
    assert names(found) == ["c", "a", "b"]
    assert [step.reasons[0].code for step in found.steps] == [
        "merged_popularity", "course_order", "course_order",
    ]  # fmt: skip


def test_without_a_model_the_catalogues_order_decides():
    items = [item("a", course="x", position=2), item("b", course="x", position=1), item("c")]
    found = path(items, history=["elsewhere"])
    assert found.fallback
    assert names(found) == ["b", "a", "c"]
    assert found.steps[0].reasons[0].text == "“B” comes next in the catalogue's own order."


def test_a_known_learner_is_no_fallback():
    assert not path(ABC, Table(IDS), ["a"]).fallback


def test_a_row_the_model_does_not_know_has_nothing_behind_it():
    standing = stand(Table(("b",)), PathCatalogue(ABC), ["b"])
    assert standing.because_of(0) == {}


def test_items_the_model_does_not_know_come_after_those_it_scores():
    assert names(path(ABC, Table(("c",), {"c": 1.0}))) == ["c", "a", "b"]


def test_a_prerequisite_is_placed_before_what_needs_it():
    items = [item("a", prerequisites=("b",)), item("b", prerequisites=("c",)), item("c")]
    found = path(items, Table(IDS, {"a": 9.0}))
    assert names(found) == ["c", "b", "a"]
    assert found.steps[0].reasons[0].text == "“C” comes before “B”, which needs it."
    assert found.steps[1].reasons[0].params["for"] == "a"
    assert found.steps[2].prerequisites[0].met is False


def test_a_needed_skill_is_taught_by_the_best_item_that_teaches_it():
    items = [
        item("a", prerequisites=("s",)),
        item("weak", skills=("s",)),
        item("good", skills=("s",)),
    ]
    found = path(items, Table(("a", "weak", "good"), {"a": 9.0, "good": 2.0, "weak": 1.0}))
    assert names(found) == ["good", "a", "weak"]
    assert found.steps[0].reasons[0].text == "“GOOD” teaches “s”, which “A” needs."


def test_another_teacher_is_tried_where_the_best_cannot_be_placed():
    items = [
        item("a", prerequisites=("s",)),
        item("good", skills=("s",), prerequisites=("first", "locked")),
        item("weak", skills=("s",)),
        item("locked", hidden=True),
        item("first"),
    ]
    found = path(items, Table(("a", "good"), {"a": 9.0, "good": 2.0}))
    assert names(found) == ["weak", "a", "first"]


def test_a_shared_prerequisite_is_placed_once():
    items = [item("a", prerequisites=("b", "c")), item("b", prerequisites=("d",)),
             item("c", prerequisites=("d",)), item("d")]  # fmt: skip
    assert names(path(items, Table(("a",), {"a": 1.0}))) == ["d", "b", "c", "a"]


def test_a_chain_longer_than_the_path_is_left_out():
    items = [item("a", prerequisites=("b",)), item("b", prerequisites=("c",)), item("c"),
             item("d")]  # fmt: skip
    found = path(items, Table(("a", "d"), {"a": 9.0}), limit=2, list_excluded=True)
    assert names(found)[0] != "a"
    wide = [item("a", prerequisites=("b", "c")), item("b"), item("c")]
    assert "a" not in names(path(wide, Table(("a",), {"a": 9.0}), limit=2))


def test_the_minutes_of_all_steps_stay_within_the_limit():
    items = [item("a", duration_minutes=40), item("b", duration_minutes=50),
             item("c", duration_minutes=20), item("d")]  # fmt: skip
    found = path(items, Table(("a", "b", "c", "d"), {"a": 3, "b": 2, "c": 1, "d": 9}), minutes=60,
                 list_excluded=True)  # fmt: skip
    assert names(found) == ["a", "c"]
    assert {entry.item: entry.code for entry in found.excluded} == {
        "b": "minutes",
        "d": "duration_unknown",
    }


def test_prerequisites_count_into_the_minutes():
    items = [item("a", duration_minutes=40, prerequisites=("b",)), item("b", duration_minutes=30)]
    assert names(path(items, Table(IDS, {"a": 9.0}), minutes=60)) == ["b"]
    found = path(items, Table(IDS, {"a": 9.0}), minutes=60, list_excluded=True)
    assert [(entry.item, entry.code) for entry in found.excluded] == [("a", "minutes")]


def test_a_pinned_item_comes_first_and_says_so():
    found = path(ABC, Table(IDS, {"a": 1.0}), pinned=frozenset({"c"}))
    assert names(found) == ["c", "a", "b"]
    assert [step.pinned for step in found.steps] == [True, False, False]
    assert found.steps[0].reasons[0].text == "A learning designer put “C” first."


def test_history_known_to_the_model_but_no_longer_in_the_catalogue_still_speaks():
    model = Table(("old", "b"), follows={("old", "b"): 1.0})
    found = path(ABC, model, ["old"])
    assert not found.warnings
    assert found.steps[0].reasons[0].text == "The swarm estimates that “old” and “B” go together."


@pytest.mark.parametrize(
    ("part", "factual", "text"),
    [
        ("merged", True, "Across the swarm, learners who worked on “A” also worked on “B”."),
        ("merged", False, "The swarm estimates that “A” and “B” go together."),
        ("local", True, "Here, learners who worked on “A” also worked on “B”."),
        ("local", False, "This platform estimates that “A” and “B” go together."),
        ("text", False, "“B” resembles “A” in its title, description or publisher."),
    ],
)
def test_a_fact_is_stated_only_where_the_evidence_allows(part, factual, text):
    model = Table(IDS, follows={("a", "b"): 1.0}, factual=factual, part=part)
    reason = path(ABC, model, ["a"], limit=1).steps[0].reasons[0]
    assert reason.text == text
    assert (reason.params["part"], reason.params["because"]) == (part, "a")


@pytest.mark.parametrize(
    ("known", "moved", "text"),
    [
        ("a", "c", "“C” comes soon after “A” in the catalogue's own order."),
        ("c", "b", "“B” comes just before “C” in the catalogue's own order."),
    ],
)
def test_the_catalogues_order_says_on_which_side_of_what_is_known_an_item_stands(
    known, moved, text
):
    model = Table(IDS, follows={(known, moved): 1.0}, part="order")
    reason = path(ABC, model, [known], limit=1).steps[0].reasons[0]
    assert (reason.text, reason.params["because"]) == (text, known)


@pytest.mark.parametrize("part", ["merged", "local", "text", "order"])
def test_a_model_that_cannot_say_why_gets_a_reason_without_an_item(part):
    model = Table(IDS, follows={("a", "b"): 1.0}, part=part, silent=True)
    assert path(ABC, model, ["a"], limit=1).steps[0].reasons[0].code == f"{part}_history"


def test_courses_are_taken():
    items = [item(name, type="course") for name in IDS]
    model = Table(IDS, follows={("a", "b"): 1.0}, factual=True)
    reason = path(items, model, ["a"], recommend="courses").steps[0].reasons[0]
    assert reason.text == "Across the swarm, learners who took “A” also took “B”."


def test_a_re_ranked_item_says_so_and_names_no_item_of_the_history():
    model = Table(IDS, {"b": 0.1}, {("a", "b"): 2.0}, part="reranker")
    reason = path(ABC, model, ["a"], limit=1).steps[0].reasons[0]
    assert reason.code == "reranker"
    assert "because" not in reason.params
    assert reason.text == "What learners here do after items like the last ones moved “B” up."


def test_the_largest_part_is_named_first_and_small_ones_are_not_mentioned():
    model = Table(IDS, {"b": 0.5}, {("a", "b"): 2.0}, own={"b": 0.4})
    step = path(ABC, model, ["a"], limit=1).steps[0]
    assert [reason.code for reason in step.reasons] == ["merged_together", "merged_popularity"]
    assert step.parts == pytest.approx(
        {"merged": 2.0, "own_popularity": 0.4, "merged_popularity": 0.5}
    )
    assert step.score == pytest.approx(2.9)
