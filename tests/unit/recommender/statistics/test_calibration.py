"""Weights learned from released sums: they follow what the release tells, and only that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.catalogue import CatalogueItem
from recommender.statistics.blend import PublicWeights, own_blend, released_blend
from recommender.statistics.calibration import (
    MOST,
    learn_weights,
    prior_weights,
    split_noise,
)
from recommender.statistics.merged import Noised
from recommender.statistics.order import fit_order
from recommender.statistics.serving_model import PARTS
from recommender.statistics.serving_parts import TextPart

SIZE = 60
HEAD = np.arange(SIZE, dtype=np.int32)
GROUPS = np.arange(SIZE) % 10


def likeness(groups):
    """Texts: all items of one group are alike."""
    others = [np.flatnonzero((groups == group) & (at != HEAD)) for at, group in enumerate(groups)]
    width = max(map(len, others))
    near = np.zeros((SIZE, width), dtype=np.int32)
    weight = np.zeros((SIZE, width), dtype=np.float32)
    for at, found in enumerate(others):
        near[at, : len(found)], weight[at, : len(found)] = found, 1.0
    return TextPart(near, weight)


def sums(learners, sd, seed=0, groups=GROUPS):
    """Pairs of one group go together four times as often as others; noised."""
    rng = np.random.default_rng(seed)
    rate = 1.0 + 19.0 * (groups[:, None] == groups[None, :])
    # Few pairs of a group are strong: what is strong is seen anyway, the rest only by its text.
    rate *= np.exp(1.5 * rng.standard_normal((SIZE, SIZE)))
    rate = np.triu(rate, 1)
    rate = learners * (rate + rate.T) / rate.sum()
    noise = np.triu(rng.standard_normal((SIZE, SIZE)), 1) * sd
    turned = np.triu(rng.standard_normal((SIZE, SIZE)), 1) * 3 * sd
    return Noised(
        rate + noise + noise.T,
        turned - turned.T,
        rate.sum(axis=0) + 3 * sd * rng.standard_normal(SIZE),
        np.zeros(SIZE),
        sd,
        3 * sd,
        3 * sd,
        0.0,
    )


def entries(described=True):
    return [CatalogueItem(str(at), description=f"text {at}" * described) for at in range(SIZE)]


def learned(noised, groups):
    catalogue = entries()
    return learn_weights(noised, catalogue, HEAD, likeness(groups), fit_order(catalogue))


def test_texts_that_say_what_goes_together_count_more_than_texts_that_do_not():
    noised = sums(60_000, 5.0)
    junk = np.random.default_rng(9).permutation(GROUPS)
    true, false = learned(noised, GROUPS), learned(noised, junk)
    assert true.text > 3 * false.text
    assert false.text < 0.04


def test_a_release_that_tells_nothing_leaves_the_prior():
    noised = sums(10, 50.0)
    found = learned(noised, GROUPS)
    prior = prior_weights(entries(), noised)
    assert (found.text, found.order) == pytest.approx((prior.text, prior.order), abs=0.02)
    assert found.popularity < 0.03


def test_weights_stay_within_their_bounds_for_any_sums():
    rng = np.random.default_rng(5)
    for seed in range(5):
        scale = 10.0 ** rng.integers(-3, 6)
        noised = sums(scale, float(10.0 ** rng.integers(-2, 4)), seed)
        found = learned(noised, GROUPS)
        assert 0 <= found.text <= MOST[0]
        assert 0 <= found.order <= MOST[1]
        assert 0 <= found.popularity <= 0.15


def test_popularity_counts_more_where_pairs_are_clear():
    clear, faint = (learned(sums(60_000, sd), GROUPS).popularity for sd in (5.0, 500.0))
    assert clear > 0.1
    assert faint < 0.06


def test_equal_sums_give_equal_weights():
    assert learned(sums(5_000, 5.0), GROUPS) == learned(sums(5_000, 5.0), GROUPS)


def test_both_halves_of_split_noise_have_the_sum_as_mean_and_are_uncorrelated():
    noised = sums(0.0001, 1.0)
    first, second, sd = split_noise(noised, np.random.default_rng(1))
    upper = np.triu_indices(SIZE, 1)
    one = first.together[upper]
    two = (second + second.T)[upper]  # directions cancel
    assert one.std() == pytest.approx(first.together_sd, rel=0.05)
    assert (second[upper]).std() == pytest.approx(sd, rel=0.06)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.08


def test_descriptions_of_their_own_and_stated_positions_count_before_any_release():
    noised = sums(1_000, 5.0)
    told, untold = prior_weights(entries(), noised), prior_weights(entries(described=False), noised)
    assert told.text > untold.text
    placed = [CatalogueItem(str(at), position=at) for at in range(SIZE)]
    assert prior_weights(placed, noised).order > untold.order


def test_without_noise_the_prior_is_all_there_is():
    noised = sums(1_000, 0.0)
    catalogue = entries()
    found = learn_weights(noised, catalogue, HEAD, likeness(GROUPS), fit_order(catalogue))
    assert found == prior_weights(catalogue, noised)


def test_the_blends_name_parts_of_a_serving_model():
    public = PublicWeights(0.2, 0.1, 0.05)
    assert released_blend(public) == pytest.approx(
        {"merged": 3.6, "text": 0.72, "order": 0.36, "merged_popularity": 0.18, "starts": 4.32}
    )
    assert set(own_blend(public)) == set(PARTS) - {"reranker"}


def test_a_platform_of_half_the_head_learns_from_its_own_items_alone():
    noised, catalogue = sums(60_000, 5.0), entries()
    half = np.where(HEAD % 2 == 0, HEAD, -1).astype(np.int32)
    text, order = likeness(GROUPS), fit_order(catalogue)
    spoiled = replace(noised, together=np.where(np.add.outer(HEAD, HEAD) % 2, 1e6, noised.together))
    assert learn_weights(noised, catalogue, half, text, order) == learn_weights(
        spoiled, catalogue, half, text, order
    )


def test_items_outside_the_head_are_left_out_and_an_empty_head_gives_the_prior():
    catalogue = entries()
    outside = np.full(SIZE, -1, dtype=np.int32)
    outside[:2] = (0, 1)
    small = Noised(np.zeros((2, 2)), np.zeros((2, 2)), np.zeros(2), np.zeros(2), 1.0, 1.0, 1.0, 0.0)
    found = learn_weights(small, catalogue, outside, likeness(GROUPS), fit_order(catalogue))
    assert found.text == pytest.approx(0.16, abs=0.02)
