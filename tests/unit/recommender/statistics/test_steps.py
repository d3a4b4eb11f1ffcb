"""Each step of a fit against its formula written plainly."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.errors import ModelError
from recommender.statistics.deconvolution import denoise, fit_mixture, posterior_mean
from recommender.statistics.direction import shrink_direction, split_directions
from recommender.statistics.gate import merged_gate, own_gate
from recommender.statistics.solve import solve_weights


def symmetric(rng, size, density=0.4):
    upper = np.triu(rng.gamma(1.0, 3.0, (size, size)) * (rng.random((size, size)) < density), 1)
    return upper + upper.T


def test_the_solve_is_the_formula_computed_with_plain_matrices():
    rng = np.random.default_rng(0)
    together = symmetric(rng, 12)
    skew = np.triu(rng.uniform(-1, 1, (12, 12)), 1) * together
    direction = skew - skew.T
    popularity = rng.gamma(2.0, 10.0, 12)
    forward = (together + direction) / 2

    degree = np.diag(popularity + 5.0)
    root = np.diag(1 / np.sqrt(np.diag(degree)))
    normal = 0.8 * root @ together @ root
    np.fill_diagonal(normal, 3.8)
    solved = np.linalg.inv(normal) @ root @ (forward + 0.1 * together) @ root
    expected = np.sqrt(np.maximum(root @ solved @ np.diag(np.diag(degree) ** 0.25), 0))
    np.fill_diagonal(expected, 0)

    assert np.array_equal(split_directions(together, direction), forward)
    assert np.allclose(solve_weights(together, forward, popularity), expected, atol=1e-12)
    some = np.array([7, 2])
    few = solve_weights(together, forward, popularity, rows=some)
    assert np.allclose(few, expected[some], atol=1e-12)


def test_the_solve_of_nothing_is_nothing():
    zero = np.zeros((4, 4))
    assert not solve_weights(zero, zero, np.zeros(4)).any()


def test_deconvolution_recovers_a_known_mixture():
    rng = np.random.default_rng(1)
    true = np.where(rng.random(60_000) < 0.8, 0.0, 10.0)
    mixture = fit_mixture(true + rng.normal(0, 2.0, true.size), 2.0)
    near_ten = (mixture.grid > 8.5) & (mixture.grid < 11.5)
    near_zero = mixture.grid < 1.5
    assert mixture.weights[near_ten].sum() == pytest.approx(0.2, abs=0.015)
    assert mixture.weights[near_zero].sum() == pytest.approx(0.8, abs=0.03)
    assert mixture.weights.sum() == pytest.approx(1.0)


def test_the_posterior_mean_is_bayes_rule_on_the_grid():
    rng = np.random.default_rng(2)
    mixture = fit_mixture(rng.gamma(0.5, 4.0, 5000) + rng.normal(0, 1.5, 5000), 1.5)
    for cell in (-3.0, 0.0, 2.5, 7.0, 11.9):
        likelihood = np.exp(-0.5 * ((cell - mixture.grid) / 1.5) ** 2) * mixture.weights
        expected = (likelihood * mixture.grid).sum() / likelihood.sum()
        # The others in the call fix the grid it is read off from.
        estimate = posterior_mean(mixture, np.array([-8.0, cell, 40.0]))[1]
        assert estimate == pytest.approx(expected, abs=2e-3)


def test_denoising_loses_less_than_raw_sums_and_keeps_what_is_far_above_the_noise():
    rng = np.random.default_rng(3)
    true = np.where(rng.random(30_000) < 0.9, 0.0, rng.gamma(1.0, 20.0, 30_000))
    noised = true + rng.normal(0, 3.0, true.size)
    estimate = denoise(noised, 3.0)
    raw = np.maximum(noised, 0)
    assert np.mean((estimate - true) ** 2) < 0.6 * np.mean((raw - true) ** 2)
    large = noised > 24.0
    assert np.array_equal(estimate[large], noised[large])
    assert (estimate >= 0).all()


def test_denoising_rises_with_the_cell():
    rng = np.random.default_rng(4)
    cells = np.sort(rng.gamma(0.3, 5.0, 2000) + rng.normal(0, 1.0, 2000))
    below = denoise(cells, 1.0)[cells <= 8.0]
    assert (np.diff(below) >= -1e-9).all()


def test_without_noise_only_negative_cells_change():
    assert denoise(np.array([-2.0, 0.0, 3.5]), 0.0).tolist() == [0.0, 0.0, 3.5]


def test_pure_noise_is_taken_for_nearly_nothing():
    rng = np.random.default_rng(5)
    assert denoise(rng.normal(0, 2.0, 20_000), 2.0).max() < 1.0


def test_empty_and_impossible_blocks():
    assert denoise(np.zeros(0), 1.0).size == 0
    with pytest.raises(ModelError, match="not finite"):
        denoise(np.array([1.0, np.nan]), 1.0)
    with pytest.raises(ModelError, match="positive"):
        fit_mixture(np.zeros(3), -1.0)


def test_direction_is_shrunk_by_its_noise_and_never_exceeds_together():
    together = np.array([[0.0, 5.0], [5.0, 0.0]])
    direction = np.array([[0.0, 3.0], [-3.0, 0.0]])
    variance = (0.4 * 5.0) ** 2
    shrunk = shrink_direction(together, direction, 2.0)
    assert shrunk[0, 1] == pytest.approx(3.0 * variance / (variance + 4.0))
    assert np.array_equal(shrunk, -shrunk.T)
    assert shrink_direction(together, 100 * direction, 2.0)[0, 1] == 5.0
    assert np.array_equal(shrink_direction(together, direction, 0.0), direction)
    nothing = shrink_direction(np.zeros((2, 2)), direction, 0.0)
    assert not nothing.any()


def test_gates_follow_their_formulas():
    own = np.array([[0.0, 4.0], [4.0, 0.0]])
    others = np.array([[0.0, 6.0], [6.0, 0.0]])
    expected = 10.0 / (10.0 + 3.0 * 6.0 / 10.0)
    assert merged_gate(own, others, 3.0).tolist() == pytest.approx([expected, expected])
    assert own_gate(own, 0.5).tolist() == pytest.approx([0.8, 0.8])
    assert own_gate(own / 8, 0.5 / 8).tolist() == pytest.approx([0.8, 0.8])  # long histories


def test_gates_trust_exact_knowledge_and_nothing_where_nothing_is_known():
    own = np.array([[0.0, 0.5], [0.5, 0.0]])
    assert merged_gate(own, 0 * own, 7.0).tolist() == [1.0, 1.0]
    assert merged_gate(0 * own, own, 0.0).tolist() == [1.0, 1.0]
    assert merged_gate(0 * own, 0 * own, 7.0).tolist() == [0.0, 0.0]
    assert own_gate(np.zeros((0, 0)), 0.5).size == 0
    assert own_gate(np.zeros((2, 2)), 0.0).tolist() == [0.0, 0.0]
