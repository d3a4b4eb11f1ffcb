"""R34: no ordinary member outweighs all the others together."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.errors import ModelError
from recommender.statistics.cap import others_within_cap, sum_and_rest
from swarm.merge.merge import merge


def cells(*values):
    return np.array(values, dtype=np.int64)


def test_a_cell_counts_for_at_most_twice_what_is_left_without_its_largest_member():
    total, rest = sum_and_rest(np.array([[100], [6], [3], [1]]), np.zeros(4, bool))
    assert (total.tolist(), rest.tolist()) == ([110], [10])
    assert others_within_cap(total, rest).tolist() == [20]


def test_a_negative_rest_leaves_nothing():
    assert others_within_cap(cells(50), cells(-8)).tolist() == [0]


def test_an_attack_by_another_member_stays_capped_after_own_is_taken_out():
    members = np.array([[10], [2], [500]])
    total, rest = sum_and_rest(members, np.zeros(3, bool))
    others = others_within_cap(total, rest, members[0])
    assert others.tolist() == [2 * 12 - 10]  # own and others together: twice the rest


def test_a_platform_is_never_punished_for_its_own_weight():
    members = np.array([[500], [10], [2]])
    total, rest = sum_and_rest(members, np.zeros(3, bool))
    assert others_within_cap(total, rest, members[0]).tolist() == [12]


def test_an_anchor_is_exempt():
    members = np.array([[500], [10], [2]])
    total, rest = sum_and_rest(members, np.array([True, False, False]))
    assert rest.tolist() == [502]
    assert others_within_cap(total, rest, members[2]).tolist() == [510]


def test_directions_are_capped_on_both_sides():
    total, rest = cells(40, -40, 40), cells(5, -5, -5)
    assert others_within_cap(total, rest, signed=True).tolist() == [10, -10, 0]


def test_without_a_dominant_member_nothing_changes():
    rng = np.random.default_rng(0)
    members = rng.integers(50, 60, (4, 30))
    total, rest = sum_and_rest(members, np.zeros(4, bool))
    assert np.array_equal(others_within_cap(total, rest), total)
    for own in members:
        assert np.array_equal(others_within_cap(total, rest, own), total - own)


def test_measurements_merge_as_the_swarm_does():
    rng = np.random.default_rng(1)
    contributions = rng.integers(-1000, 1000, (5, 40)).astype(np.int32)
    for anchors in ([], [1], [0, 1, 2, 3, 4]):
        mask = np.isin(np.arange(5), anchors)
        names = {str(number): [row] for number, row in enumerate(contributions)}
        expected = merge(names, [str(number) for number in anchors])
        found = sum_and_rest(contributions.astype(np.int64), mask)
        assert np.array_equal(found[0], expected[0])
        assert np.array_equal(found[1], expected[1])


def test_arrays_of_different_length_are_refused():
    with pytest.raises(ModelError, match="differ in length"):
        others_within_cap(cells(1, 2), cells(1))
