"""Neighbours in the catalogue's order."""

from __future__ import annotations

import numpy as np

from recommender.catalogue import CatalogueItem
from recommender.statistics.order import catalogue_places, fit_order, is_ordered


def dense(part):
    size = part.neighbours.shape[0]
    square = np.zeros((size, size))
    np.add.at(square, (np.arange(size)[:, None], part.neighbours), part.weights)
    return square


def test_places_go_by_course_as_it_first_appears_then_position_then_row():
    entries = [
        CatalogueItem("a", course="two", position=0),
        CatalogueItem("b", course="one", position=5),
        CatalogueItem("c", course="one"),
        CatalogueItem("d", course="one", position=1),
    ]
    assert catalogue_places(entries).tolist() == [0, 2, 3, 1]
    assert is_ordered(entries)
    assert not is_ordered([CatalogueItem("a"), CatalogueItem("b")])


def test_the_next_place_weighs_most_and_one_step_back_less():
    entries = [CatalogueItem(str(number), course="c", position=number) for number in range(5)]
    square = dense(fit_order(entries))
    assert np.allclose(square[1], [0.7, 0, 1, 0.8, 0.64])


def test_no_step_leads_out_of_a_course_but_courses_themselves_follow_each_other():
    inside = [CatalogueItem(f"{c}{n}", course=c, position=n) for c in "ab" for n in range(2)]
    square = dense(fit_order(inside))
    assert square[1, 2] == square[2, 1] == 0
    assert square[0, 1] == 1
    courses = [CatalogueItem(c, course=c) for c in "abc"]
    assert np.allclose(dense(fit_order(courses))[0], [0, 1, 0.8])


def test_an_empty_catalogue_has_no_neighbours():
    assert fit_order([]).neighbours.shape == (0, 60)
