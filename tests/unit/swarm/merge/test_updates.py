"""The merge of a network's updates: bounds, R34's cap by coordinate, rounds that add up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from swarm.errors import LocalProtocolError
from swarm.merge.merge import head_digest
from swarm.merge.updates import bound_update, merge_updates, network_digest

INT32 = np.iinfo(np.int32)
UPDATE = arrays(np.int32, 6, elements=st.integers(INT32.min, INT32.max))
WIDE = (2**24, 2**30)


def merge(*rounds, anchors=(), bounds=WIDE):
    typed = [{who: np.array(row, np.int32) for who, row in one.items()} for one in rounds]
    return {name: part.tolist() for name, part in merge_updates(typed, anchors, *bounds).items()}


@given(UPDATE, st.integers(1, 2**24), st.integers(1, 2**30))
def test_an_update_is_brought_within_both_bounds_and_keeps_its_signs(update, entry, norm):
    bounded = bound_update(update, entry, norm)
    assert np.abs(bounded).max() <= entry
    assert sum(int(x) ** 2 for x in bounded) <= norm**2
    assert (bounded * np.sign(update.astype(np.int64)) >= 0).all()


def test_an_update_within_its_bounds_is_not_touched():
    update = np.array([3, -4, 0], np.int32)
    assert bound_update(update, 4, 5).tolist() == [3, -4, 0]
    assert bound_update(update, 4, 4).tolist() == [2, -3, 0]
    assert bound_update(update, 3, 5).tolist() == [3, -3, 0]


def test_a_long_update_is_measured_without_overflow():
    update = np.full(100_000, INT32.min, np.int32)
    bounded = bound_update(update, *WIDE)
    length = math.isqrt(100_000 * 2**48) + 1
    assert set(bounded.tolist()) == {-(2**24 * 2**30 // length)}


def test_one_member_counts_for_at_most_as_much_as_all_others_together():
    merged = merge({"a": [90, -90, 3], "b": [2, 2, 4], "c": [3, 3, -3]})
    assert merged["sum"] == [95, -85, 4]
    assert merged["rest"] == [5, 5, 0]
    assert merged["parameters"] == [10, 0, 0]


@given(st.lists(UPDATE, min_size=1, max_size=4), UPDATE)
def test_a_liar_can_double_or_stop_what_the_others_want_but_not_turn_it_round(honest, lie):
    alone = sum(update.astype(np.int64) for update in honest)
    members = {f"m{index}": update for index, update in enumerate(honest)}
    found = merge_updates([{**members, "z": lie}], tuple(members), *(2**24, 2**30))
    others = sum(bound_update(update, *WIDE) for update in honest)
    assert (found["parameters"] * np.sign(others) >= 0).all()
    assert (np.abs(found["parameters"]) <= 2 * np.abs(others)).all()
    assert alone.shape == others.shape


def test_an_anchor_is_exempt_from_the_cap():
    row = {"a": [90], "b": [2], "c": [3]}
    assert merge(row, anchors=("a",))["parameters"] == [95]
    assert merge(row, anchors=("b", "c"))["parameters"] == [10]
    assert merge({"a": [7]})["parameters"] == [0]  # nobody else wants it
    assert merge({"a": [7]}, anchors=("a",))["parameters"] == [7]


def test_rounds_add_up_and_the_cap_is_each_rounds_own():
    first, second = {"a": [9], "b": [2], "c": [1]}, {"b": [-5], "c": [-5]}
    assert merge(first)["parameters"] == [6]
    assert merge(second)["parameters"] == [-10]
    both = merge(first, second)
    assert both == {"parameters": [-4], "sum": [2], "rest": [-2]}


def test_the_order_of_members_says_nothing():
    rows = {"a": [5, -5], "b": [-5, 5], "c": [1, 1]}
    assert merge(rows) == merge(dict(reversed(rows.items())))


@pytest.mark.parametrize(
    "rounds", [[], [{}], [{"a": [1], "b": [1, 2]}], [{"a": [1]}, {"a": [1, 2]}]]
)
def test_nothing_and_different_lengths_are_refused(rounds):
    with pytest.raises(LocalProtocolError):
        merge(*rounds)


def test_the_digest_depends_on_every_number_and_is_never_that_of_statistics():
    merged = merge_updates([{"a": np.array([1, 2], np.int32)}], ("a",), *WIDE)
    digest = network_digest(bytes(32), merged)
    for name, part in merged.items():
        changed = {**merged, name: part + np.array([0, 1])}
        assert network_digest(bytes(32), changed) != digest
    assert network_digest(b"\x01" * 32, merged) != digest
    assert head_digest(bytes(32), merged["sum"], merged["rest"]) != digest
