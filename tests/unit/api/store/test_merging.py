"""Two accounts become one learner: rows, consent, marks and logs, all or nothing."""

from __future__ import annotations

from fractions import Fraction

import pytest

from api.store import merging
from api.store.consent import ReleaseRecord
from api.store.marks import NAMED
from api.store.recommendations import Recommendation
from api.store.tables import consent, learners, released


def _release(number):
    return ReleaseRecord("ab" * 32, number, 1, Fraction(4096**2, 2 * 5194**2), 1_700_000_000)


def test_the_rows_of_both_accounts_are_one_learners(store, row):
    rows = [row(1, "page-1"), row(1, "page-2"), row(2, "page-3")]
    old, new = rows[0].learner, rows[2].learner
    store.add_interactions(rows)
    assert store.merge_learners([(old, new), ("nobody", new)]) == 1
    found = store.training_interactions("local")
    assert found.learner_ids == (new,)
    assert len(found.learner) == 3
    assert store.merge_learners([(old, new)]) == 0


def test_an_account_without_a_successor_here_is_only_renamed(store, row):
    rows = [row(1, "page-1")]
    store.add_interactions(rows)
    assert store.merge_learners([(rows[0].learner, "new")]) == 1
    assert store.training_interactions("local").learner_ids == ("new",)


@pytest.mark.parametrize(
    ("old", "new", "together"),
    [(False, True, False), (True, None, True), (None, False, False), (True, True, True)],
)
def test_a_refusal_of_either_account_stands(store, old, new, together):
    for name, flag in (("old", old), ("new", new)):
        if flag is not None:
            store.set_consent(name, share=flag)
    store.merge_learners([("old", "new")])
    assert store.consent("new").share is together


@pytest.mark.parametrize("marked", [("old",), ("new",), ("old", "new")])
def test_who_was_released_under_either_name_is_not_released_again(store, marked):
    for number, name in enumerate(marked, 1):
        store.mark_released([name], _release(number))
    store.set_consent("old", local=True)
    store.merge_learners([("old", "new")])
    assert store.released() == {"new"}


def test_logs_follow_and_the_revision_rises(store):
    answer = Recommendation("r1", "old", "ab", fallback=False, request={"limit": 5}, steps=[{}])
    store.log_recommendation(answer)
    store.add_feedback(recommendation_id="r1", item="i", kind="not_relevant")
    revision = store.revision()
    store.merge_learners([("old", "new")])
    assert store.not_relevant("new") == {"i"}
    assert store.revision() > revision


def test_every_table_that_names_learners_takes_part():
    assert {learners, consent, released, *merging._LOGS} == set(NAMED)
