"""A training's integers: contract, clip, noise, start, update, and lengths of all these."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent
from dp_accounting.rdp import RdpAccountant
from opacus import GradSampleModule
from opacus.accountants.analysis.rdp import compute_rdp

from recommender.errors import ManifestError, ReleaseError
from recommender.network.budget import (
    keeps_contract,
    least_noise,
    make_training,
    require_contract,
    sampled_cost,
)
from recommender.network.private import (
    SecureChance,
    SeededChance,
    clipped_integers,
    learner_losses,
    train_steps,
)
from recommender.network.public_features import public_features
from recommender.network.train import padded
from recommender.network.update import build_network, encode_update, read_parameters
from recommender.release.accounting import epsilon
from recommender.release.manifest import Manifest, default_manifest
from recommender.release.noise import ExactNoise, FastNoise
from recommender.release.training import count_features, count_parameters, read_training
from recommender.statistics.sequences import from_lists

ITEMS = 9
DELTA = Fraction(1, 10**6)
MANIFEST = default_manifest(ITEMS, bytes(32), enrolled_counts=True)
TRAINING = make_training(ITEMS, MANIFEST.rho, DELTA, rounds=2, steps=3)
KEYS = [f"urn:{index}" for index in range(ITEMS)]
FEATURES = public_features(KEYS, [f"course {index} on trees" for index in range(ITEMS)])
HISTORIES = from_lists([[0, 1, 2], [3, 4], [5], [8, 7, 6, 5, 4], [1, 0], []])


class NoNoise:
    name = "none"

    def draw(self, cells, sigma_squared):
        return np.zeros(cells, np.int64)


def train(histories=HISTORIES, training=TRAINING, noise=None, chance=None):
    network = build_network(training, FEATURES, bytes(32))
    before = read_parameters(network)
    source = noise or FastNoise(np.random.default_rng(0))
    train_steps(
        network, histories, training, source, chance or SeededChance(np.random.default_rng(1))
    )
    return before, read_parameters(network)


# --- what it costs ------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "multiplier"), [(0.25, 2.5), (0.04, 1.0), (1.0, 5.0)])
def test_the_cost_of_a_step_is_the_accountants(rate, multiplier):
    orders = [2, 3, 8, 17, 32]
    theirs = compute_rdp(q=rate, noise_multiplier=multiplier, steps=1, orders=orders)
    ours = [sampled_cost(order, rate, multiplier) for order in orders]
    assert ours == pytest.approx(list(theirs), rel=1e-6)


def test_a_training_stays_within_the_epsilon_claimed_by_another_accountant():
    usual = make_training(238, MANIFEST.rho, DELTA)
    accountant = RdpAccountant()
    step = PoissonSampledDpEvent(0.25, GaussianDpEvent(usual.noise_multiplier))
    accountant.compose(step, usual.rounds * usual.steps)
    claimed = epsilon(usual.rho_training, DELTA)
    assert accountant.get_epsilon(1e-6) <= claimed
    assert accountant.get_epsilon(1e-6) >= 0.9 * claimed  # and wastes little


def test_the_contract_holds_between_whole_orders_too():
    steps = TRAINING.rounds * TRAINING.steps
    orders = np.linspace(2, TRAINING.orders, 60)
    cost = compute_rdp(
        q=0.25, noise_multiplier=TRAINING.noise_multiplier, steps=steps, orders=list(orders)
    )
    assert (np.asarray(cost) <= float(TRAINING.rho_training) * orders).all()


def test_a_training_costs_a_learner_no_more_than_a_release():
    assert TRAINING.rho_training == MANIFEST.rho
    assert keeps_contract(TRAINING)
    weaker = math.isqrt(TRAINING.sigma_squared) - TRAINING.scale // 500
    assert not keeps_contract(replace(TRAINING, sigma_squared=weaker**2))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sigma_squared": 2**30}, "too little"),
        ({"steps": 4}, "too little"),
        ({"sample_rate": (1, 2)}, "too little"),
        ({"orders": 4}, "up to Renyi order 4"),
    ],
)
def test_a_member_proves_the_founders_figures_for_itself(change, said):
    require_contract(TRAINING, DELTA)
    with pytest.raises(ManifestError, match=said):
        require_contract(replace(TRAINING, **change), DELTA)


def test_more_steps_than_any_noise_can_hide_are_refused():
    with pytest.raises(ManifestError, match="no noise"):
        least_noise(replace(TRAINING, rounds=1_000, steps=10_000, rho=(1, 10**12)))


# --- the manifest -------------------------------------------------------------------------------


def test_a_manifest_with_a_training_is_read_back_and_one_without_has_the_old_fields():
    whole = replace(MANIFEST, training=TRAINING)
    assert Manifest.from_dict(whole.to_dict()) == whole
    assert "training" not in MANIFEST.to_dict()
    assert set(whole.to_dict()) - set(MANIFEST.to_dict()) == {"training"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rho": (1, 2)}, "costs rho"),
        ({"parameters": 7}, "7 parameters"),
        ({"width": 3}, "parameters"),
    ],
)
def test_a_manifest_whose_training_does_not_fit_is_refused(change, said):
    with pytest.raises(ManifestError, match=said):
        replace(MANIFEST, training=replace(TRAINING, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"rounds": 0},
        {"steps": True},
        {"sample_rate": [5, 4]},
        {"momentum": [1, 1]},
        {"rho": [1]},
        {"sigma_squared": 63},
        {"surplus": 1},
        {"rate": [0, 1]},
    ],
)
def test_constants_out_of_range_are_refused(change):
    with pytest.raises(ManifestError, match="training"):
        read_training({**TRAINING.to_dict(), **change})


# --- features and start -------------------------------------------------------------------------


@pytest.mark.parametrize("items", [2, 9, 300])
def test_features_and_parameters_have_the_lengths_that_the_manifest_says(items):
    keys = [f"k{index}" for index in range(items)]
    features = public_features(keys, ["same words here"] * items)
    assert features.shape == (items, count_features(items))
    assert (np.linalg.norm(features, axis=1) <= 1 + 1e-6).all()
    assert len(np.unique(features, axis=0)) == items
    training = replace(TRAINING, parameters=count_parameters(items, TRAINING.width))
    assert read_parameters(build_network(training, features, bytes(32))).size == training.parameters


def test_equal_words_make_equal_features_and_rare_ones_weigh_more():
    features = public_features(["a", "b", "c"], ["oak course", "oak course", "elm course"])
    words = features[:, :64]
    assert np.array_equal(words[0], words[1])
    assert words[0] @ words[2] == pytest.approx(0, abs=1e-6)  # "course" is everywhere


def test_the_start_is_the_manifests_alone():
    start = read_parameters(build_network(TRAINING, FEATURES, b"\x01" * 32))
    torch.manual_seed(99)
    again = read_parameters(build_network(TRAINING, FEATURES, b"\x01" * 32))
    other = read_parameters(build_network(TRAINING, FEATURES, b"\x02" * 32))
    assert np.array_equal(start, again)
    assert not np.array_equal(start, other)
    assert start[:3].tolist() == pytest.approx([0.0012015, 0.0447246, -0.0610058], abs=1e-6)


def test_merged_integers_move_the_start_and_a_wrong_length_is_refused():
    steps = np.zeros(TRAINING.parameters, np.int64)
    steps[5] = 3 * TRAINING.grid
    start = read_parameters(build_network(TRAINING, FEATURES, bytes(32)))
    moved = read_parameters(build_network(TRAINING, FEATURES, bytes(32), steps))
    assert (moved - start).nonzero()[0].tolist() == [5]
    assert moved[5] - start[5] == pytest.approx(3, abs=1e-6)
    with pytest.raises(ReleaseError, match="merged parameters"):
        build_network(TRAINING, FEATURES, bytes(32), steps[1:])


# --- the steps ----------------------------------------------------------------------------------


def gradients(scale, rows=None):
    network = build_network(TRAINING, FEATURES, bytes(32)).train()
    table = padded(HISTORIES, ITEMS) if rows is None else rows
    module = GradSampleModule(network, batch_first=True, loss_reduction="sum", strict=True)
    torch.autograd.backward(1_000 * learner_losses(network, table).sum())
    return module, clipped_integers(network, scale)


@pytest.mark.parametrize("scale", [8, 4096, 2**20])
def test_no_learner_moves_a_step_by_more_than_the_scale(scale):
    _, integers = gradients(scale)
    squares = (integers**2).sum(dim=1)
    assert (squares <= scale**2).all()
    assert squares[2] == squares[5] == 0  # one item, or none: nothing comes next
    if scale == 2**20:
        assert (squares[[0, 1, 3, 4]] > 0.99 * scale**2).all()  # the clip bites, little is cut off


def test_what_is_no_number_counts_as_nothing():
    network, _ = gradients(4096)
    for parameter in network.parameters():
        parameter.grad_sample = torch.full((2, *parameter.shape), torch.nan)
    assert clipped_integers(network, 4096).abs().sum() == 0


def test_a_learner_alone_and_among_others_adds_the_same_integers():
    table = padded(HISTORIES, ITEMS)
    _, together = gradients(4096, table)
    for index in (0, 3):
        _, alone = gradients(4096, table[index : index + 1])
        assert (together[index] - alone[0]).abs().max() <= 1  # float sums in another order


def test_without_learners_the_update_is_noise_of_the_same_length():
    for histories in (from_lists([]), from_lists([[1], [2]]), HISTORIES):
        before, after = train(histories)
        assert (after != before).mean() > 0.99
        assert len(encode_update(before, after, TRAINING)) == TRAINING.update_bytes
    before, after = train(from_lists([]), noise=NoNoise())
    assert np.array_equal(before, after)


def test_every_step_gets_the_manifests_noise_on_every_parameter():
    drawn = []

    class Watched(FastNoise):
        def draw(self, cells, sigma_squared):
            drawn.append((cells, sigma_squared))
            return super().draw(cells, sigma_squared)

    train(from_lists([]), noise=Watched(np.random.default_rng(0)))
    assert drawn == [(TRAINING.parameters, TRAINING.sigma_squared)] * TRAINING.steps


def test_a_release_can_use_the_exact_sampler_and_chance_of_the_system():
    few = replace(TRAINING, steps=1)
    first = train(noise=ExactNoise(), chance=SecureChance(), training=few)[1]
    second = train(noise=ExactNoise(), chance=SecureChance(), training=few)[1]
    assert not np.array_equal(first, second)


def test_chance_is_independent_and_as_likely_as_the_rate_says():
    picked = SecureChance().pick(100_000, (1, 4))
    assert abs(picked.mean() - 0.25) < 5 * math.sqrt(0.1875 / 100_000)
    assert SecureChance().pick(7, (1, 1)).all()
    assert SecureChance().pick(0, (1, 4)).shape == (0,)


# --- the update ---------------------------------------------------------------------------------


def test_an_update_is_the_change_in_grid_units_cut_toward_zero():
    training = replace(TRAINING, grid=10, entry=50, norm=10**6)
    before = np.zeros(4, np.float32)
    after = np.array([0.19, -0.19, 9.0, np.nan], np.float32)
    update = np.frombuffer(encode_update(before, after, training), "<i4")
    assert update.tolist() == [1, -1, 50, 0]


def test_an_update_is_scaled_down_to_its_norm():
    training = replace(TRAINING, grid=1, entry=1_000, norm=5)
    update = encode_update(np.zeros(2, np.float32), np.array([30, -40], np.float32), training)
    assert np.frombuffer(update, "<i4").tolist() in ([3, -4], [2, -3], [2, -4], [3, -3])


def test_learning_together_finds_the_next_item():
    """Without noise the steps lower the loss: the machinery learns at all."""
    many = from_lists([[i % ITEMS, (i + 1) % ITEMS, (i + 2) % ITEMS] for i in range(90)])
    training = replace(TRAINING, steps=30, batch=20, rate=(1, 10))
    before = build_network(training, FEATURES, bytes(32))
    rows = padded(many, ITEMS)
    start = learner_losses(before, rows).mean().item()
    network = build_network(training, FEATURES, bytes(32))
    chance = SeededChance(np.random.default_rng(3))
    train_steps(network, many, training, NoNoise(), chance)
    assert learner_losses(network, rows).mean().item() < 0.7 * start
