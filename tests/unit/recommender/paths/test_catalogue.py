from __future__ import annotations

import re
import string

import pytest

from recommender.catalogue import CatalogueItem
from recommender.errors import RecommenderError
from recommender.paths.catalogue import PathCatalogue
from recommender.paths.texts import EXCLUSIONS, REASONS


def test_two_rows_with_one_id_are_refused_by_name():
    with pytest.raises(RecommenderError, match="'b' occurs more than once"):
        PathCatalogue([CatalogueItem("a"), CatalogueItem("b"), CatalogueItem("b")])


def test_a_course_is_known_by_its_items_or_its_own_row():
    catalogue = PathCatalogue([CatalogueItem("a", course="x"), CatalogueItem("y", type="course")])
    assert [catalogue.has_course(name) for name in "xyza"] == [True, True, False, False]


def test_course_order_follows_courses_then_positions_then_rows():
    catalogue = PathCatalogue(
        [
            CatalogueItem("a", course="x"),
            CatalogueItem("b", course="y", position=0),
            CatalogueItem("c", course="x", position=5),
            CatalogueItem("d", course="x"),
        ]
    )
    assert len(catalogue) == 4
    assert catalogue.course_order.tolist() == [1, 3, 0, 2]


def test_a_model_is_matched_again_when_it_changes():
    catalogue = PathCatalogue([CatalogueItem("a"), CatalogueItem("b")])
    first, second = ("b",), ("z", "a")
    assert catalogue.align(first).places.tolist() == [-1, 0]
    assert catalogue.align(second).places.tolist() == [1, -1]
    assert catalogue.align(second) is catalogue.align(second)


def test_no_sentence_states_a_count():
    placeholders = {
        name
        for text in (*REASONS.values(), *EXCLUSIONS.values())
        for _, name, _, _ in string.Formatter().parse(text)
        if name
    }
    assert placeholders <= {"title", "because_title", "for_title", "skill", "did", "needs"}
    assert not any(re.search(r"\d", text) for text in REASONS.values())
