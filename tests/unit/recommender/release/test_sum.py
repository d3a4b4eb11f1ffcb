from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.errors import ReleaseError
from recommender.interactions import VERB_INDEX, Interactions
from recommender.release import sum as summing
from recommender.release import visits as visits_of
from recommender.release.manifest import Block, default_manifest
from recommender.release.sum import sum_vectors, times_said, value_tables
from recommender.release.vector import limit_norm, pair_cell
from recommender.release.visits import stable_order

MANIFEST = default_manifest(4, bytes(32), enrolled_counts=False)
DIGEST = b"m" * 32
HEAD = np.arange(4, dtype=np.int32)


def interactions(rows, learners=3) -> Interactions:
    """Rows are (learner, item, timestamp)."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Interactions(
        learner_ids=tuple(f"lp1_{number}" for number in range(learners)),
        item_ids=tuple(f"item-{number}" for number in range(4)),
        learner=columns[:, 0].astype(np.int32),
        item=columns[:, 1].astype(np.int32),
        timestamp=columns[:, 2],
        order=np.zeros(len(columns), dtype=np.int64),
        verb=np.full(len(columns), VERB_INDEX["viewed"], dtype=np.int8),
        score=np.full(len(columns), np.nan, dtype=np.float32),
    )


def test_learners_add_up():
    sums = sum_vectors(interactions([(0, 0, 1), (0, 1, 2), (1, 1, 1), (1, 0, 2)]), HEAD,
                       MANIFEST, DIGEST)  # fmt: skip
    parts = {name: sums[part] for name, part in MANIFEST.block_slices.items()}
    assert parts["together"][pair_cell(0, 1, 4)] == 2 * 1832
    assert parts["direction"][pair_cell(0, 1, 4)] == 0
    assert parts["popularity"].tolist() == [2 * 610, 2 * 610, 0, 0]
    # 1 and 1/2 over their norm, 600 each; once each item is the first.
    assert parts["starts"].tolist() == [536 + 268, 536 + 268, 0, 0]


def test_an_empty_store_gives_the_same_length():
    sums = sum_vectors(interactions([]), HEAD, MANIFEST, DIGEST)
    assert sums.shape == (MANIFEST.cells,)
    assert sums.dtype == np.int64
    assert not sums.any()


def test_only_the_learners_asked_for_are_summed():
    rows = [(0, 0, 1), (0, 1, 2), (1, 2, 1), (1, 3, 2)]
    mask = np.array([True, False, False])
    alone = sum_vectors(interactions(rows[:2]), HEAD, MANIFEST, DIGEST)
    assert np.array_equal(sum_vectors(interactions(rows), HEAD, MANIFEST, DIGEST, mask), alone)


def test_items_that_are_not_shared_leave_no_trace():
    head = np.array([0, -1, 1, -1], dtype=np.int32)
    with_private = interactions([(0, 0, 1), (0, 1, 2), (0, 2, 3)])
    without = interactions([(0, 0, 1), (0, 2, 3)])
    sums = [sum_vectors(data, head, MANIFEST, DIGEST) for data in (with_private, without)]
    assert np.array_equal(*sums)


def test_a_head_that_does_not_fit_is_refused():
    with pytest.raises(ReleaseError, match="one entry for each of 4 items"):
        sum_vectors(interactions([]), HEAD[:2], MANIFEST, DIGEST)
    with pytest.raises(ReleaseError, match="outside the head of 4"):
        sum_vectors(interactions([]), HEAD + 1, MANIFEST, DIGEST)


def test_a_mask_that_does_not_fit_is_refused():
    with pytest.raises(ReleaseError, match="one entry for each of 3 learners"):
        sum_vectors(interactions([]), HEAD, MANIFEST, DIGEST, np.ones(2, dtype=np.bool_))


def norm(tables, visits):
    """Squares of all that a learner with so many visits says."""
    return sum(
        times_said(name, visits, column) * value * value
        for name, table in tables.items()
        for column, value in enumerate(table[visits].tolist())
    )


def test_what_a_learner_can_say_stays_within_the_scale_for_any_number_of_visits():
    tables = value_tables(MANIFEST)
    assert all(norm(tables, visits) <= 4096**2 for visits in range(31))
    assert norm(tables, 30) > 4000**2


def test_a_row_one_unit_above_the_scale_is_scaled_down_as_the_specification_does():
    def tables(last):
        return {
            "together": np.array([[0, 0], [0, 0], [0, 30]]),
            "popularity": np.array([[0], [0], [last]]),
        }

    # Two visits: one pair and two of popularity: 30^2 + 2 * 40^2 = 4,100; 64^2 = 4,096.
    above, inside = tables(40), tables(39)
    for given in (above, inside):
        summing._limit_norms(given, 64)
    expected = limit_norm([30, 40, 40], 64)
    assert [above["together"][2, 1], above["popularity"][2, 0]] == expected[:2] == [29, 39]
    assert [inside["together"][2, 1], inside["popularity"][2, 0]] == [30, 39]


@pytest.mark.parametrize("visits", [1, 3, 5, 1000])
def test_runs_of_any_length_give_the_same_sums(monkeypatch, visits):
    rng = np.random.default_rng(0)
    rows = np.stack([rng.integers(0, 30, 200), rng.integers(0, 4, 200), np.arange(200)], axis=1)
    whole = sum_vectors(interactions(rows, 30), HEAD, MANIFEST, DIGEST)
    monkeypatch.setattr(summing, "_CHUNK_VISITS", visits)
    assert np.array_equal(sum_vectors(interactions(rows, 30), HEAD, MANIFEST, DIGEST), whole)


def test_a_manifest_with_large_values_does_not_overflow_half_a_number():
    large = replace(
        MANIFEST,
        scale=2**20,
        blocks=(Block("together", 741_455, 1), Block("direction", 741_455, 1)),
    )
    rows = [(who, item, item) for who in range(5_000) for item in (0, 1)]
    sums = sum_vectors(interactions(rows, 5_000), HEAD, large, DIGEST)
    parts = {name: int(sums[part].max()) for name, part in large.block_slices.items()}
    assert parts == {"together": 5_000 * 741_455, "direction": 5_000 * 741_455}


@pytest.mark.parametrize("spread", [1, 2**40, 2**62])
def test_order_is_stable_whatever_the_spread_of_the_values(spread):
    column = np.array([3, -1, 3, 0, -1], dtype=np.int64) * (spread // 2)
    assert stable_order(column).tolist() == np.argsort(column, kind="stable").tolist()
    assert stable_order(column[:0]).size == 0


def test_moments_far_apart_keep_their_order():
    far = 2**62
    rows = [(0, 0, -far), (0, 1, far), (1, 1, -far), (1, 0, far)]
    near = [(0, 0, 1), (0, 1, 2), (1, 1, 1), (1, 0, 2)]
    sums = [sum_vectors(interactions(each), HEAD, MANIFEST, DIGEST) for each in (rows, near)]
    assert np.array_equal(*sums)


def test_ties_between_a_learners_first_and_last_visits_need_no_hash(monkeypatch):
    """A day with many visits is dropped whole when enough came before and after it."""
    hashed = []
    true_hashes = visits_of._tie_hashes

    def counting(log, rows, digest):
        hashed.append(rows.size)
        return true_hashes(log, rows, digest)

    monkeypatch.setattr(visits_of, "_tie_hashes", counting)
    short = replace(MANIFEST, keep=2)
    tied_first = [(0, 0, 1), (0, 1, 1), (0, 2, 2), (0, 3, 3)]
    crossing = [(1, 0, 1), (1, 1, 2), (1, 2, 2), (1, 3, 3)]
    monkeypatch.setattr(visits_of, "STARTS", 0)
    sum_vectors(interactions(tied_first), HEAD, short, DIGEST)
    assert hashed == []
    sum_vectors(interactions(crossing), HEAD, short, DIGEST)
    monkeypatch.setattr(visits_of, "STARTS", 1)
    sum_vectors(interactions(tied_first), HEAD, short, DIGEST)
    assert hashed == [2, 2]
