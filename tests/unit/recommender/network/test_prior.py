"""The prior network: it learns, it repeats itself, and it gets out of the way."""

from __future__ import annotations

import numpy as np
import torch

from recommender.network.prior import (
    ATOMS,
    denoise_with_features,
    mixture_log_likelihood,
)
from recommender.statistics.deconvolution import denoise


def told_cells(count=6000, seed=0, sd=2.0):
    """Cells of which a feature tells roughly where the true ones are, and those it tells of."""
    rng = np.random.default_rng(seed)
    likely = rng.random(count) < 0.2
    truth = np.where(likely & (rng.random(count) < 0.7), rng.gamma(4.0, 2.0, count), 0.0)
    features = np.column_stack([likely + 0.1 * rng.normal(size=count), rng.normal(size=count)])
    return truth, truth + sd * rng.normal(size=count), features.astype(np.float32)


def test_a_feature_that_tells_brings_estimates_nearer_to_the_truth_than_plain_deconvolution() -> (
    None
):
    truth, observed, features = told_cells()
    found = denoise_with_features(observed, features, 2.0)
    assert found is not None
    plain = denoise(observed, 2.0)
    assert np.mean((found - truth) ** 2) < 0.85 * np.mean((plain - truth) ** 2)


def test_features_that_tell_nothing_leave_the_estimates_to_plain_deconvolution_or_near_it() -> None:
    truth, observed, _ = told_cells()
    junk = np.random.default_rng(1).normal(size=(truth.size, 6)).astype(np.float32)
    found = denoise_with_features(observed, junk, 2.0)
    plain = np.mean((denoise(observed, 2.0) - truth) ** 2)
    assert found is None or np.mean((found - truth) ** 2) < 1.1 * plain


def test_the_same_cells_give_the_same_bytes_whatever_torch_drew_before() -> None:
    _, observed, features = told_cells(2000)
    torch.manual_seed(1)
    first = denoise_with_features(observed, features, 2.0)
    torch.rand(7)
    second = denoise_with_features(observed, features, 2.0)
    assert first is not None
    assert second is not None
    assert first.tobytes() == second.tobytes()


def test_the_number_of_threads_is_left_as_it_was() -> None:
    _, observed, features = told_cells(1000)
    before = torch.get_num_threads()
    denoise_with_features(observed, features, 2.0)
    assert torch.get_num_threads() == before


def test_a_cell_far_above_the_noise_is_taken_as_it_is() -> None:
    _, observed, features = told_cells(2000)
    observed[3] = 41.0
    found = denoise_with_features(observed, features, 2.0)
    assert found is not None
    assert found[3] == 41.0


def test_a_handful_of_cells_is_not_learned_from() -> None:
    assert denoise_with_features(np.ones(5), np.ones((5, 2), np.float32), 1.0) is None


def test_the_likelihood_of_a_mixture_is_the_sum_of_its_gaussians() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(4, len(ATOMS)))
    seen = np.array([-1.0, 0.3, 5.0, 49.0])
    weights = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = [
        sum(
            weight * np.exp(-0.5 * (cell - atom) ** 2) / np.sqrt(2 * np.pi)
            for weight, atom in zip(row, ATOMS, strict=True)
        )
        for cell, row in zip(seen, weights, strict=True)
    ]
    given = mixture_log_likelihood(
        torch.tensor(seen, dtype=torch.float32), torch.tensor(logits, dtype=torch.float32)
    )
    assert np.allclose(given.numpy(), np.log(expected), atol=1e-5)
