"""Catalogue, consent, releases, recommendations and imports."""

from __future__ import annotations

from fractions import Fraction

import pytest
from sqlalchemy import select

from api.store import recommendations
from api.store.consent import ReleaseRecord
from api.store.errors import CatalogueRefusedError, RowRefusedError, StoreError
from api.store.recommendations import Recommendation
from api.store.tables import staff_access
from recommender.catalogue import CatalogueItem

DAY = 86_400


def _release(number=1):
    return ReleaseRecord("ab" * 32, number, 1, Fraction(4096**2, 2 * 5194**2), 1_700_000_000)


def test_a_catalogue_comes_back_as_it_was_given_in_its_own_order(store):
    items = [
        CatalogueItem("z", "Zed", "last", "https://x/z", "k:z", "c", "s", 3, "page", "en", 4.5),
        CatalogueItem("a", skills=("s1", "s;2"), prerequisites=("z",), hidden=True),
    ]
    result = store.upsert_catalogue(items)
    assert (result.added, result.changed, result.unchanged) == (2, 0, 0)
    assert store.catalogue() == items
    assert store.catalogue(course="c") == items[:1]


def test_importing_a_catalogue_again_changes_nothing(store):
    items = [CatalogueItem(f"i{n}", f"Title {n}") for n in range(5)]
    store.upsert_catalogue(items)
    revision = store.revision()
    result = store.upsert_catalogue(items)
    assert (result.added, result.changed, result.unchanged, result.removed) == (0, 0, 5, 0)
    assert store.revision() == revision


def test_part_of_a_catalogue_leaves_the_rest_and_a_whole_one_replaces_it(store):
    store.upsert_catalogue([CatalogueItem("a"), CatalogueItem("b")])
    part = store.upsert_catalogue([CatalogueItem("b", "New"), CatalogueItem("c")])
    assert [item.item for item in store.catalogue()] == ["a", "b", "c"]
    assert (part.added, part.changed) == (1, 1)
    whole = store.upsert_catalogue([CatalogueItem("c"), CatalogueItem("a")], replace_all=True)
    assert [item.item for item in store.catalogue()] == ["c", "a"]
    assert (whole.removed, whole.unchanged) == (1, 2)


def test_a_row_that_comes_twice_counts_once_and_the_last_one_wins(store):
    result = store.upsert_catalogue([CatalogueItem("a", "Old"), CatalogueItem("a", "New")])
    assert (result.added, result.repeated) == (1, 1)
    assert [item.title for item in store.catalogue()] == ["New"]


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([], "no item"),
        ([CatalogueItem("a"), CatalogueItem("")], "row 2, column item"),
        ([CatalogueItem("x" * 2048)], "2,048 bytes"),
    ],
)
def test_a_catalogue_that_cannot_be_used_changes_nothing(store, items, said):
    store.upsert_catalogue([CatalogueItem("kept")])
    with pytest.raises(CatalogueRefusedError, match=said):
        store.upsert_catalogue(items, replace_all=True)
    assert [item.item for item in store.catalogue()] == ["kept"]


def test_consent_flags_are_independent_and_can_return_to_the_default(store):
    store.set_consent("l", serve=False, share=False)
    found = store.consent("l")
    assert (found.serve, found.local, found.share) == (False, True, False)
    store.set_consent("l", share=None)
    found = store.consent("l")
    assert (found.serve, found.local, found.share) == (False, True, True)


def test_a_flag_that_does_not_exist_is_a_bug_of_the_caller(store):
    with pytest.raises(ValueError, match="sell"):
        store.set_consent("l", sell=True)


def test_a_release_marks_its_learners_and_records_its_cost(store):
    assert store.mark_released(["a", "b", "a"], _release()) == 2
    assert store.released() == {"a", "b"}
    assert store.releases() == [_release()]


def test_nobody_is_released_twice_and_a_refused_release_leaves_no_trace(store):
    store.mark_released(["a"], _release(1))
    with pytest.raises(StoreError, match="R2"):
        store.mark_released(["b", "a"], _release(2))
    assert store.released() == {"a"}
    assert store.releases() == [_release(1)]


def _answer(name, learner="l"):
    return Recommendation(name, learner, "ab", fallback=False, request={"limit": 5}, steps=[{}])


def test_not_relevant_keeps_an_item_out_and_raises_the_revision(store):
    store.log_recommendation(_answer("r1"))
    revision = store.revision()
    store.add_feedback(recommendation_id="r1", item="i", kind="not_relevant")
    store.add_feedback(recommendation_id="r1", item="j", kind="opened")
    assert store.not_relevant("l") == {"i"}
    assert store.not_relevant("m") == frozenset()
    assert store.revision() > revision


def test_not_relevant_ends_after_ninety_days(store):
    store.log_recommendation(_answer("r1"))
    database = store._database
    recommendations.add_feedback(
        database, recommendation_id="r1", item="i", kind="not_relevant", at=0
    )
    assert recommendations.not_relevant(database, "l", now=90 * DAY - 1) == {"i"}
    assert recommendations.not_relevant(database, "l", now=90 * DAY) == frozenset()


@pytest.mark.parametrize(("answer", "kind"), [("r1", "loved"), ("r2", "opened")])
def test_feedback_of_an_unknown_kind_or_answer_is_refused(store, answer, kind):
    store.log_recommendation(_answer("r1"))
    with pytest.raises(RowRefusedError):
        store.add_feedback(recommendation_id=answer, item="i", kind=kind)


def test_old_recommendations_are_forgotten_with_their_feedback(store):
    database = store._database
    recommendations.log(database, _answer("old"), at=0)
    recommendations.log(database, _answer("new"), at=170 * DAY)
    recommendations.add_feedback(
        database, recommendation_id="old", item="i", kind="not_relevant", at=100 * DAY
    )
    assert recommendations.forget(database, keep_days=180, now=181 * DAY) == 1
    assert recommendations.not_relevant(database, "l", now=101 * DAY) == frozenset()
    assert recommendations.forget(database, keep_days=180, now=181 * DAY) == 0


def test_a_stopped_import_goes_on_under_its_number_and_a_finished_one_does_not(store):
    what = {"adapter": "table", "digest": "00", "options": {"year": None}}
    first = store.start_import(path="x.csv", **what)
    store.end_import(first, state="stopped")
    assert store.start_import(path="x.csv", **what) == first
    assert store.finished_import(**what) is None
    store.end_import(first, state="done", report={"rows": 0})
    assert store.finished_import(**what).report == {"rows": 0}
    assert store.start_import(path="x.csv", **what) != first
    other = {**what, "options": {"year": 2024}}
    assert store.finished_import(**other) is None


def test_looking_at_a_learner_is_logged(store):
    store.log_access(who="link", what="path", pseudonym="l")
    with store._database.read() as connection:
        row = connection.execute(select(staff_access)).one()
    assert (row.who, row.what, row.pseudonym) == ("link", "path", "l")
