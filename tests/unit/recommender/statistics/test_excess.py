"""What a member says of an item beyond its share (R35), on rounds on paper with real noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.catalogue import CatalogueItem
from recommender.poisoning.promotion import sum_histories
from recommender.release.manifest import default_manifest
from recommender.statistics.excess import LEAST_RISE, Rise, Watcher, find_promoted
from recommender.statistics.member_view import MemberView
from recommender.statistics.shares import MemberSums

ITEMS = 40
SIGMA_SQUARED = 5_194**2
MANIFEST = default_manifest(ITEMS, bytes(32), enrolled_counts=False, sigma_squared=SIGMA_SQUARED)
HEAD = np.arange(ITEMS, dtype=np.int32)
CATALOGUE = [CatalogueItem(f"item-{n}") for n in range(ITEMS)]
TARGET = 39
SIZES = (200, 400, 600, 900)


def honest(seed: int, learners: int) -> np.ndarray:
    """Learners who walk five neighbouring items and never reach the target."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, ITEMS - 6, learners)
    return sum_histories([[int(s) + n for n in range(5)] for s in starts], MANIFEST)


def invented(learners: int) -> np.ndarray:
    return sum_histories([[n % 30, (n + 1) % 30, TARGET] for n in range(learners)], MANIFEST)


def watcher(
    lies: dict[int, np.ndarray], *, anchors: tuple[int, ...] = (), seed: int = 0, members: int = 4
) -> Watcher:
    """The first member, after a round in which some lied instead of telling of their learners."""
    rng = np.random.default_rng([seed, 1])
    cells = np.stack(
        [lies[n] if n in lies else honest(10 * seed + n, SIZES[n]) for n in range(members)]
    )
    cells += np.rint(rng.normal(0, np.sqrt(SIGMA_SQUARED), cells.shape)).astype(np.int64)
    sums = MemberSums(
        MANIFEST,
        cells,
        np.full(members, float(SIGMA_SQUARED)),
        np.full(members, 1_000),
        np.isin(np.arange(members), anchors),
    )
    return Watcher(MemberView.of(sums), 0, HEAD, CATALOGUE)


def told(watching: Watcher, level: dict[int, float] | None = None) -> tuple[Rise, ...]:
    return find_promoted(watching, watching.stand(), level)


@pytest.mark.parametrize("anchors", [(), (3,)])
@pytest.mark.parametrize("members", [2, 3, 4])
def test_honest_rounds_tell_nothing(members: int, anchors: tuple[int, ...]) -> None:
    for seed in range(5):
        assert told(watcher({}, anchors=anchors, seed=seed, members=members)) == ()


def test_the_invented_learners_of_an_anchor_are_told_with_what_it_would_be_without_them() -> None:
    [rise] = told(watcher({3: invented(900)}, anchors=(3,)))
    assert rise.item == TARGET
    assert [row for row, _ in rise.carried] == [3]
    assert rise.height >= LEAST_RISE
    assert rise.carried[0][1] == pytest.approx(rise.height / rise.reach)
    assert rise.rank < rise.rank_without


def test_held_to_its_share_an_ordinary_member_has_nothing_to_be_told_of() -> None:
    assert told(watcher({3: invented(900)})) == ()


def test_two_who_promote_together_are_told_together() -> None:
    [rise] = told(watcher({2: invented(600), 3: invented(900)}, anchors=(2, 3)))
    assert rise.item == TARGET
    assert sorted(row for row, _ in rise.carried) == [2, 3]


def test_what_this_platform_says_itself_is_nothing_to_be_told_of() -> None:
    assert told(watcher({0: invented(900)}, anchors=(0,))) == ()


def test_of_two_members_the_other_is_told() -> None:
    [rise] = told(watcher({1: invented(400)}, anchors=(1,), members=2))
    assert (rise.item, rise.carried[0][0]) == (TARGET, 1)


def test_an_item_that_learners_are_said_to_begin_with_is_told_too() -> None:
    """The empty history is asked as well: whoever begins is shown where others began."""
    cells = honest(3, 900)
    cells[MANIFEST.block_slices["starts"]][TARGET] = 900 * MANIFEST.scale // 4
    assert TARGET in [rise.item for rise in told(watcher({3: cells}, anchors=(3,)))]


def test_what_was_told_is_told_again_only_when_it_stands_higher() -> None:
    watching = watcher({3: invented(900)}, anchors=(3,))
    [rise] = told(watching)
    assert told(watching, {TARGET: rise.reach}) == ()
    assert told(watching, {TARGET: rise.reach - LEAST_RISE}) == (rise,)


def test_slow_drift_adds_up_to_what_one_round_would_be() -> None:
    """Sums over all rounds are looked at: no step has to be large."""
    once = watcher({3: honest(3, 850) + invented(50)}, anchors=(3,))
    assert told(once) == ()
    sums = once.view.members
    cells = sums.cells.copy()
    cells[3] += 11 * invented(50)
    later = replace(sums, cells=cells)
    rises = told(replace(once, view=MemberView.of(later)))
    assert [rise.item for rise in rises] == [TARGET]


def test_without_pairs_and_starts_nothing_is_told() -> None:
    bare = replace(MANIFEST, blocks=tuple(b for b in MANIFEST.blocks if b.name == "popularity"))
    sums = MemberSums(
        bare,
        np.ones((3, bare.cells), np.int64),
        np.ones(3),
        np.zeros(3, np.int64),
        np.ones(3, bool),
    )
    assert told(Watcher(MemberView.of(sums), 0, HEAD, CATALOGUE)) == ()
