"""Where learners begin: own and released starts, and when they are forgotten."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.catalogue import CatalogueItem
from recommender.interactions import VERB_INDEX, Interactions
from recommender.release.manifest import default_manifest
from recommender.release.sum import sum_vectors
from recommender.statistics.fit import fit_serving
from recommender.statistics.merged import in_learner_units
from recommender.statistics.sequences import build_sequences
from recommender.statistics.starts import own_length, own_starts, released_length, start_part
from recommender.trial import privacy_for, run_pooled, sum_platforms

ITEMS = 60
DIGEST = b"d" * 32


def course(learners: int, length: int) -> Interactions:
    """Everybody begins with items 50 to 53, in any order, and goes on anywhere else."""
    rng = np.random.default_rng(5)
    histories = [
        np.concatenate([50 + rng.permutation(4), rng.permutation(50)[: length - 4]])
        for _ in range(learners)
    ]
    items = np.concatenate(histories).astype(np.int32)
    return Interactions(
        learner_ids=tuple(f"lp1_{number}" for number in range(learners)),
        item_ids=tuple(f"item-{number}" for number in range(ITEMS)),
        learner=np.repeat(np.arange(learners), length).astype(np.int32),
        item=items,
        timestamp=np.tile(np.arange(length), learners).astype(np.int64),
        order=np.zeros(items.size, np.int64),
        verb=np.full(items.size, VERB_INDEX["viewed"], np.int8),
        score=np.full(items.size, np.nan, np.float32),
    )


def released(log: Interactions, epsilon: float):
    merged = run_pooled(sum_platforms([log], ("viewed",)), privacy_for(epsilon), 0)
    catalogue = [CatalogueItem(item) for item in log.item_ids]
    head = np.arange(ITEMS, dtype=np.int32)
    return fit_serving(catalogue=catalogue, head=head, merged=merged, prior="none")


def test_own_starts_are_what_a_release_sums_without_its_grid():
    log = course(20, 12)
    manifest = default_manifest(ITEMS, DIGEST, enrolled_counts=False)
    sums = sum_vectors(log, np.arange(ITEMS, dtype=np.int32), manifest, DIGEST)
    ours = own_starts(build_sequences(log, ("viewed",)), ITEMS, 0)
    theirs = sums[manifest.block_slices["starts"]] / 600
    assert np.abs(ours - theirs).max() < 20 / 600
    assert ours.sum() == pytest.approx(20 * 1.7253, abs=0.01)


def test_an_item_that_few_began_with_does_not_count():
    log = course(20, 12)
    histories = build_sequences(log, ("viewed",))
    learners = np.zeros(ITEMS, int)
    for who in range(20):
        np.add.at(learners, histories.history(who)[:8], 1)
    starts = own_starts(histories, ITEMS, 10)
    assert ((starts > 0) == (learners >= 10)).all()
    assert set(np.flatnonzero(starts)) >= {50, 51, 52, 53}


def test_a_learner_without_history_is_offered_what_others_began_with():
    """40 items come after the first four, so the last 30 say nothing of them."""
    model = released(course(2_000, 44), 4.0)
    assert set(np.argsort(-model.score([]).total)[:4].tolist()) == {50, 51, 52, 53}
    assert set(np.argsort(-model.merged_popularity)[:4].tolist()) & {50, 51, 52, 53} == set()


def test_sums_of_an_older_manifest_leave_popularity_alone():
    log = course(500, 8)
    sums = sum_platforms([log], ("viewed",))
    three = replace(sums.manifest, blocks=sums.manifest.blocks[:3])
    merged = run_pooled(replace(sums, manifest=three, exact=sums.exact[:, : three.cells]),
                        privacy_for(4.0), 0)  # fmt: skip
    catalogue = [CatalogueItem(item) for item in log.item_ids]
    head = np.arange(ITEMS, dtype=np.int32)
    model = fit_serving(catalogue=catalogue, head=head, merged=merged, prior="none")
    assert not model.starts.strengths.any()
    assert model.score([]).parts["merged_popularity"].any()


@pytest.mark.parametrize("length", [4, 9, 25, 44])
def test_the_length_of_histories_is_read_off_the_release(length):
    log = course(3_000, length)
    sums = sum_platforms([log], ("viewed",))
    noised = in_learner_units(sums.exact[0], sums.manifest, 0.0)
    usual = min(length, 30)
    assert released_length(noised) == pytest.approx(usual, rel=0.15)
    assert own_length(build_sequences(log, ("viewed",))) == pytest.approx(usual)


def test_starts_fade_with_every_item_known_and_sooner_where_histories_are_short():
    estimated = np.array([100.0, 10.0, 0.0])
    short, long = (start_part(estimated, estimated, 0.0, length) for length in (3.0, 30.0))
    assert short.strengths.tolist() == long.strengths.tolist()
    assert short.memory[0] == pytest.approx(1 / 6)
    assert long.memory[0] == pytest.approx(2 / 3)


def test_starts_that_are_noise_count_for_nothing():
    seen = np.array([2.0, -1.0, 1.5, -2.0])
    assert not start_part(np.maximum(seen, 0.0), seen, 2.0, 10.0).strengths.any()
