from __future__ import annotations

import pytest

from recommender.catalogue import CatalogueItem
from recommender.paths.build import build_path
from recommender.paths.catalogue import PathCatalogue
from recommender.paths.request import HistoryEntry, PathRequest

NOW = 1_700_000_000.0
IDS = ("a", "b", "c")


def item(name, **facts) -> CatalogueItem:
    return CatalogueItem(name, title=name.upper(), **facts)


ABC = [item(name) for name in IDS]


def path(items, history=(), **bounds):
    """A path without a model: the bounds alone."""
    entries = [h if isinstance(h, HistoryEntry) else HistoryEntry(h) for h in history]
    return build_path(None, PathCatalogue(items), entries, PathRequest(now=NOW, **bounds))


def names(found) -> list[str]:
    return [step.item for step in found.steps]


def test_a_failed_item_is_recommended_again_until_it_is_passed():
    failed = [HistoryEntry("a", 1, "viewed"), HistoryEntry("a", 2, "failed")]
    assert "a" in names(path(ABC, history=failed))
    assert "a" not in names(path(ABC, history=[*failed, HistoryEntry("a", 3, "passed")]))
    assert "a" in names(path(ABC, history=[*failed, HistoryEntry("a", 3, "viewed")]))


def test_complete_when_everything_is_done():
    found = path(ABC, history=IDS)
    assert (found.steps, found.complete, found.warnings) == ((), True, ())


def test_an_empty_catalogue_is_not_complete():
    found = path([])
    assert (found.steps, found.complete) == ((), False)
    assert found.warnings == ("No item is within the bounds asked for.",)


def test_hidden_and_closed_items_are_never_served():
    items = [
        item("hidden", hidden=True),
        item("later", available_from="2023-11-15"),
        item("over", available_until="2023-11-13"),
        item("today", available_from="2023-11-14T00:00:00Z", available_until="2023-11-14"),
        item("odd", available_from="soon"),
    ]
    found = path(items, list_excluded=True)
    assert names(found) == ["today"]
    assert {entry.item: entry.code for entry in found.excluded} == {
        "hidden": "hidden",
        "later": "not_available",
        "over": "not_available",
        "odd": "availability_unreadable",
    }


def test_excluded_items_are_left_out():
    found = path(ABC, exclude=frozenset({"a", "nowhere"}), list_excluded=True)
    assert names(found) == ["b", "c"]
    assert [(entry.item, entry.text) for entry in found.excluded] == [
        ("a", "Excluded by the request.")
    ]


def test_the_language_asked_for_and_items_without_one():
    items = [item("en", language="en-GB"), item("de", language="de"), item("none"),
             item("enm", language="enm")]  # fmt: skip
    assert names(path(items, language="EN")) == ["en", "none"]


def test_courses_are_recommended_only_where_they_are_the_items():
    items = [item("x", type="course"), item("a", course="x")]
    assert names(path(items)) == ["a"]
    assert names(path(items, recommend="courses")) == ["x"]
    assert names(path(items, recommend="courses", course="x")) == ["x"]


def test_an_enrolment_is_a_visit_only_where_courses_are_the_items():
    items = [item("x", type="course"), item("y", type="course")]
    assert names(path(items, [HistoryEntry("x", 1, "enrolled")], recommend="courses")) == ["y"]
    inside = [item("a", course="x"), item("x", type="course")]
    assert names(path(inside, [HistoryEntry("x", 1, "enrolled")])) == ["a"]


def test_leaving_a_course_takes_the_enrolment_back():
    inside = [item("a", course="x"), item("b", course="y"), item("x", type="course")]
    joined, left = HistoryEntry("x", 1, "enrolled"), HistoryEntry("x", 2, "unenrolled")
    assert names(path(inside, [joined])) == ["a"]
    assert names(path(inside, [joined, left])) == ["a", "b"]


def test_an_item_may_come_once_its_prerequisite_is_a_step():
    items = [item("b"), item("c"), item("a", prerequisites=("b", "s")), item("d", skills=("s",))]
    assert names(path([*items[:2], items[3], items[2]])) == ["b", "c", "d", "a"]


def test_without_a_course_the_learners_own_courses_bound_the_path():
    items = [item("a", course="x"), item("b", course="x"), item("c", course="y"), item("d")]
    assert names(path(items)) == ["a", "b", "c", "d"]
    assert names(path(items, history=["a"])) == ["b"]
    assert names(path(items, history=[HistoryEntry("y", 1, "enrolled")])) == ["c"]
    assert names(path(items, courses=frozenset({"y", "gone"}))) == ["c"]
    assert names(path(items, courses=frozenset({"gone"}))) == ["a", "b", "c", "d"]
    assert names(path(items, course="y", history=["a"])) == ["c"]


def test_a_prerequisite_that_is_done_is_met():
    found = path(
        [item("a", prerequisites=("z", "s")), item("b", skills=("s",))], history=["z", "b"]
    )
    assert names(found) == ["a"]
    assert [(need.id, need.is_item, need.met) for need in found.steps[0].prerequisites] == [
        ("z", False, True),
        ("s", False, True),
    ]


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([item("a", prerequisites=("b",)), item("b", hidden=True)], "prerequisite_missing"),
        ([item("a", prerequisites=("nothing",))], "prerequisite_missing"),
        ([item("a", prerequisites=("b",)), item("b", prerequisites=("a",))], "prerequisite_cycle"),
        ([item("a", prerequisites=("a",))], "prerequisite_cycle"),
    ],
)
def test_an_item_whose_prerequisites_cannot_be_met_is_left_out_with_the_reason(items, code):
    found = path(items, list_excluded=True)
    assert not found.steps
    assert not found.complete
    assert found.excluded[0].code == code
    assert found.warnings == ("Nothing can be recommended before its prerequisites are met.",)


def test_the_missing_prerequisite_is_named():
    found = path([item("a", prerequisites=("s",))], list_excluded=True)
    assert found.excluded[0].text == "Needs “s” first, which cannot be recommended here."


def test_tangled_prerequisites_end_the_search_and_not_the_program():
    layers = [
        item(f"{layer}-{number}", skills=(f"s{layer}",), prerequisites=(f"s{layer + 1}",))
        for layer in range(20)
        for number in range(4)
    ]
    top = item("top", prerequisites=("s0",))
    found = path([top, *layers], limit=50, list_excluded=True)
    assert not found.steps
    assert found.excluded[0].code == "prerequisite_tangle"


def test_too_little_time_is_no_completion():
    found = path([item("a", duration_minutes=40)], minutes=10)
    assert (found.steps, found.complete) == ((), False)
    assert found.warnings == ("Nothing fits the time given.",)


def test_a_limit_of_time_is_not_applied_where_no_duration_is_known():
    found = path(ABC, minutes=10)
    assert len(found.steps) == 3
    assert found.steps[0].minutes is None
    assert "not applied" in found.warnings[0]


def test_a_duration_that_cannot_be_is_unknown():
    items = [item("a", duration_minutes=-5.0), item("b", duration_minutes=5.0)]
    assert names(path(items, minutes=10)) == ["b"]


def test_a_path_to_a_goal_has_what_leads_to_it_and_nothing_else():
    items = [item("a"), item("b", prerequisites=("c",)), item("c"), item("d", skills=("s",))]
    found = path(items, goal_items=frozenset({"b"}), goal_skills=frozenset({"s"}),
                 list_excluded=True)  # fmt: skip
    assert names(found) == ["c", "b", "d"]
    assert [step.reasons[-1].code for step in found.steps] == [
        "course_order", "goal_item", "goal_skill",
    ]  # fmt: skip
    assert [(entry.item, entry.code) for entry in found.excluded] == [("a", "not_for_goal")]


def test_a_goal_that_is_reached_is_complete():
    assert path(ABC, history=["b"], goal_items=frozenset({"b"})).complete


def test_an_unknown_goal_is_named():
    found = path(ABC, goal_items=frozenset({"z"}), goal_skills=frozenset({"s"}))
    assert not found.steps
    assert not found.complete
    assert found.warnings[:2] == (
        "The catalogue knows nothing of the goal “s”.",
        "The catalogue knows nothing of the goal “z”.",
    )


def test_unknown_history_items_are_named_up_to_a_point():
    assert path(ABC, history=["zz"]).warnings == ("Unknown items in the history: zz.",)
    many = path(ABC, history=[f"z{number}" for number in range(12)]).warnings[0]
    assert many.endswith("z9 and 2 more.")


@pytest.mark.parametrize(
    "bounds", [{"limit": 0}, {"minutes": 0}, {"minutes": float("nan")}, {"recommend": "all"}]
)
def test_bounds_that_mean_nothing_are_refused(bounds):
    with pytest.raises(ValueError, match=next(iter(bounds))):
        PathRequest(now=NOW, **bounds)
