"""The integer merge against plain Python integers (R34)."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import pytest

from swarm.errors import LocalProtocolError
from swarm.merge.merge import head_digest, member_sums, merge


def cells(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def test_sum_adds_all_contributions_of_all_members() -> None:
    total, _ = merge({"a": [cells(1, -2), cells(10, 0)], "b": [cells(5, 5)]})
    assert total.dtype == np.int64
    assert total.tolist() == [16, 3]


def test_rest_leaves_out_the_largest_member_of_each_cell() -> None:
    _, rest = merge({"a": [cells(9, 1, -5)], "b": [cells(2, 8, -7)], "c": [cells(1, 1, -6)]})
    assert rest.tolist() == [3, 2, -13]


def test_the_largest_is_taken_of_a_members_whole_sum_not_of_single_contributions() -> None:
    _, rest = merge({"a": [cells(4), cells(4)], "b": [cells(5)]})
    assert rest.tolist() == [5]


def test_an_anchor_is_never_left_out_of_rest() -> None:
    contributions = {"a": [cells(100)], "b": [cells(2)], "c": [cells(1)]}
    assert merge(contributions, anchors=["a"])[1].tolist() == [101]
    assert merge(contributions, anchors=["a", "b", "c"])[1].tolist() == [103]


def test_a_single_ordinary_member_has_no_rest() -> None:
    total, rest = merge({"a": [cells(7, -7)]})
    assert total.tolist() == [7, -7]
    assert rest.tolist() == [0, 0]


def test_sums_do_not_overflow_32_bits() -> None:
    top = 2**31 - 1
    total, rest = merge({"a": [cells(top), cells(top)], "b": [cells(top)]})
    assert total.tolist() == [3 * top]
    assert rest.tolist() == [top]


def test_the_inputs_are_not_changed() -> None:
    first = cells(1, 2)
    merge({"a": [first, cells(5, 5)], "b": [cells(1, 1)]})
    assert first.tolist() == [1, 2]


def test_a_member_without_contributions_counts_for_nothing() -> None:
    assert list(member_sums({"a": [], "b": [cells(1)]})) == ["b"]


def test_nothing_cannot_be_merged() -> None:
    with pytest.raises(LocalProtocolError, match="nothing"):
        merge({"a": []})


def test_contributions_of_different_length_cannot_be_merged() -> None:
    with pytest.raises(LocalProtocolError, match="different length"):
        merge({"a": [cells(1)], "b": [cells(1, 2)]})


def test_the_digest_of_head_is_over_manifest_sum_and_rest() -> None:
    total, rest = merge({"a": [cells(1, -1)], "b": [cells(2, 3)]})
    packed = b"\x05" * 32 + struct.pack("<4q", 3, 2, 1, -1)
    assert head_digest(b"\x05" * 32, total, rest) == hashlib.sha256(packed).digest()
