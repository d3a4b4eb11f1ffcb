"""DP-SGD: per-sample gradients, the clip, empty steps, noise, and two accountants that agree."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import dp_accounting
import numpy as np
import pytest
import torch
from dp_accounting.rdp import RdpAccountant
from opacus import GradSampleModule
from opacus.optimizers import DPOptimizer

from recommender.errors import EvaluationError
from recommender.network.budget import Plan, make_plan, popularity_variance, sample_rate_for
from recommender.network.encoder import SequenceEncoder
from recommender.network.private import (
    epsilon_of,
    learner_losses,
    noise_multiplier_for,
    train_private,
)
from recommender.network.train import padded, seeded
from recommender.release.accounting import epsilon
from recommender.statistics.sequences import from_lists

ITEMS = 9
HISTORIES = from_lists([[0, 1, 2], [3, 4], [5], [8, 7, 6, 5, 4], [1, 0], []])
PLAN = Plan(4.0, 1e-6, 0.0, 0.0, sample_rate=0.04, steps=100)


def encoder(blocks=1, seed=0):
    features = np.random.default_rng(1).standard_normal((ITEMS, 6)).astype(np.float32)
    with seeded(seed):
        return SequenceEncoder(features, np.zeros(ITEMS, np.float32), width=5, blocks=blocks)


def weights(network):
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


@pytest.mark.parametrize("blocks", [0, 2])
def test_per_sample_gradients_are_those_of_batches_of_one(blocks):
    network = encoder(blocks)
    table = padded(HISTORIES, ITEMS)
    alone = []
    for row in table:
        network.zero_grad()
        torch.autograd.backward(learner_losses(network, row[None]).sum())
        alone.append([parameter.grad.clone() for parameter in network.parameters()])
    network.zero_grad()
    module = GradSampleModule(network, batch_first=True, loss_reduction="sum", strict=True)
    torch.autograd.backward(learner_losses(network, table).sum())
    for place, parameter in enumerate(module.parameters()):
        expected = torch.stack([gradients[place] for gradients in alone])
        assert parameter.grad_sample.shape == expected.shape
        assert torch.allclose(parameter.grad_sample, expected, atol=1e-6)
    assert any(gradient.abs().sum() > 0 for gradient in alone[0])
    assert all(gradient.abs().sum() == 0 for gradient in alone[2])  # one item: nothing comes next


def test_tying_by_a_product_with_the_embedding_would_fail_that_comparison():
    # Why the encoder ties nothing: the output's part of the gradient is missing without a word.
    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(ITEMS, 4)

        def forward(self, items):
            return torch.nn.functional.linear(self.embedding(items), self.embedding.weight)

    with seeded(0):
        network = Tied()
    row = torch.tensor([[0, 1]])
    torch.autograd.backward(network(row).square().sum())
    exact = network.embedding.weight.grad.clone()
    module = GradSampleModule(network, batch_first=True, loss_reduction="sum")
    torch.autograd.backward(module(row).square().sum())
    assert not torch.allclose(network.embedding.weight.grad_sample[0], exact, rtol=0.1)


def test_one_learner_moves_a_step_by_at_most_the_clip():
    def summed(table):
        network = encoder()
        module = GradSampleModule(network, batch_first=True, loss_reduction="sum", strict=True)
        optimizer = DPOptimizer(
            torch.optim.SGD(module.parameters(), lr=1.0),
            noise_multiplier=0.0,
            max_grad_norm=0.25,
            expected_batch_size=None,
            loss_reduction="sum",
        )
        torch.autograd.backward(learner_losses(network, table).sum())
        optimizer.step()
        return weights(network) - weights(encoder())

    table = padded(HISTORIES, ITEMS)
    for left_out in range(len(table)):
        without = torch.cat([table[:left_out], table[left_out + 1 :]])
        assert torch.linalg.vector_norm(summed(table) - summed(without)) <= 0.25 + 1e-5
    assert torch.linalg.vector_norm(summed(table[:1])) > 0.24  # the clip bites


def test_an_empty_step_is_noised_and_counted():
    plan = replace(PLAN, sample_rate=1e-9, steps=5)
    network = encoder()
    run = train_private(network, HISTORIES, plan, seed=0, noise_multiplier=1.0)
    assert run.learners == (0, 0, 0, 0, 0)
    moved = weights(network) - weights(encoder())
    assert torch.isfinite(moved).all()
    assert (moved != 0).all()
    still = encoder()
    train_private(still, HISTORIES, plan, seed=0, noise_multiplier=0.0)
    assert torch.equal(weights(still), weights(encoder()))


def test_steps_are_poisson_and_physical_batches_change_nothing(monkeypatch):
    many = from_lists([[who % ITEMS, (who + 1) % ITEMS, (who + 3) % ITEMS] for who in range(200)])
    plan = replace(PLAN, sample_rate=0.25, steps=16)
    whole, split = encoder(), encoder()
    run = train_private(whole, many, plan, seed=3, noise_multiplier=0.5)
    monkeypatch.setattr("recommender.network.private.PHYSICAL_BATCH", 16)
    again = train_private(split, many, plan, seed=3, noise_multiplier=0.5)
    assert run.learners == again.learners
    assert torch.allclose(weights(whole), weights(split), atol=1e-3)
    counts = np.array(run.learners)
    assert len(counts) == 16
    assert abs(counts.mean() - 50) < 4 * math.sqrt(37.5 / 16)
    assert 5 < counts.var(ddof=1) < 120  # binomial: 37.5; a fixed batch would have none


def test_the_same_seed_gives_the_same_network_and_another_other_noise():
    plan = replace(PLAN, sample_rate=0.5, steps=4)
    trained = []
    for seed in (0, 0, 1):
        network = encoder()
        train_private(network, HISTORIES, plan, seed, noise_multiplier=1.0)
        trained.append(weights(network))
    assert torch.equal(trained[0], trained[1])
    assert not torch.equal(trained[0], trained[2])


def test_global_randomness_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    plan = replace(PLAN, sample_rate=0.5, steps=2)
    train_private(encoder(), HISTORIES, plan, 0, noise_multiplier=1.0)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(
    ("multiplier", "rate", "steps"), [(1.0, 0.04, 150), (0.7, 0.01, 500), (3.0, 0.25, 60)]
)
def test_two_accountants_agree_on_training(multiplier, rate, steps):
    ours = epsilon_of(replace(PLAN, sample_rate=rate, steps=steps), multiplier)
    accountant = RdpAccountant()
    step = dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(multiplier))
    accountant.compose(step, steps)
    assert ours == pytest.approx(accountant.get_epsilon(1e-6), rel=0.01)


def test_two_accountants_agree_on_one_budget_with_the_statistics():
    rho = 0.1
    ours = epsilon_of(replace(PLAN, rho_statistics=rho), 1.5)
    accountant = RdpAccountant()
    step = dp_accounting.PoissonSampledDpEvent(0.04, dp_accounting.GaussianDpEvent(1.5))
    accountant.compose(step, 100)
    accountant.compose(dp_accounting.GaussianDpEvent(1 / math.sqrt(2 * rho)))
    assert ours == pytest.approx(accountant.get_epsilon(1e-6), rel=0.01)


@pytest.mark.parametrize("target", [0.5, 1.0, 4.0, 8.0])
def test_the_noise_keeps_the_plan_and_is_no_larger_than_it_must(target):
    plan = replace(PLAN, epsilon=target)
    multiplier = noise_multiplier_for(plan)
    assert epsilon_of(plan, multiplier) <= target
    assert epsilon_of(plan, multiplier - 0.002) > target


def test_what_statistics_spend_is_missing_in_training():
    rho = Fraction(1, 4)
    halves = make_plan(4.0, Fraction(1, 10**6), rho, 0.1, 50, statistics_percent=50)
    alone = make_plan(4.0, Fraction(1, 10**6), rho, 0.1, 50, statistics_percent=0)
    assert halves.rho_statistics == pytest.approx(0.125)
    assert alone.rho_statistics == 0
    assert noise_multiplier_for(halves) > noise_multiplier_for(alone)
    assert popularity_variance(0.5, 10) == 100
    with pytest.raises(EvaluationError, match="the network is off"):
        make_plan(4.0, Fraction(1, 10**6), rho, 0.1, 50)
    with pytest.raises(EvaluationError, match="give 0 to 100"):
        make_plan(4.0, Fraction(1, 10**6), rho, 0.1, 50, statistics_percent=101)


def test_a_budget_that_is_already_spent_is_refused():
    spent = replace(PLAN, epsilon=1.0, rho_statistics=1.0)
    assert epsilon(1.0, 1e-6) > 1.0
    with pytest.raises(EvaluationError, match="no noise reaches"):
        noise_multiplier_for(spent)


def test_the_chance_of_a_step_depends_on_public_facts_alone():
    assert sample_rate_for(40_000, 238) == sample_rate_for(99_999, 238)
    assert sample_rate_for(40_000, 238) != sample_rate_for(100_001, 238)
    assert sample_rate_for(40_000, 2_000) < sample_rate_for(40_000, 238)
    assert sample_rate_for(5, 238) == 0.25
    assert 0 < sample_rate_for(10**9, 238) < 0.1


def test_nobody_to_train_on_is_said():
    for histories in ([], [[1], [2]]):
        with pytest.raises(EvaluationError, match="nothing to learn"):
            train_private(encoder(), from_lists(histories), PLAN, 0, noise_multiplier=1.0)


def test_whoever_has_no_next_item_changes_nothing():
    plan = replace(PLAN, sample_rate=1.0, steps=3)
    few, more = encoder(), encoder()
    pairs = [[0, 1, 2], [3, 4]]
    train_private(few, from_lists(pairs), plan, 0, noise_multiplier=0.0)
    train_private(more, from_lists([[5], *pairs, [], [7]]), plan, 0, noise_multiplier=0.0)
    assert torch.allclose(weights(few), weights(more), atol=1e-6)
