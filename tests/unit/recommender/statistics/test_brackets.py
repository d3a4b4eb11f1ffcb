"""What a member has sent says how many learners it can have, whatever it declared (R14)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.poisoning.promotion import sum_histories
from recommender.release.manifest import default_manifest
from recommender.statistics.brackets import believed_learners, contradicted, learner_range
from recommender.statistics.member_view import MemberView
from recommender.statistics.shares import MemberSums, limit_shares, member_sizes

ITEMS = 60
SIGMA_SQUARED = 5_194**2
MANIFEST = default_manifest(ITEMS, bytes(32), enrolled_counts=False, sigma_squared=SIGMA_SQUARED)
SIZES = (60, 500, 700, 3_000)
BRACKETS = (100, 1_000, 1_000, 10_000)
POPULARITY = MANIFEST.block_slices["popularity"]


def learners(number: int, longest: int, seed: int) -> np.ndarray:
    """Of learners with two to so many items each."""
    rng = np.random.default_rng(seed)
    histories = [
        rng.permutation(ITEMS)[: rng.integers(2, longest + 1)].tolist() for _ in range(number)
    ]
    return sum_histories(histories, MANIFEST)


def members(
    cells: list[np.ndarray], brackets: tuple[int, ...] = BRACKETS, seed: int = 0
) -> MemberSums:
    stacked = np.stack(cells)
    noise = np.random.default_rng(seed).normal(0, np.sqrt(SIGMA_SQUARED), stacked.shape)
    return MemberSums(
        MANIFEST,
        stacked + np.rint(noise).astype(np.int64),
        np.full(len(cells), float(SIGMA_SQUARED)),
        np.array(brackets),
        np.zeros(len(cells), dtype=bool),
    )


@pytest.fixture(scope="module")
def honest() -> list[np.ndarray]:
    return [learners(size, 12, seed) for seed, size in enumerate(SIZES)]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 300), st.integers(2, ITEMS), st.integers(0, 1_000))
def test_an_honest_number_of_learners_is_always_within_its_range(number, longest, seed):
    one = members([learners(number, longest, seed)] * 2, (0, 0), seed)
    fewest, most = learner_range(one)
    assert (fewest <= number).all()
    assert (most >= number).all()


def test_honest_members_are_not_doubted_and_count_for_what_they_did(honest):
    for seed in range(20):
        sums = members(honest, seed=seed)
        assert not contradicted(sums).any()
        assert (believed_learners(sums) >= SIZES).all()
        believed = replace(sums, learners=believed_learners(sums))
        assert np.array_equal(member_sizes(believed), member_sizes(sums))


def test_a_bracket_above_or_below_what_was_sent_is_contradicted(honest):
    sums = members(honest, (100, 10_000, 100, 10_000))
    assert contradicted(sums).tolist() == [False, True, True, False]
    assert contradicted(members(honest, (0, 0, 0, 0))).tolist() == [False] * 4
    _, most = learner_range(sums)
    assert believed_learners(sums)[1] == int(np.ceil(most[1])) < 1_000


def test_popularity_alone_buys_no_share_but_is_contradicted(honest):
    lying = [cells.copy() for cells in honest]
    lying[0][POPULARITY] += 60_000  # as of some 900 learners with 15 items each
    sums = members(lying, (1_000, 1_000, 1_000, 10_000))
    fewest, most = learner_range(sums)
    assert fewest[0] > most[0]
    assert contradicted(sums).tolist() == [True, False, False, False]
    believed = replace(sums, learners=believed_learners(sums))
    assert member_sizes(believed)[0] < 0.6 * member_sizes(sums)[0]


def test_whoever_invents_learners_one_by_one_is_consistent_up_to_its_bracket(honest):
    invented = [learners(900, 12, 7), *honest[1:]]
    assert not contradicted(members(invented, (1_000, 1_000, 1_000, 10_000))).any()
    assert contradicted(members(invented)).tolist() == [True, False, False, False]


def test_a_manifest_without_totals_tells_nothing():
    bare = replace(MANIFEST, blocks=tuple(b for b in MANIFEST.blocks if b.name == "direction"))
    cells = np.ones((3, bare.cells), np.int64)
    sums = MemberSums(bare, cells, np.ones(3), np.array([0, 100, 1_000]), np.zeros(3, bool))
    assert believed_learners(sums).tolist() == [0, 100, 1_000]
    assert not contradicted(sums).any()


def test_the_same_sums_give_the_same_view(honest):
    one, two = (MemberView.of(members(honest)) for _ in range(2))
    assert np.array_equal(one.counted, two.counted)
    assert np.array_equal(one.counted, limit_shares(members(honest)))
