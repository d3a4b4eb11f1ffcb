"""Every member is held to about its share, in a cell and over an item's pairs (R34)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.errors import ModelError
from recommender.release.manifest import Manifest
from recommender.statistics.shares import (
    CELL_SD,
    MemberSums,
    cell_bounds,
    limit_shares,
    member_sizes,
    without,
)

ITEMS = 40
MANIFEST = Manifest(items=ITEMS, catalogue_digest=bytes(32))
SD = float(np.sqrt(MANIFEST.sigma_squared))
TOGETHER = MANIFEST.block_slices["together"]
POPULARITY = MANIFEST.block_slices["popularity"]
BRACKETS = np.array([100, 1_000, 1_000, 1_000, 1_000])


def honest(seed=0, learners=(50, 400, 400, 400, 400)):
    """Members of these sizes that say the same per learner, with noise."""
    rng = np.random.default_rng(seed)
    rate = np.zeros(MANIFEST.cells)
    rate[TOGETHER] = rng.gamma(0.3, 500.0, MANIFEST.pairs)
    rate[POPULARITY] = rng.gamma(0.5, 300.0, ITEMS)
    rate[MANIFEST.block_slices["starts"]] = 900 / ITEMS
    exact = np.array(learners)[:, None] * rate
    cells = np.rint(exact + rng.normal(0.0, SD, exact.shape)).astype(np.int64)
    members = len(learners)
    variance = np.full(members, float(MANIFEST.sigma_squared))
    return MemberSums(MANIFEST, cells, variance, BRACKETS[:members], np.zeros(members, dtype=bool))


def lying(members, row, change):
    cells = members.cells.copy()
    cells[row] = change(cells[row].copy())
    return replace(members, cells=cells)


def raised(cells, by=10**7):
    """All pairs of item 0."""
    cells[TOGETHER][: ITEMS - 1] = by
    return cells


def test_honest_members_lose_next_to_nothing():
    members = honest()
    counted = limit_shares(members)
    lost = np.abs(counted.sum(axis=0) - members.cells.sum(axis=0)).sum()
    assert lost < 0.02 * np.abs(members.cells).sum()
    assert np.corrcoef(counted.sum(axis=0), members.cells.sum(axis=0))[0, 1] > 0.999


def test_a_small_member_cannot_raise_an_item_by_more_than_noise_hides():
    members = honest()
    before = without(limit_shares(members), None)[TOGETHER][: ITEMS - 1]
    after = without(limit_shares(lying(members, 0, raised)), None)[TOGETHER][: ITEMS - 1]
    assert (after - before).sum() < 5 * SD * np.sqrt(ITEMS) + 0.2 * before.sum()
    assert (after - before).max() < (2 * CELL_SD + 1) * SD + 0.2 * before.max()


def test_an_item_is_limited_where_each_of_its_cells_alone_would_pass():
    members = honest()
    quiet = lying(members, 0, lambda cells: raised(cells * 0, round(1.8 * SD)))
    cells_alone = limit_shares(quiet, item_sd=np.inf)[0, TOGETHER][: ITEMS - 1].sum()
    both = limit_shares(quiet)[0, TOGETHER][: ITEMS - 1].sum()
    assert both < 0.75 * cells_alone


def test_a_small_member_cannot_bury_an_item():
    members = honest()
    buried = limit_shares(lying(members, 0, lambda cells: raised(cells, -(10**7))))
    assert buried[0, TOGETHER].min() >= -3 * SD


def test_two_who_prop_each_other_up_gain_nothing():
    members = honest(learners=(50, 50, 400, 400, 400))
    members = replace(members, learners=np.array([100, 100, 1_000, 1_000, 1_000]))
    both = lying(lying(members, 0, raised), 1, raised)
    one = limit_shares(lying(members, 0, raised))[0, TOGETHER][: ITEMS - 1].sum()
    together = limit_shares(both)[:2, TOGETHER][:, : ITEMS - 1].sum()
    assert together < 3 * one


def test_no_bracket_is_outgrown_by_shouting():
    members = honest()
    loud = lying(members, 0, lambda cells: 100 * np.abs(cells))
    assert member_sizes(loud)[0] / member_sizes(loud).sum() < 0.12


def test_an_anchor_stays_as_it_is():
    members = lying(honest(), 2, raised)
    trusted = replace(members, anchors=np.arange(5) == 2)
    assert np.array_equal(limit_shares(trusted)[2], members.cells[2].astype(np.float32))


def test_an_ordinary_member_never_outweighs_all_others_but_for_noise():
    members = honest(learners=(50, 4_000, 100, 100, 100))
    counted = limit_shares(replace(members, learners=np.array([100, 10_000, 1_000, 1_000, 1_000])))
    rest = counted.sum(axis=0) - counted[1]
    over = counted[1, TOGETHER] - np.maximum(rest[TOGETHER], 0)
    assert over.max() < 2 * CELL_SD * SD * np.sqrt(5)
    small = np.abs(counted[2:] - members.cells[2:]).sum() / np.abs(members.cells[2:]).sum()
    assert small < 0.1


def test_the_same_sums_give_the_same_limits():
    assert np.array_equal(limit_shares(honest(3)), limit_shares(honest(3)))


def test_nothing_is_demanded_of_members_without_a_bracket():
    members = replace(honest(), learners=np.zeros(5, dtype=np.int64))
    assert np.isfinite(limit_shares(members)).all()


def test_own_sums_are_left_out():
    counted = np.array([[1.0], [2.0], [4.0]], dtype=np.float32)
    assert without(counted, 1).tolist() == [5]
    assert without(counted, None).tolist() == [7]


def test_bounds_grow_with_learners_and_noise():
    small, large = cell_bounds(MANIFEST, 1, 0.0), cell_bounds(MANIFEST, 10, 4.0)
    assert np.array_equal(large, 10 * small + 24)


def test_fewer_than_three_cannot_tell_who_is_right():
    members = honest()
    two = MemberSums(MANIFEST, members.cells[:2], *(each[:2] for each in (
        members.variance, members.learners, members.anchors)))  # fmt: skip
    with pytest.raises(ModelError, match="3 members"):
        limit_shares(two)


def test_sums_that_do_not_fit_are_refused():
    members = honest()
    with pytest.raises(ModelError, match="differ in length"):
        replace(members, variance=np.ones(2))
