"""Attacks without a target and two old defences, against byzfl 0.0.11 and the published formulas.

`byzfl.json` holds what byzfl's own attacks and rules make of five vectors (SignFlipping,
InnerProductManipulation, ALittleIsEnough, Mimic, TrMean, Median of `byzfl.attacks.attacks` and
`byzfl.aggregators.aggregators`). The package itself imports torchvision, which does not load beside
the CPU build of torch 2.13.0, so it is no dependency of these tests.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from recommender.poisoning import sabotage
from recommender.poisoning.defences import trimmed_sum, weighted_median
from recommender.poisoning.insight import Insight
from recommender.release.manifest import Manifest
from recommender.statistics.shares import MemberSums

MANIFEST = Manifest(items=4, catalogue_digest=bytes(32))
COLUMNS = 4


@pytest.fixture
def insight():
    rng = np.random.default_rng(0)
    cells = rng.integers(-1000, 1000, (6, MANIFEST.cells))
    return Insight(MANIFEST, 20, cells[0], cells[1:])


def equal_members(cells):
    """Members of one size: the weighted rules are then the plain ones."""
    count = cells.shape[0]
    sized = cells.copy()
    place = MANIFEST.block_slices["popularity"]
    sized[:, place] = 500
    ones = np.full(count, 100)
    return MemberSums(MANIFEST, sized, np.ones(count), ones, np.zeros(count, dtype=bool))


@pytest.fixture(scope="module")
def byzfl():
    path = Path(__file__).with_name("byzfl.json")
    return {name: np.array(value) for name, value in json.loads(path.read_text("utf-8")).items()}


def seen(byzfl):
    """What byzfl was given as the first cells of the others."""
    cells = np.zeros((byzfl["vectors"].shape[0], MANIFEST.cells), dtype=np.int64)
    cells[:, :COLUMNS] = byzfl["vectors"]
    return Insight(MANIFEST, 20, np.rint(cells.mean(axis=0)).astype(np.int64), cells)


def test_attacks_send_what_byzfl_sends(byzfl):
    told = seen(byzfl)
    for name, sent in (
        ("InnerProductManipulation tau=3", sabotage.inner_product(told, 3.0)),
        ("ALittleIsEnough tau=-1.5", sabotage.little_is_enough(told, 1.5)),
        ("Mimic epsilon=2", sabotage.copied(told, 2)),
        ("SignFlipping", sabotage.inner_product(told, 1.0)),
        ("SignFlipping", sabotage.sign_flip(told)),
    ):
        assert np.abs(sent[:COLUMNS] - byzfl[name]).max() <= 0.5, name


def test_trimmed_sums_and_medians_are_those_of_byzfl(byzfl):
    """Of members of one size, as a sixth member sees them, times their number."""
    cells = np.vstack([seen(byzfl).others, np.zeros(MANIFEST.cells, dtype=np.int64)])
    members = equal_members(cells)
    for name, rule in (("TrMean f=1", trimmed_sum), ("Median", weighted_median)):
        counted = rule(members, 5)[:COLUMNS]
        assert np.abs(counted - 5 * byzfl[name]).max() <= 0.5, name


def test_alie_hides_in_the_others_spread(insight):
    """Baruch, Baruch, Goldberg 2019: mean - z sd, the sd over n - 1."""
    sent = sabotage.little_is_enough(insight, 2.0)
    column = insight.others[:, 3]
    spread = np.sqrt(((column - column.mean()) ** 2).sum() / (column.size - 1))
    assert sent[3] == round(column.mean() - 2.0 * spread)


def test_ipm_is_the_others_mean_turned_round(insight):
    """Xie, Koyejo, Gupta 2019: -tau mean."""
    assert np.array_equal(
        sabotage.inner_product(insight, 2.0), np.rint(-2.0 * insight.others.mean(axis=0))
    )


def test_a_flip_is_the_opposite_and_scaling_the_same_but_louder(insight):
    assert np.array_equal(sabotage.sign_flip(insight), -insight.own)
    assert np.array_equal(sabotage.scaled(insight, 10.0), 10 * insight.own)


def test_a_copy_is_another_members_bytes(insight):
    assert np.array_equal(sabotage.copied(insight, 2), insight.others[2])


def test_a_free_rider_sends_nothing_or_noise(insight):
    assert not sabotage.free_riding(insight).any()
    noise = sabotage.free_riding(insight, np.random.default_rng(0))
    assert 0.5 < noise.std() / np.sqrt(MANIFEST.sigma_squared) < 1.5


def test_a_trimmed_sum_leaves_largest_and_smallest_out_and_scales_up():
    """Yin et al. 2018: the mean of what is left, here times all."""
    cells = np.zeros((5, MANIFEST.cells), dtype=np.int64)
    cells[:, 0] = [7, 1000, 4, 8, -1000]
    assert trimmed_sum(equal_members(cells), 0)[0] == 4 * (4 + 8) // 2


def test_a_weighted_median_is_the_median_where_all_are_alike():
    cells = np.zeros((4, MANIFEST.cells), dtype=np.int64)
    cells[:, 0] = [99, 3, 10_000, 5]
    assert weighted_median(equal_members(cells), 0)[0] == 3 * 5
