"""Attacks stay within what others can check, and do what they say."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.errors import EvaluationError
from recommender.poisoning.insight import column_of, insight_of
from recommender.poisoning.promotion import (
    FakeLearners,
    Vector,
    fake_learners,
    sum_histories,
    within_bounds,
    written_vector,
)
from recommender.release.vector import pair_cell
from recommender.statistics.shares import cell_bounds
from recommender.trial import privacy_for, run_open, sum_platforms
from tests.unit.recommender.rows import clusters

ITEMS, TARGET = 40, 7


@pytest.fixture(scope="module")
def insight():
    platforms = [clusters(size, seed) for seed, size in enumerate((20, 100, 150))]
    sums = sum_platforms(platforms, ("viewed",))
    merged = run_open(sums, privacy_for(4.0), np.zeros(3, dtype=bool), 0)
    return insight_of(merged, 0, 20)


def test_a_column_holds_every_pair_of_the_item_once():
    column = column_of(TARGET, ITEMS)
    for other, cell in zip(column.items, column.cells, strict=True):
        assert cell == pair_cell(*sorted((int(other), TARGET)), ITEMS)
    assert column.items.size == ITEMS - 1


def test_invented_learners_stay_within_the_norm_of_as_many_real_ones(insight):
    for width in (1, 3, 10):
        attack = FakeLearners(width=width, bait=width, noise=False)
        sent = fake_learners(insight, TARGET, attack, np.random.default_rng(0))
        norm = np.sqrt((sent.astype(float) ** 2).sum())
        assert 0 < norm <= insight.learners * insight.manifest.scale


def test_invented_learners_raise_the_target_after_every_bait(insight):
    sent = fake_learners(insight, TARGET, FakeLearners(2, 6, noise=False), np.random.default_rng(0))
    slices, column = insight.manifest.block_slices, column_of(TARGET, ITEMS)
    together = sent[slices["together"]][column.cells]
    follows = sent[slices["direction"]][column.cells] * column.sign
    assert set(column.items[together > 0]) == set(
        insight.popular()[insight.popular() != TARGET][:6]
    )
    assert np.array_equal(follows > 0, together > 0)


def test_a_learner_is_summed_as_a_release_sums_it(insight):
    forward = sum_histories([[3, TARGET]], insight.manifest)
    backward = sum_histories([[TARGET, 3]], insight.manifest)
    direction = insight.manifest.block_slices["direction"]
    assert np.array_equal(forward[direction], -backward[direction])
    assert forward[direction][pair_cell(3, TARGET, ITEMS)] > 0


def test_a_written_vector_echoes_what_the_others_say(insight):
    attack = Vector(strength=0.0, echo=1.0, bait=ITEMS - 1)
    sent = written_vector(insight, TARGET, attack)
    together, column = insight.manifest.block_slices["together"], column_of(TARGET, ITEMS)
    theirs = insight.others.sum(axis=0)[together][column.cells]
    assert np.array_equal(sent[together][column.cells], np.maximum(theirs, 0))


def test_a_written_vector_is_believable_cell_by_cell(insight):
    sent = written_vector(insight, TARGET, Vector(strength=1e6, popularity=1e6))
    bounds = cell_bounds(insight.manifest, insight.learners, insight.manifest.sigma_squared)
    assert (np.abs(sent) <= bounds).all()
    assert np.array_equal(within_bounds(sent, insight.manifest, insight.learners), sent)


def test_a_written_vector_can_make_its_member_seem_larger(insight):
    place = insight.manifest.block_slices["popularity"]
    quiet, loud = (
        written_vector(insight, TARGET, Vector(0.0, bait=1, louder=factor))[place]
        for factor in (1.0, 3.0)
    )
    assert 2 * quiet.sum() < loud.sum() <= 3 * quiet.sum()


def test_impossible_attacks_are_refused(insight):
    with pytest.raises(EvaluationError, match="at least 1"):
        fake_learners(insight, TARGET, FakeLearners(width=0), np.random.default_rng(0))
    with pytest.raises(EvaluationError, match="outside the head"):
        column_of(ITEMS, ITEMS)
