"""What is held back, until whom, and that the log says so (R35)."""

from __future__ import annotations

import sqlite3

import pytest

from api.store.confirmations import EVERY_COURSE
from api.store.errors import RowRefusedError
from api.store.store import Store
from recommender.catalogue import CatalogueItem

COURSES = {"bio": ("cells", "genes"), "art": ("oil", "ink")}


def page(name: str, course: str) -> CatalogueItem:
    return CatalogueItem(name, title=name.upper(), course=course)


@pytest.fixture
def filled(store: Store) -> Store:
    store.upsert_catalogue([page(name, at) for at, names in COURSES.items() for name in names])
    return store


def held(store: Store) -> dict[str, str]:
    return {item: row.action for item, row in store.held_items().items()}


def test_nothing_is_held_back_before_a_course_asks_for_it(filled):
    filled.record_rises(["cells"], "m1")
    filled.upsert_catalogue([page("atoms", "bio")])
    assert held(filled) == {}


def test_what_a_course_has_when_it_begins_is_known_and_what_comes_later_is_held(filled):
    assert filled.hold_course("bio", on=True, who="key:d1") == 2
    assert held(filled) == {}
    filled.upsert_catalogue([page("atoms", "bio"), page("clay", "art")])
    assert held(filled) == {"atoms": "new"}


def test_a_rise_is_held_until_a_designer_agrees_and_again_when_that_is_undone(filled):
    filled.hold_course("bio", on=True, who="key:d1")
    filled.record_rises(["cells", "oil"], "m1")
    assert held(filled) == {"cells": "rose"}
    assert filled.confirm(["cells"], agree=True, who="key:d2") == 1
    assert held(filled) == {}
    assert filled.confirm(["cells"], agree=True, who="key:d2") == 0
    assert filled.confirm(["cells"], agree=False, who="key:d3") == 1
    assert held(filled) == {"cells": "undone"}
    told = [(row.who, row.action, row.course or row.item) for row in filled.confirmation_log()]
    assert told == [
        ("key:d3", "undone", "cells"),
        ("key:d2", "agreed", "cells"),
        ("fit", "rose", "oil"),
        ("fit", "rose", "cells"),
        ("key:d1", "on", "bio"),
    ]
    assert all(row.at > 0 for row in filled.confirmation_log())


def test_a_rise_told_again_of_one_model_stays_agreed_and_one_of_another_model_does_not(filled):
    filled.hold_course("bio", on=True, who="d")
    filled.record_rises(["cells"], "m1")
    filled.confirm(["cells"], agree=True, who="d")
    filled.record_rises(["cells"], "m1")
    assert held(filled) == {}
    filled.record_rises(["cells"], "m2")
    assert held(filled) == {"cells": "rose"}


def test_a_rise_nobody_agreed_to_is_held_when_its_course_begins_to_hold_back(filled):
    filled.record_rises(["cells"], "m1")
    assert filled.hold_course("bio", on=True, who="d") == 1
    assert held(filled) == {"cells": "rose"}


def test_every_course_at_once_and_none_again(filled):
    filled.hold_course(EVERY_COURSE, on=True, who="d")
    filled.record_rises(["cells", "oil"], "m1")
    assert held(filled) == {"cells": "rose", "oil": "rose"}
    filled.hold_course(EVERY_COURSE, on=False, who="d")
    assert held(filled) == {}
    assert list(filled.holding_courses()) == []


def test_what_came_while_a_course_did_not_hold_back_is_known_when_it_does_again(filled):
    filled.hold_course("bio", on=True, who="d")
    filled.hold_course("bio", on=False, who="d")
    filled.upsert_catalogue([page("atoms", "bio")])
    assert filled.hold_course("bio", on=True, who="d") == 1
    assert held(filled) == {}


def test_saying_the_same_twice_adds_no_row_and_no_revision(filled):
    filled.hold_course("bio", on=True, who="d")
    before = filled.revision(), len(filled.confirmation_log())
    filled.hold_course("bio", on=True, who="d")
    filled.confirm(["cells"], agree=True, who="d")  # known already
    filled.record_rises([], "m1")
    assert (filled.revision(), len(filled.confirmation_log())) == before


def test_a_decision_shows_in_the_revision_since_it_changes_answers(filled):
    before = filled.revision()
    filled.hold_course("bio", on=True, who="d")
    assert filled.revision() > before


def test_an_unknown_course_or_item_is_refused_and_changes_nothing(filled):
    with pytest.raises(RowRefusedError, match="'chemistry'"):
        filled.hold_course("chemistry", on=True, who="d")
    with pytest.raises(RowRefusedError, match="'atoms'"):
        filled.confirm(["cells", "atoms"], agree=False, who="d")
    assert filled.confirmation_log() == []


def test_it_is_kept_when_the_store_is_opened_again(filled, url):
    filled.hold_course("bio", on=True, who="d")
    filled.record_rises(["genes"], "m1")
    with Store.open(url) as again:
        assert held(again) == {"genes": "rose"}


def test_where_courses_are_the_items_a_course_can_be_held_itself(store):
    store.upsert_catalogue([CatalogueItem("bio", type="course"), CatalogueItem("art")])
    store.hold_course("bio", on=True, who="d")
    store.record_rises(["bio", "art"], "m1")
    assert held(store) == {"bio": "rose"}


def test_a_store_of_before_is_brought_up_to_date_with_its_rows(tmp_path, row):
    path = tmp_path / "old.sqlite"
    with Store.open(f"sqlite:///{path}") as made:
        made.add_interactions([row()])
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE confirmations")
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
    connection.close()
    with Store.open(f"sqlite:///{path}") as again:
        assert again.counts()["interactions"] == 1
        assert again.confirmation_log() == []
